"""Prove that ids are absent without reading all references.

SQLite finds an id by an index, and an altered page of it may hide one. The hashes of the ids that
`vectors.names` keeps are a second witness: an id whose hash they lack, and that no later row has,
is absent. One whose hash they have is looked for at its slot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

import numpy as np

from index.references.reads import Reads
from index.references.rows import State
from index.search.columns import Columns, Hashes, hashed
from index.search.mark import Mark, removed_since
from likewise.arrays import Indices


class Absences:
    """Witness of absent ids, for any connection to the references.

    Args:
        kept: Returns the names that were kept, or None.
    """

    def __init__(self, kept: Callable[[], Columns | None]) -> None:
        self._kept = kept
        self._lock = Lock()
        self._hashes: Hashes | None = None  # in order
        self._slots: Indices = np.empty(0, np.int64)  # of each hash
        self._seen = 0  # the last slot that is known
        self._later: dict[str, int] = {}  # slots of later rows

    def prove(self, store: Reads, ids: Sequence[str]) -> bool:
        """Decide whether ids that SQLite did not find are proven to be absent.

        Args:
            store: On the connection that did not find them.
            ids: The ids.

        Returns:
            False if nothing is known here.

        Raises:
            StoreError: If a row has one of them.
        """
        with self._lock, store.reading() as state:
            if self._hashes is None and not self._begin(store, state):
                return False
            for row in store.rows(self._seen):
                self._later[row.id] = row.slot
            self._seen = max(self._seen, state.last_slot)
            candidates = self._candidates(ids)
        wanted = set(ids)
        for row in store.left_at(candidates):
            if row.id in wanted:
                raise store.altered(f"its index of ids lacks '{row.id}', which it holds")
        return True

    def _begin(self, store: Reads, state: State) -> bool:
        """Take up the kept names, if later changes lead from them to the state."""
        kept = self._kept()
        if kept is None or not _leads_to(kept.mark, store, state):
            return False
        order = np.argsort(kept.hashes)
        self._hashes, self._slots = kept.hashes[order], kept.slots[order]
        self._seen = kept.mark.last_slot
        return True

    def _candidates(self, ids: Sequence[str]) -> list[int]:
        """Slots of the rows that may have one of these ids."""
        assert self._hashes is not None
        wanted = np.frombuffer(hashed(ids), "<u8")
        first = np.searchsorted(self._hashes, wanted, "left").tolist()
        end = np.searchsorted(self._hashes, wanted, "right").tolist()
        slots = [self._later[id] for id in ids if id in self._later]
        for start, stop in zip(first, end, strict=True):
            slots += self._slots[start:stop].tolist()
        return slots


def _leads_to(mark: Mark, store: Reads, state: State) -> bool:
    """Whether the changes since a mark give a state."""
    removed = removed_since(mark, store, state)
    if removed is None:
        return False
    rows = list(store.rows(mark.last_slot))
    return mark.lost(removed, state).gained(rows) == Mark.of(state)
