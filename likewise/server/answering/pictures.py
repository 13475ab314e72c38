"""What is asked about, pictures or vectors: from files to vectors, those of many requests at once.

Small pictures are decoded by the thread that embeds them: that costs less than to hand them to
another. Large ones, which would keep all others waiting, are prepared before, by threads of their
own, and only they ever lie decoded at their own size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np

from embedder.data.images import read_image
from embedder.errors import ImageError, TooManyPixelsError
from embedder.model import Embedder
from likewise.arrays import Floats, Pixels

_SMALL_FILE = 32 << 10  # bytes
_SMALL_PICTURE = 1 << 20  # pixels: a file may be small and its picture large


Timed = Callable[[str], AbstractContextManager[None]]
DECODE, EMBED = "decode", "embed"  # stages


class LargePictureError(Exception):
    """Among the pictures is one that must be prepared before."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A picture that was decoded before.

    Attributes:
        pixels: uint8, of the shape that the network takes.
    """

    pixels: Pixels


Picture = bytes | Pixels | Prepared | ImageError


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """n pictures, or n vectors.

    Attributes:
        ids: n names.
        pictures: Files, uint8 pixels `(h, w)` or `(h, w, 3)`, prepared ones, or why there is none;
            None for vectors.
        vectors: `(n, dim)`, float32, finite; None for pictures.
    """

    ids: list[str]
    pictures: Sequence[Picture] | Pixels | None = None
    vectors: Floats | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def cut(self, start: int, stop: int) -> Subject:
        """Some of the pictures or vectors."""
        some = slice(start, stop)
        return Subject(
            self.ids[some],
            None if self.pictures is None else self.pictures[some],
            None if self.vectors is None else self.vectors[some],
        )

    def is_large(self) -> bool:
        """Whether a picture is better prepared before; of a small file only its header knows."""
        if self.pictures is None or isinstance(self.pictures, np.ndarray):
            return False
        return any(
            isinstance(picture, bytes) and len(picture) > _SMALL_FILE for picture in self.pictures
        )


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """The vectors of a subject.

    Attributes:
        vectors: Of the m pictures that could be read, in order, `(m, dim)`.
        reasons: Why the others could not, by their places.
    """

    vectors: Floats
    reasons: dict[int, ImageError]


def prepare(subject: Subject, embedder: Embedder, max_pixels: int) -> Subject:
    """Decode the files of a subject, one after the other, to the shape that the network takes."""
    given = () if subject.pictures is None else subject.pictures
    return replace(subject, pictures=[_prepared(one, embedder, max_pixels) for one in given])


def embed(
    subjects: Sequence[Subject], embedder: Embedder, timed: Timed
) -> list[Embedded | LargePictureError]:
    """Decode and embed the pictures of all subjects in one go.

    Args:
        subjects: Of any number of requests.
        embedder: The model.
        timed: Measures what each stage takes.

    Returns:
        For each subject its vectors, or that it must be prepared before.
    """
    rows: list[Pixels | None] = []  # as the network takes them; None where `unprepared` has them
    unprepared: list[Pixels] = []
    spans: list[tuple[int, int, dict[int, ImageError]] | LargePictureError] = []
    with timed(DECODE):
        for subject in subjects:
            first, first_unprepared = len(rows), len(unprepared)
            try:
                reasons = _read(subject, rows, unprepared)
                spans.append((first, len(rows), reasons))
            except LargePictureError as error:
                del rows[first:], unprepared[first_unprepared:]
                spans.append(error)
    with timed(EMBED):
        vectors = _vectors(rows, unprepared, embedder)
    return [
        span
        if isinstance(span, LargePictureError)
        else Embedded(
            vectors[span[0] : span[1]] if subject.vectors is None else subject.vectors, span[2]
        )
        for subject, span in zip(subjects, spans, strict=True)
    ]


def _read(
    subject: Subject, rows: list[Pixels | None], unprepared: list[Pixels]
) -> dict[int, ImageError]:
    """Append the pictures of a subject; give the reasons of those that cannot be read."""
    reasons: dict[int, ImageError] = {}
    for place, picture in enumerate(() if subject.pictures is None else subject.pictures):
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


def _vectors(rows: list[Pixels | None], unprepared: list[Pixels], embedder: Embedder) -> Floats:
    if not rows:
        return np.empty((0, embedder.dim), np.float32)
    prepared: Sequence[Pixels] | Pixels = embedder.prepare(unprepared) if unprepared else ()
    if len(prepared) < len(rows):
        left = iter(prepared)
        prepared = np.stack([next(left) if row is None else row for row in rows])
    return embedder.embed(np.asarray(prepared))


def _prepared(picture: Picture, embedder: Embedder, max_pixels: int) -> Picture:
    if not isinstance(picture, bytes):
        return picture
    try:
        return Prepared(embedder.prepare([read_image(picture, max_pixels=max_pixels)])[0])
    except ImageError as error:
        return error.bare()
