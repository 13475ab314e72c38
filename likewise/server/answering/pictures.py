"""Embed the pictures of many requests in one batch.

Pictures of the network's own shape are decoded by the embedding thread, which is cheaper than
handing them to another. All others would delay every request: `decoders` prepares them first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np

from embedder.data.boxes import Box
from embedder.data.images import read_image
from embedder.errors import EmbeddingError, ImageError
from embedder.model import Embedder
from embedder.preprocessing.flat import remarks_on_flat
from embedder.preprocessing.prepare import are_ready
from likewise.arrays import Bools, Floats, Pixels
from likewise.embedding import NOT_FINITE
from likewise.embedding import embed as embed_pictures

Timed = Callable[[str], AbstractContextManager[None]]
DECODE, EMBED = "decode", "embed"  # stages


class UnreadyError(Exception):
    """A picture must be prepared before the embedding thread can take it."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A decoded and prepared picture.

    Attributes:
        pixels: uint8, of the shape that the network takes.
    """

    pixels: Pixels


@dataclass(frozen=True, slots=True)
class Cropped:
    """A picture file of which a part is meant.

    Attributes:
        content: The file.
        box: The part, which decoder processes cut out.
    """

    content: bytes
    box: Box


Picture = bytes | Cropped | Pixels | Prepared | ImageError


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """The n pictures, or n vectors, of a request.

    Attributes:
        ids: n names.
        images: Files, parts of files, uint8 pixels `(h, w)` or `(h, w, 3)`, prepared pictures, or
            errors; None for vectors.
        vectors: `(n, dim)`, float32, finite; None for pictures.
    """

    ids: list[str]
    images: Sequence[Picture] | Pixels | None = None
    vectors: Floats | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def cut(self, start: int, stop: int) -> Pictures:
        """The pictures or vectors from `start` to `stop`.

        Args:
            start: First place, from 0.
            stop: Place after the last.
        """
        part = slice(start, stop)
        return Pictures(
            self.ids[part],
            None if self.images is None else self.images[part],
            None if self.vectors is None else self.vectors[part],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """The vectors of the pictures of one request.

    Attributes:
        vectors: Vectors of the m readable pictures, in order, `(m, dim)`.
        reasons: Errors of the unreadable ones, by position.
        remarks: On those that are nearly one grey value, by their rows among the m.
    """

    vectors: Floats
    reasons: dict[int, ImageError]
    remarks: dict[int, str]


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """The readable pictures of one request, and the errors of the others by place."""

    rows: list[Pixels | Prepared]
    reasons: dict[int, ImageError]

    def raw(self) -> list[Pixels]:
        """Those that are not prepared."""
        return [row for row in self.rows if isinstance(row, np.ndarray)]


def embed(
    requests: Sequence[Pictures], embedder: Embedder, timed: Timed
) -> list[Embedded | UnreadyError]:
    """Decode and embed the pictures of all requests in one batch.

    Args:
        requests: The pictures or vectors of each request.
        embedder: The model.
        timed: Measures the time of each stage.

    Returns:
        For each request its vectors, or an error if a picture must be prepared first.
    """
    with timed(DECODE):
        read = _without_unready([_read(pictures) for pictures in requests], embedder)
    with timed(EMBED):
        rows = [row for result in read if isinstance(result, _Read) for row in result.rows]
        images = _images(rows, embedder)
        vectors, has_vector = embed_pictures(embedder, images)
    remarks = remarks_on_flat(images)
    results: list[Embedded | UnreadyError] = []
    first = 0
    for pictures, result in zip(requests, read, strict=True):
        if isinstance(result, UnreadyError):
            results.append(result)
        elif pictures.vectors is not None:
            results.append(Embedded(pictures.vectors, {}, {}))
        else:
            end = first + len(result.rows)
            here = {row - first: text for row, text in remarks.items() if first <= row < end}
            embedded = Embedded(vectors[first:end], result.reasons, here)
            results.append(_only(embedded, has_vector[first:end]))
            first = end
    return results


def _only(embedded: Embedded, has_vector: Bools) -> Embedded:
    """Keep those of the m pictures that have a vector to search with, `(m,)`."""
    if has_vector.all():
        return embedded
    reasons, remarks = embedded.reasons, embedded.remarks
    places = [at for at in range(len(has_vector) + len(reasons)) if at not in reasons]
    lost = {places[row]: EmbeddingError(NOT_FINITE) for row in np.flatnonzero(~has_vector)}
    kept = enumerate(np.flatnonzero(has_vector).tolist())
    return Embedded(
        embedded.vectors[has_vector],
        reasons | lost,
        {new: remarks[row] for new, row in kept if row in remarks},
    )


def _read(pictures: Pictures) -> _Read:
    """Decode the pictures of one request."""
    rows: list[Pixels | Prepared] = []
    reasons: dict[int, ImageError] = {}
    for place, picture in enumerate(() if pictures.images is None else pictures.images):
        if isinstance(picture, Cropped):
            raise TypeError("A part of a picture must be prepared by `Decoders`.")
        try:
            row = read_image(picture) if isinstance(picture, bytes) else picture
        except ImageError as error:
            row = error.bare()
        if isinstance(row, ImageError):
            reasons[place] = row
        else:
            rows.append(row)
    return _Read(rows, reasons)


def _without_unready(read: Sequence[_Read], embedder: Embedder) -> list[_Read | UnreadyError]:
    """Replace each request that holds an expensive picture by an error."""
    raw = [pixels for result in read for pixels in result.raw()]
    ready = are_ready(raw, embedder.preprocessing, embedder.input_shape)
    if all(ready):
        return list(read)
    left = iter(ready)
    return [
        result if all([next(left) for _ in result.raw()]) else UnreadyError() for result in read
    ]


def _images(rows: Sequence[Pixels | Prepared], embedder: Embedder) -> Pixels:
    """The pictures as one array, as the network takes them."""
    if not rows:
        return np.empty((0, *embedder.input_shape), np.uint8)
    raw = [row for row in rows if isinstance(row, np.ndarray)]
    prepared: Sequence[Pixels] | Pixels = embedder.prepare(raw) if raw else ()
    if len(prepared) < len(rows):
        left = iter(prepared)
        prepared = np.stack([_pixels(row, left) for row in rows])
    return np.asarray(prepared)


def _pixels(row: Pixels | Prepared, prepared: Iterator[Pixels]) -> Pixels:
    return row.pixels if isinstance(row, Prepared) else next(prepared)
