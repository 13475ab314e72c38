"""What changed in the references since a derived file was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from index.references.contract import ReferenceStore
from index.references.rows import Row, State, wrap
from index.search.note import Mark, distance, worth_writing


@dataclass(frozen=True, slots=True)
class Since:
    """Changes up to a snapshot.

    Attributes:
        gone: Slots of the file's rows that were removed.
        new: Rows that were added, verified.
    """

    gone: frozenset[int]
    new: Sequence[Row]


def changes_since(mark: Mark, store: ReferenceStore, state: State) -> Since | None:
    """The changes since a file was written; None if they are many, or not known.

    Args:
        mark: Which rows the file holds.
        store: The references.
        state: The snapshot that the caller holds.
    """
    if worth_writing(distance(mark, state), state.count):
        return None
    removals = store.removals(mark.last_removal)
    if removals is None:
        return None
    held = {slot: checksum for slot, checksum in removals if slot <= mark.last_slot}
    new = list(store.rows(after=mark.last_slot))
    total = mark.total - sum(held.values()) + sum(row.checksum for row in new)
    count = mark.count - len(held) + len(new)
    return (
        Since(frozenset(held), new) if (count, wrap(total)) == (state.count, state.total) else None
    )
