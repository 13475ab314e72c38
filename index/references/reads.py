"""What can be read of a store of references, each call within one snapshot."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from index.errors import StoreError
from index.references import changes, selection
from index.references.connection import Connection
from index.references.rows import Row, State, wrap


class Reads(ABC):
    """The reads of a store; those within a `reading` block are of one snapshot.

    Attributes:
        path: What messages call the store.
        gallery: What messages call its gallery.
        proves_absent: Asked, with the store and ids that the engine did not find, whether these
            are proven to be absent.
    """

    path: object
    gallery: object
    _database: Connection
    proves_absent: Callable[[Reads, list[str]], bool] = staticmethod(lambda store, ids: False)

    @abstractmethod
    def reading(self) -> AbstractContextManager[State]:
        """Hold a snapshot: all reads inside see the same transactions."""

    def state(self) -> State:
        """The current state."""
        with self.reading() as state:
            return state

    def labels(self, most: int | None = None, *, after: int = 0) -> list[str]:
        """Up to `most` different labels of groups, or all, without verifying the rows.

        Args:
            most: How many at most; None for all.
            after: Slot of the last row that is left out; 0 for none.
        """
        with self.reading():
            return selection.labels(self._database, most, after)

    def count_unlabelled(self) -> int:
        """Count the references without a group, without verifying the rows."""
        with self.reading():
            return selection.count_unlabelled(self._database)

    def rows(self, after: int = 0) -> Iterator[Row]:
        """Every row whose slot is beyond `after`, by slot, verified."""
        with self.reading():
            yield from selection.rows_after(self._database, after)

    def between(self, after: int, last: int) -> list[Row]:
        """The rows of a short span of slots, by slot, verified.

        Args:
            after: The last slot before the span.
            last: Its last slot.
        """
        with self.reading():
            return selection.rows_between(self._database, after, last)

    def named(self, ids: Sequence[str]) -> list[Row]:
        """The rows with these ids, in no order; absences are verified."""
        with self.reading():
            return selection.rows_with_ids(
                self._database, ids, lambda absent: self.proves_absent(self, absent)
            )

    def at(self, slots: Sequence[int]) -> list[Row]:
        """The rows at these distinct slots, which must all exist, in no order."""
        with self.reading():
            return selection.rows_at(self._database, slots)

    def left_at(self, slots: Sequence[int]) -> list[Row]:
        """Those rows that are still at these distinct slots, in no order."""
        with self.reading():
            return selection.rows_left_at(self._database, slots)

    def with_contents(self, contents: Sequence[bytes]) -> list[Row]:
        """The rows with these contents, in no order."""
        with self.reading():
            return selection.rows_with_contents(self._database, contents)

    def picture(self, row: Row) -> bytes | None:
        """The encoded picture of a row, verified."""
        with self.reading():
            return selection.picture_of(self._database, row)

    def whole_rows(self, after: int = 0) -> Iterator[tuple[Row, bytes | None]]:
        """Every row beyond slot `after` with its encoded picture, by slot, both verified."""
        with self.reading():
            yield from selection.whole_rows(self._database, after)

    def places(self) -> Iterator[tuple[int, int]]:
        """Slot and checksum of every row, by slot, without verifying the rows."""
        with self.reading():
            yield from selection.places(self._database)

    def removed(self) -> list[tuple[int, int, int]]:
        """Place, slot and checksum of every removal that the log still has."""
        with self.reading():
            query = "SELECT sequence, slot, checksum FROM removal ORDER BY sequence"
            return self._database.execute(query).fetchall()

    def removals(self, after: int) -> list[tuple[int, int]] | None:
        """Slot and checksum of every removal beyond `after`; None if the log was cut since."""
        with self.reading() as state:
            return changes.removals(self._database, state, after)

    def verify(self) -> None:
        """Verify the store: its pages, every row, every picture, and the state.

        Raises:
            StoreError: If something is altered; the text names it.
        """
        with self.reading() as state:
            self._database.prove_sound(again=True)
            count = total = 0
            for row in self.rows():
                self.picture(row)
                count, total = count + 1, total + row.checksum
            if (count, wrap(total)) != (state.count, state.total):
                raise self.altered("another program added, removed or changed rows")

    def altered(self, problem: str) -> StoreError:
        """The error for a store that another hand altered."""
        return self._database.altered(problem)
