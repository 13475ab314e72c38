"""One labelled picture of a data set, not yet decoded, and a stream of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from embedder.data.boxes import Box
from embedder.data.images import read_image
from embedder.errors import ImageError
from likewise.arrays import Pixels
from likewise.names import composed, normal


class Encoded(Protocol):
    """A picture file that is not on the disk, such as a member of an archive."""

    def read_bytes(self) -> bytes:
        """Return the bytes of the file.

        Raises:
            ImageError: If they cannot be read.
        """


@dataclass(frozen=True, slots=True)
class EncodedBytes:
    """A picture file that is in memory.

    Attributes:
        content: The bytes of the file.
    """

    content: bytes

    def read_bytes(self) -> bytes:
        """Return the bytes of the file."""
        return self.content


@dataclass(frozen=True, slots=True)
class Record:
    """One picture with its id and label.

    Attributes:
        id: Stable name of the picture in its source: `mnist/train/00017`, a path relative to the
            source folder, `digits.csv/12`; see `as_text` and `composed`.
        label: The group it belongs to, None when the source does not name it; see `normal`.
        image: uint8 pixels, `(h, w)` grey or `(h, w, 3)` RGB; the path or the bytes of a picture
            file; or the reason why there is no picture.
        metadata: Further columns of a list, `{}` when there are none.
        source: The caller's name for the source, where records of several sources are joined.
        box: The part of the picture that is meant, None for all of it; or why there is none.

    Example:
        >>> import numpy as np
        >>> Record("blank/0", "none", np.zeros((28, 28), np.uint8)).pixels().shape
        (28, 28)
    """

    id: str
    label: str | None
    image: Pixels | Path | Encoded | ImageError
    metadata: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    box: Box | ImageError | None = None

    def __post_init__(self) -> None:
        if not self.id.isascii():
            object.__setattr__(self, "id", composed(as_text(self.id)))
        label = self.label
        if label is not None and (not label.isascii() or label != label.strip() or not label):
            object.__setattr__(self, "label", normal(as_text(label)) or None)

    def pixels(self) -> Pixels:
        """Return the picture as uint8 `(h, w)` or `(h, w, 3)`; a file is decoded.

        Raises:
            ImageError: If there is no picture, the file cannot be read as one, or the box does not
                lie within it.
        """
        if isinstance(self.box, ImageError):
            raise self.box
        pixels = self._whole()
        return pixels if self.box is None else self.box.cut(pixels)

    def _whole(self) -> Pixels:
        if isinstance(self.image, np.ndarray):
            return self.image
        if isinstance(self.image, ImageError):
            raise self.image
        return read_image(self.image if isinstance(self.image, Path) else self.image.read_bytes())


class Records(Iterator[Record]):
    """A stream of records that can be counted without reading the source a second time.

    Args:
        stream: The records, which can be iterated once; or a function that streams them again.
        count: Number of records; a function that computes it; or None where that would take long.
        notes: Sentences about the source: where its labels are, what is passed over.
        are_distinct: Whether the ids are known to differ.
        name: The caller's name for the source.

    Attributes:
        notes: See above.
        are_distinct: See above.
        name: See above.

    Example:
        >>> blank = Record("blank", None, np.zeros((28, 28), np.uint8))
        >>> two = Records([blank, blank], 2)
        >>> two.count(), len(list(two)), two.count()
        (2, 2, 2)
    """

    __slots__ = ("_count", "_open", "_stream", "are_distinct", "name", "notes")

    def __init__(
        self,
        stream: Iterable[Record] | Callable[[], Iterable[Record]],
        count: int | Callable[[], int | None] | None,
        *,
        notes: Sequence[str] = (),
        are_distinct: bool = False,
        name: str = "",
    ) -> None:
        self._open = stream if callable(stream) else None
        self._stream = None if callable(stream) else iter(stream)
        self._count = count
        self.notes = list(notes)
        self.are_distinct = are_distinct
        self.name = name

    def __iter__(self) -> Iterator[Record]:
        if self._stream is None:
            assert self._open is not None
            self._stream = iter(self._open())
        return self._stream

    def __next__(self) -> Record:
        return next(iter(self))

    def count(self) -> int | None:
        """Count the records of the whole stream; None where that would take long."""
        return self._count() if callable(self._count) else self._count

    @classmethod
    def joined(
        cls, streams: Sequence[Records], count: int | Callable[[], int | None] | None
    ) -> Records:
        """Concatenate streams.

        Args:
            streams: The streams, in order.
            count: Number of records in all streams, as above.
        """
        if len(streams) == 1:
            return streams[0]
        notes = [note for stream in streams for note in stream.notes]
        opened = [stream._open for stream in streams]
        if None in opened:
            return cls(chain.from_iterable(streams), count, notes=notes)
        return cls(lambda: chain.from_iterable(o() for o in opened if o), count, notes=notes)

    def mapped(self, change: Callable[[Record], Record]) -> Records:
        """The same records, each changed when it is read."""
        opened, stream = self._open, self
        if opened is None:
            return self._like(map(change, stream))
        return self._like(lambda: map(change, opened()))

    def again(self) -> Records | None:
        """The same records from the start; None for a stream that can be read only once."""
        return None if self._open is None else self._like(self._open)

    def peek(self, count: int) -> list[Record]:
        """Read up to `count` records ahead; the stream still gives them.

        Example:
            >>> blank = np.zeros((8, 8), np.uint8)
            >>> records = Records([Record("a", None, blank), Record("b", None, blank)], 2)
            >>> [record.id for record in records.peek(1)], [record.id for record in records]
            (['a'], ['a', 'b'])
        """
        first = list(islice(self, count))
        self._stream = chain(first, iter(self))
        return first

    def _like(self, stream: Iterable[Record] | Callable[[], Iterable[Record]]) -> Records:
        return Records(
            stream,
            self._count,
            notes=self.notes,
            are_distinct=self.are_distinct,
            name=self.name,
        )


def as_text(name: str) -> str:
    r"""Escape the bytes of a file name that are invalid UTF-8, so that it is valid text anywhere.

    Example:
        >>> import os
        >>> as_text(os.fsdecode(b"caf\xe9.png"))
        'caf\\xe9.png'
    """
    try:
        raw = name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate, which JSON can hold
        raw = name.encode("utf-8", "backslashreplace")
    return raw.decode("utf-8", "backslashreplace")


def from_arrays(
    prefix: str, images: Pixels, labels: Sequence[str | None] | None, first: int = 0
) -> Iterator[Record]:
    """Stream the rows of an array as records `prefix/00000`, `prefix/00001`, and so on.

    Args:
        prefix: First part of every id, before the number.
        images: uint8 `(n, h, w)` or `(n, h, w, 3)`; records hold views into it.
        labels: n labels, None for a picture without a label; or None if no picture has one.
        first: The number of the first row.

    Example:
        >>> import numpy as np
        >>> [r.id for r in from_arrays("set", np.zeros((2, 8, 8), np.uint8), None, first=7)]
        ['set/00007', 'set/00008']
    """
    each = labels if labels is not None else [None] * len(images)
    for row, (image, label) in enumerate(zip(images, each, strict=True), start=first):
        yield Record(f"{prefix}/{row:05d}", label, image)
