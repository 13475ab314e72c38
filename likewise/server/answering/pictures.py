"""Embed the pictures of many requests in one batch.

Small pictures are decoded by the embedding thread, which is cheaper than handing them to another.
Large pictures would block all others: they are decoded first, in other threads, a few at a time to
save memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np

from embedder.data.images import read_image
from embedder.errors import ImageError, TooManyPixelsError
from embedder.model import Embedder
from embedder.preprocessing.flat import remarks_on_flat
from likewise.arrays import Floats, Pixels

_SMALL_FILE = 32 << 10  # bytes
_SMALL_PICTURE = 1 << 20  # pixels: a file may be small and its picture large


Timed = Callable[[str], AbstractContextManager[None]]
DECODE, EMBED = "decode", "embed"  # stages


class LargePictureError(Exception):
    """The picture is too large for the embedding thread to decode."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A decoded and prepared picture.

    Attributes:
        pixels: uint8, of the shape that the network takes.
    """

    pixels: Pixels


Picture = bytes | Pixels | Prepared | ImageError


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """The n pictures, or n vectors, of a request.

    Attributes:
        ids: n names.
        images: Files, uint8 pixels `(h, w)` or `(h, w, 3)`, prepared pictures, or errors;
            None for vectors.
        vectors: `(n, dim)`, float32, finite; None for pictures.
    """

    ids: list[str]
    images: Sequence[Picture] | Pixels | None = None
    vectors: Floats | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def cut(self, start: int, stop: int) -> Pictures:
        """The pictures or vectors from `start` to `stop`."""
        some = slice(start, stop)
        return Pictures(
            self.ids[some],
            None if self.images is None else self.images[some],
            None if self.vectors is None else self.vectors[some],
        )

    def is_large(self) -> bool:
        """Whether a file is large; a small file may still hold a large picture."""
        if self.images is None or isinstance(self.images, np.ndarray):
            return False
        return any(
            isinstance(picture, bytes) and len(picture) > _SMALL_FILE for picture in self.images
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


def prepare(pictures: Pictures, embedder: Embedder, max_pixels: int) -> Pictures:
    """Decode the files among pictures, one after the other, to the shape that the network takes.

    Args:
        pictures: Files, which are decoded, and others, which are unchanged.
        embedder: Prepares pictures for its network.
        max_pixels: Largest picture, width times height; a larger one becomes an error.
    """
    images = () if pictures.images is None else pictures.images
    return replace(pictures, images=[_prepared(image, embedder, max_pixels) for image in images])


def embed(
    requests: Sequence[Pictures], embedder: Embedder, timed: Timed
) -> list[Embedded | LargePictureError]:
    """Decode and embed the pictures of all requests in one batch.

    Args:
        requests: The pictures or vectors of each request.
        embedder: The model.
        timed: Measures the time of each stage.

    Returns:
        For each request its vectors, or an error if a picture is large.
    """
    rows: list[Pixels | None] = []  # as the network takes them; None where `unprepared` has them
    unprepared: list[Pixels] = []
    spans: list[tuple[int, int, dict[int, ImageError]] | LargePictureError] = []
    with timed(DECODE):
        for pictures in requests:
            first, first_unprepared = len(rows), len(unprepared)
            try:
                reasons = _read(pictures, rows, unprepared)
                spans.append((first, len(rows), reasons))
            except LargePictureError as error:
                del rows[first:], unprepared[first_unprepared:]
                spans.append(error)
    with timed(EMBED):
        images = _images(rows, unprepared, embedder)
        vectors = embedder.embed(images)
    remarks = remarks_on_flat(images)

    def embedded(pictures: Pictures, first: int, end: int, why: dict[int, ImageError]) -> Embedded:
        if pictures.vectors is not None:
            return Embedded(pictures.vectors, why, {})
        here = {row - first: text for row, text in remarks.items() if first <= row < end}
        return Embedded(vectors[first:end], why, here)

    return [
        span if isinstance(span, LargePictureError) else embedded(pictures, *span)
        for pictures, span in zip(requests, spans, strict=True)
    ]


def _read(
    pictures: Pictures, rows: list[Pixels | None], unprepared: list[Pixels]
) -> dict[int, ImageError]:
    """Append readable pictures to the batch; return the errors of the others."""
    reasons: dict[int, ImageError] = {}
    for place, picture in enumerate(() if pictures.images is None else pictures.images):
        try:
            if isinstance(picture, bytes):
                picture = read_image(picture, max_pixels=_SMALL_PICTURE)
        except TooManyPixelsError as error:
            raise LargePictureError from error
        except ImageError as error:
            picture = error.bare()
        if isinstance(picture, ImageError):
            reasons[place] = picture
        elif isinstance(picture, Prepared):
            rows.append(picture.pixels)
        else:
            rows.append(None)
            unprepared.append(picture)
    return reasons


def _images(rows: list[Pixels | None], unprepared: list[Pixels], embedder: Embedder) -> Pixels:
    if not rows:
        return np.empty((0, *embedder.input_shape), np.uint8)
    prepared: Sequence[Pixels] | Pixels = embedder.prepare(unprepared) if unprepared else ()
    if len(prepared) < len(rows):
        left = iter(prepared)
        prepared = np.stack([next(left) if row is None else row for row in rows])
    return np.asarray(prepared)


def _prepared(picture: Picture, embedder: Embedder, max_pixels: int) -> Picture:
    if not isinstance(picture, bytes):
        return picture
    try:
        return Prepared(embedder.prepare([read_image(picture, max_pixels=max_pixels)])[0])
    except ImageError as error:
        return error.bare()
