"""Ids and labels of an index's rows, read from the store when first needed and held.

A row that is read by its slot costs as much as four that are read in order. So once single
questions have read a part of all rows, each that needs more reads a span of further ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from index.references.contract import ReferenceStore
from index.references.rows import Row
from likewise.arrays import Bools, Indices, Strings

HELD = 200_000  # rows whose names are held: a second to read, 30 MB
_FEW = 128  # rows that a few questions read
_PART = 6  # once one row of so many was read by its slot, the others are worth reading
_SPAN = 4096  # rows read while a question waits, in 20 ms


class HeldNames:
    """The names of an index's rows, within a snapshot of the store.

    Args:
        store: The references.

    Attributes:
        slots: The slot of each row, `(n,)`, ascending.
    """

    def __init__(self, store: ReferenceStore) -> None:
        self.slots: Indices = np.empty(0, np.int64)
        self._store = store
        self._ids: Strings = np.empty(0, object)
        self._labels: Strings = np.empty(0, object)
        self._known: Bools = np.empty(0, bool)
        self._by_slots = 0  # rows that were read a few at a time

    def ids(self, rows: Indices) -> Strings:
        """The ids of rows of any shape, in that shape."""
        self._read(rows)
        return self._ids[rows]

    def both(self, rows: Indices) -> tuple[Strings, Strings]:
        """The ids and the labels, None for none, of rows of any shape, each in that shape."""
        self._read(rows)
        return self._ids[rows], self._labels[rows]

    def align(self, slots: Indices) -> None:
        """Align the names with the index's rows; known names are kept.

        Args:
            slots: The slot of each row from now on, `(n,)`, ascending.
        """
        ids, labels = np.empty(len(slots), object), np.empty(len(slots), object)
        known = np.zeros(len(slots), bool)
        still_there = np.isin(self.slots, slots, assume_unique=True) & self._known
        places = np.searchsorted(slots, self.slots[still_there])
        ids[places], labels[places], known[places] = (
            self._ids[still_there],
            self._labels[still_there],
            True,
        )
        self.slots, self._ids, self._labels, self._known = slots, ids, labels, known

    def _read(self, rows: Indices) -> None:
        """Read the missing names of rows."""
        known = self._known[rows]
        if known.all():
            return
        # np.unique would import half of NumPy, 30 ms of a cold query.
        wanted = np.array(sorted(set(rows[~known].tolist())), np.int64)
        if len(wanted) + np.count_nonzero(self._known) > max(HELD, len(wanted)):
            wanted = np.array(sorted(set(rows.ravel().tolist())), np.int64)
            self._ids[:], self._labels[:], self._known[:] = None, None, False
        self._hold(self._store.at(self.slots[wanted].tolist()))
        if len(wanted) <= _FEW:
            self._by_slots += len(wanted)
            if self._by_slots * _PART > len(self.slots) and len(self.slots) <= HELD:
                self._read_span()

    def _read_span(self) -> None:
        """Read the names of further rows, in the order of slots."""
        first = int(self._known.argmin())
        slots = self.slots[first : first + _SPAN]
        self._hold(self._store.between(int(slots[0]) - 1, int(slots[-1])))

    def _hold(self, stored: Sequence[Row]) -> None:
        places = np.searchsorted(self.slots, [row.slot for row in stored])
        self._ids[places] = [row.id for row in stored]
        self._labels[places] = [row.group for row in stored]
        self._known[places] = True
