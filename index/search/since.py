"""What changed in the references since a derived file was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from index.references.contract import ReferenceStore
from index.references.rows import Row, State
from index.search.mark import Mark, distance, removed_since
from index.search.note import worth_writing


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
    removed = removed_since(mark, store, state)
    if removed is None:
        return None
    new = list(store.rows(after=mark.last_slot))
    if mark.lost(removed, state).gained(new) != Mark.of(state):
        return None
    return Since(frozenset(slot for slot, _ in removed), new)
