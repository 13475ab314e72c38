"""Pictures that are decoded whenever they are read, so that memory never holds all of them.

Large pictures are decoded in threads that run ahead. Small ones are not: nearly all of their work
holds Python's lock, and two threads that contend for it take longer than one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import TypeVar, overload

from embedder.data.records import Record
from embedder.errors import DatasetError, ImageError
from likewise import parallel
from likewise.arrays import Pixels

T = TypeVar("T")
R = TypeVar("R")

_THREADS = min(8, parallel.count())
_PROBE, _SMALL = 4, 0.001  # pictures that are timed, and the seconds each that still mean small


def decoded(function: Callable[[T], R], items: Iterable[T]) -> Generator[R, None, None]:
    """Call a function that decodes a picture on each item, in threads where the first are slow.

    Args:
        function: Called in this thread or in others.
        items: Drawn in this thread.
    """
    stream = iter(items)
    taken = 0.0
    for item in islice(stream, _PROBE):
        started = time.perf_counter()
        result = function(item)
        taken += time.perf_counter() - started
        yield result
    if taken <= _PROBE * _SMALL:
        yield from map(function, stream)
    else:
        yield from parallel.ahead(function, stream, threads=_THREADS, waiting=_THREADS)


@dataclass(frozen=True, eq=False)
class Streamed(Sequence[Pixels]):
    """Pictures of a source, in its order.

    To read one by its row passes over the records before it: iterate where there are many.

    Attributes:
        opened: Opens the source anew.
        ids: n ids.
        places: Positions of these n pictures among the source's records, ascending.
        contents: n content hashes.
        shapes: n shapes.
        digest: `Dataset.digest` of these pictures with their labels; None where it is not known.
    """

    opened: Callable[[], Iterable[Record]] = field(repr=False)
    ids: Sequence[str] = field(repr=False)
    places: Sequence[int] = field(repr=False)
    contents: list[bytes] = field(repr=False)
    shapes: list[tuple[int, ...]] = field(repr=False)
    digest: str | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Pixels]:
        return self.each(lambda row, picture: picture)

    @overload
    def __getitem__(self, row: int) -> Pixels: ...

    @overload
    def __getitem__(self, row: slice) -> list[Pixels]: ...

    def __getitem__(self, row: int | slice) -> Pixels | list[Pixels]:
        rows = range(len(self))[row]
        return list(self.at(rows)) if isinstance(rows, range) else next(iter(self.at([rows])))

    def each(
        self, function: Callable[[int, Pixels], R], first: int = 0
    ) -> Generator[R, None, None]:
        """Decode the pictures from a row on, and call a function on each.

        Args:
            function: Called with a row and its picture, in this thread or in others.
            first: The first row, 0 to n.

        Raises:
            DatasetError: While iterating, if the source is no longer as it was.
        """

        def on_picture(numbered: tuple[int, Record]) -> R:
            row, record = numbered
            try:
                picture = record.pixels()
            except ImageError as error:
                raise DatasetError(f"{record.id} can no longer be read: {error}.") from error
            return function(row, picture)

        yield from decoded(on_picture, self._numbered(first))

    def _numbered(self, first: int) -> Iterator[tuple[int, Record]]:
        """The records from a row on, with their rows."""
        row = first
        for place, record in enumerate(self.opened()):
            if row == len(self):
                return
            if place == self.places[row]:
                if record.id != self.ids[row]:
                    break
                yield row, record
                row += 1
        if row < len(self):
            raise DatasetError(
                f"Expected {self.ids[row]} where it was read before, but it is no longer there: "
                "start again, and leave the pictures as they are meanwhile."
            )

    def at(self, rows: Sequence[int]) -> Streamed:
        """The pictures at rows.

        Args:
            rows: Positions from 0, ascending.

        Raises:
            ValueError: If they do not ascend.
        """
        if any(second <= first for first, second in pairwise(rows)):
            raise ValueError("Rows of pictures that are streamed must ascend.")
        return Streamed(
            self.opened,
            [self.ids[row] for row in rows],
            [self.places[row] for row in rows],
            [self.contents[row] for row in rows],
            [self.shapes[row] for row in rows],
        )
