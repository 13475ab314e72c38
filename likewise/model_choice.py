"""Choose a model for pictures where the user names none, and warn where the model does not fit.

The digits model is for digits alone. A few pictures, spread over the first thousand, are compared
with bundled digits; of photographs no more is looked at than their size and colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from embedder.data.bundled import mnist
from embedder.data.records import Record, Records
from embedder.errors import ImageError, ModelError
from embedder.manifest import read_manifest
from embedder.model import DIGITS, PHOTOS, SHIPPED, Embedder
from embedder.text import counted
from index.gallery import Gallery
from index.operating_point import points_from_json
from likewise.arrays import Floats, Pixels

_FIRST, _LOOKED_AT = 1000, 64  # records from which pictures are taken, and how many of these
_SIDE = 32  # pixels: the largest picture that is taken for a digit without being asked
_SMALL = 0.9  # share of small grey pictures from which they may be digits
_BUNDLED, _FEW = 1000, 200  # digits to compare with: 0.3 s, 0.06 s
_NEAR, _FAR = 0.75, 0.1  # 90 % of MNIST's digits lie near one of so few, 96 % near one of all

MODEL, MISFIT = "model", "misfit"  # notes of a gallery


@dataclass(frozen=True, slots=True)
class Choice:
    """A model that was chosen for pictures.

    Attributes:
        name: `digits` or `photos`.
        reason: Why, as part of a sentence.
        is_plain: Whether it needs no explanation: bundled digits are digits.
    """

    name: str
    reason: str
    is_plain: bool = False

    def load(self) -> Embedder:
        """Open the model."""
        if self.name == DIGITS:
            return Embedder.load()
        from embedder.photos.model import photos_directory

        return Embedder.load(photos_directory())

    def note_in(self, gallery: Gallery) -> None:
        """Store the sentence in the gallery that got the model."""
        gallery.note(MODEL, self.sentence)

    @property
    def sentence(self) -> str:
        """The choice and its reason.

        Example:
            >>> Choice("photos", "they are in colour").sentence
            'Model photos, as none was named: they are in colour.'
        """
        return f"Model {self.name}, as none was named: {self.reason}."


FOR_BUNDLED = Choice(DIGITS, "these are the bundled digits", is_plain=True)


def choose(records: Iterable[Record]) -> Choice:
    """Choose a model for pictures.

    Args:
        records: Some of the pictures, as `looked_at` takes them.

    Raises:
        ModelError: If they are not digits, and the photos model is not installed.
    """
    pictures = _small_greys(records)
    if not pictures.seen:
        return Choice(DIGITS, "no picture could be read")
    if not pictures.are_small:
        large = pictures.seen - len(pictures.small)
        reason = (
            f"they are in colour or larger than {_SIDE} pixels ({large} of {pictures.seen} "
            "looked at)"
        )
        return _photos(reason)
    near = round(len(pictures.small) * share_near_digits(Embedder.load(), pictures.small))
    shown = f"({near} of {pictures.seen} looked at)"
    if near >= _NEAR * pictures.seen:
        return Choice(DIGITS, f"they look like digits {shown}")
    return _photos(f"few of them look like digits {shown}")


def misfit(embedder: Embedder, records: Iterable[Record]) -> str | None:
    """Warn of pictures that the digits model was plainly not made for.

    Args:
        embedder: The gallery's.
        records: Some of the pictures, as `looked_at` takes them.

    Returns:
        A sentence; None for pictures that may be digits, and for every other model.
    """
    if embedder.fingerprint != read_manifest(SHIPPED)["fingerprint"]:
        return None
    pictures = [picture for record in records if (picture := _pixels(record)) is not None]
    if not pictures or (near := share_near_digits(embedder, pictures, _FEW)) >= _FAR:
        return None
    return (
        f"The digits model was not made for these pictures: of {counted(len(pictures), 'picture')} "
        f"{round(near * len(pictures))} look like a digit. Its thresholds mean nothing here: "
        f"build their gallery with another model, as --model {PHOTOS}."
    )


def note_misfit(embedder: Embedder, gallery: Gallery, records: Iterable[Record]) -> str | None:
    """Store a warning in a gallery that got pictures which its model was plainly not made for.

    Args:
        embedder: The gallery's.
        gallery: Open for writing.
        records: The pictures; those that can be read only once are not looked at.

    Returns:
        The sentence of `misfit`.
    """
    again = records.again() if isinstance(records, Records) else None
    sentence = None if again is None else misfit(embedder, sample(again))
    if sentence:
        gallery.note(MISFIT, sentence)
    return sentence


def looked_at(records: Iterable[Record]) -> tuple[list[Record], Iterable[Record]]:
    """Take a few records of a stream.

    Returns:
        These, from the first thousand where the stream can be read twice, else the first; and the
        whole stream.
    """
    if isinstance(records, list):
        return sample(records), records
    if isinstance(records, Records):
        again = records.again()
        return (records.peek(_LOOKED_AT) if again is None else sample(again)), records
    stream = iter(records)
    first = list(islice(stream, _LOOKED_AT))
    return first, chain(first, stream)


def sample(records: Iterable[Record]) -> list[Record]:
    """Take a few of the first thousand records, spread evenly; they are not decoded.

    Example:
        >>> blank = np.zeros((8, 8), np.uint8)
        >>> taken = sample(Record(str(place), None, blank) for place in range(300))
        >>> len(taken), [record.id for record in taken[:3]]
        (38, ['0', '8', '16'])
    """
    taken: list[Record] = []
    step = 1
    for place, record in enumerate(islice(records, _FIRST)):
        if place % step == 0:
            taken.append(record)
        if len(taken) > _LOOKED_AT:
            taken, step = taken[::2], step * 2
    return taken


def share_near_digits(
    embedder: Embedder, pictures: Sequence[Pixels], bundled: int = _BUNDLED
) -> float:
    """The share of pictures within the model's own threshold of a bundled digit.

    Args:
        embedder: The digits model.
        pictures: One or more, of any size.
        bundled: How many digits to compare with, 1 to 10,000.
    """
    points = points_from_json(embedder.operating_points)
    point = points.get("default") or next(iter(points.values()))
    vectors = embedder.embed(embedder.prepare(pictures))
    digits = _digits(embedder, bundled)
    lengths = np.square(vectors).sum(axis=1, keepdims=True) + np.square(digits).sum(axis=1)
    squared = lengths - 2 * vectors @ digits.T
    return float((squared.min(axis=1) <= point.threshold**2).mean())


def _digits(embedder: Embedder, count: int) -> Floats:
    images = mnist("test")[0]
    return embedder.embed(np.ascontiguousarray(images[:: len(images) // count]))


@dataclass(slots=True)
class _Looked:
    """Pictures that were looked at: how many, and those that are small and grey."""

    seen: int
    small: list[Pixels]

    @property
    def are_small(self) -> bool:
        return len(self.small) >= _SMALL * self.seen


def _small_greys(records: Iterable[Record]) -> _Looked:
    """Look at pictures until it is plain that they are not small and grey."""
    records = list(records)
    looked = _Looked(0, [])
    for record in records:
        picture = _pixels(record)
        if picture is None:
            continue
        looked.seen += 1
        if _is_small_grey(picture):
            looked.small.append(picture)
        elif looked.seen - len(looked.small) > (1 - _SMALL) * len(records):
            break
    return looked


def _pixels(record: Record) -> Pixels | None:
    try:
        return record.pixels()
    except ImageError:
        return None


def _is_small_grey(picture: Pixels) -> bool:
    if max(picture.shape[:2]) > _SIDE:
        return False
    return picture.ndim == 2 or bool((picture == picture[..., :1]).all())


def _photos(reason: str) -> Choice:
    from embedder.photos.model import INSTALL, is_installed

    if not is_installed():
        raise ModelError(
            f"These pictures are not digits: {reason}. The model for photographs is not "
            f"installed: {INSTALL}. Or name a model: --model DIRECTORY, or --model {DIGITS} to use "
            "the digits model all the same."
        )
    return Choice(PHOTOS, reason)
