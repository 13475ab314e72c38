"""Ids and labels of an index's rows, read from the store when first needed and held."""

from __future__ import annotations

import numpy as np

from index.references.contract import ReferenceStore
from likewise.arrays import Bools, Indices, Strings

HELD = 200_000  # rows whose names are held: a fifth of a second to read, 30 MB


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
        stored = self._store.at(self.slots[wanted].tolist())
        places = np.searchsorted(self.slots, [row.slot for row in stored])
        self._ids[places] = [row.id for row in stored]
        self._labels[places] = [row.group for row in stored]
        self._known[places] = True
