"""Which rows a derived file holds, and how it follows the references from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.references.reads import Reads
from index.references.rows import Row, State, wrap


@dataclass(frozen=True, slots=True)
class Mark:
    """Which rows a file holds: those of the store in that state.

    Attributes:
        count: Number of rows.
        total: Sum of their checksums, wrapped to 64 bits.
        last_slot: The last slot that was given to a row.
        last_removal: The last entry of the log of removals.
    """

    count: int = 0
    total: int = 0
    last_slot: int = 0
    last_removal: int = 0

    @classmethod
    def of(cls, state: State) -> Mark:
        """The mark of a file that holds everything."""
        return cls(state.count, state.total, state.last_slot, state.last_removal)

    def lost(self, removed: Sequence[tuple[int, int]], state: State) -> Mark:
        """The mark once rows are removed, at a later state.

        Args:
            removed: Slots and checksums of the rows, from `removed_since`.
            state: The later state.
        """
        total = wrap(self.total - sum(checksum for _, checksum in removed))
        return Mark(self.count - len(removed), total, state.last_slot, state.last_removal)

    def gained(self, rows: Sequence[Row]) -> Mark:
        """The mark once stored rows are added."""
        total = wrap(self.total + sum(row.checksum for row in rows))
        return replace(self, count=self.count + len(rows), total=total)


def removed_since(mark: Mark, store: Reads, state: State) -> list[tuple[int, int]] | None:
    """Slots and checksums of a file's rows that were removed since; None if that is not known.

    Args:
        mark: Which rows the file holds.
        store: The references.
        state: The snapshot that the caller holds.
    """
    if mark.last_slot > state.last_slot or mark.last_removal > state.last_removal:
        return None
    removals = store.removals(mark.last_removal)
    if removals is None:
        return None
    return [(slot, checksum) for slot, checksum in removals if slot <= mark.last_slot]


def distance(mark: Mark, state: State) -> int:
    """How many rows an index with this mark lacks of a state or should not have, at most.

    Args:
        mark: The index's mark.
        state: A later state; of another one, all rows count.
    """
    slots, removals = state.last_slot - mark.last_slot, state.last_removal - mark.last_removal
    return slots + removals if min(slots, removals) >= 0 else state.count
