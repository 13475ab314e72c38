"""Collect the pictures of a source to a data set: in memory, or as places to decode them again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from embedder.data.content import Digest, content_hash
from embedder.data.dataset import Dataset
from embedder.data.records import Record
from embedder.data.streamed import Streamed
from embedder.errors import DatasetError, ImageError
from likewise.arrays import Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What reading a record gave.

    Attributes:
        record: The record.
        pixels: Its picture, or why there is none.
        content: The picture's content hash; empty unless asked for.
    """

    record: Record
    pixels: Pixels | ImageError
    content: bytes = b""

    def picture(self) -> Pixels:
        """The picture.

        Raises:
            DatasetError: If there is none.
        """
        if isinstance(self.pixels, ImageError):
            raise DatasetError(
                f"{self.record.id} cannot be read: {self.pixels}; repair or remove it."
            ) from self.pixels
        return self.pixels

    def label(self, source: str) -> str:
        """The label.

        Args:
            source: Name of the source, for the message.

        Raises:
            DatasetError: If there is none.
        """
        if self.record.label is None:
            raise DatasetError(
                f"{self.record.id} in {source} has no label: make a folder for each label, or a "
                "list with a column of labels."
            )
        return self.record.label


def look(record: Record, *, hashed: bool) -> Look:
    """Read a record.

    Args:
        record: What to read.
        hashed: Whether to hash its picture.
    """
    try:
        pixels = record.pixels()
    except ImageError as error:
        return Look(record, error)
    return Look(record, pixels, content_hash(pixels) if hashed else b"")


@dataclass(slots=True, eq=False)
class Kept:
    """Pictures that stay in memory."""

    ids: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    _images: list[Pixels] = field(default_factory=list)

    def add(self, place: int, looked: Look, source: str) -> None:
        """Add a record.

        Args:
            place: Its position in the source.
            looked: What reading it gave.
            source: Name of the source, for messages.

        Raises:
            DatasetError: If it has no picture or no label.
        """
        image, label = looked.picture(), looked.label(source)
        self.ids.append(looked.record.id)
        self.labels.append(label)
        self._images.append(image)

    def dataset(self, opened: Callable[[], Iterable[Record]], name: str) -> Dataset:
        """The data set.

        Args:
            opened: Opens the source anew; not needed here.
            name: What to call it.
        """
        one_shape = len({image.shape for image in self._images}) == 1
        images = np.stack(self._images) if one_shape else self._images
        return Dataset(self.ids, self.labels, images, name)


@dataclass(slots=True, eq=False)
class Passed:
    """Pictures that come and go; their hashes and shapes stay."""

    ids: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    _places: list[int] = field(default_factory=list)
    _contents: list[bytes] = field(default_factory=list)
    _shapes: list[tuple[int, ...]] = field(default_factory=list)
    _known: dict[tuple[int, ...], tuple[int, ...]] = field(default_factory=dict)
    _digest: Digest = field(default_factory=Digest)

    def add(self, place: int, looked: Look, source: str) -> None:
        """Add a record, as `Kept` does.

        Args:
            place: Its position in the source.
            looked: What reading it gave, with the content hash.
            source: Name of the source, for messages.

        Raises:
            DatasetError: If it has no picture or no label.
        """
        image, label = looked.picture(), sys.intern(looked.label(source))
        self.ids.append(looked.record.id)
        self.labels.append(label)
        self._places.append(place)
        self._contents.append(looked.content)
        self._shapes.append(self._known.setdefault(image.shape, image.shape))
        self._digest.add(label, image)

    def dataset(self, opened: Callable[[], Iterable[Record]], name: str) -> Dataset:
        """The data set.

        Args:
            opened: Opens the source anew.
            name: What to call it.
        """
        images = Streamed(
            opened,
            self.ids,
            self._places,
            self._contents,
            self._shapes,
            self._digest.hexdigest(),
        )
        return Dataset(self.ids, self.labels, images, name)
