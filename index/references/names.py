"""Ids and labels of an index's rows, read from the store when they are first asked for.

Holds what it has read, so at most the names of one gallery, less than its vectors take.
"""

from __future__ import annotations

import numpy as np

from index.references.local import Store
from likewise.arrays import Indices, Strings
from likewise.metrics.groups import rows_by_group


class Names:
    """Ids and labels by row."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._slots: Indices = np.empty(0, np.int64)
        self._ids: Strings = np.empty(0, object)
        self._labels: Strings = np.empty(0, object)
        self._known = np.empty(0, bool)
        self._groups: dict[str, Indices] | None = None  # of these slots

    def align(self, slots: Indices) -> None:
        """Follow the index to other rows, `(n,)`, ascending slots; what is known is kept."""
        if slots is self._slots:
            return
        ids, labels = np.empty(len(slots), object), np.empty(len(slots), object)
        known = np.zeros(len(slots), bool)
        kept = np.isin(self._slots, slots, assume_unique=True) & self._known
        places = np.searchsorted(slots, self._slots[kept])
        ids[places], labels[places], known[places] = self._ids[kept], self._labels[kept], True
        self._slots, self._ids, self._labels, self._known = slots, ids, labels, known
        self._groups = None

    def ids(self, rows: Indices) -> Strings:
        """The ids of rows of any shape, in that shape."""
        self._read(rows)
        return self._ids[rows]

    def labels(self, rows: Indices) -> Strings:
        """The labels of rows of any shape, in that shape."""
        self._read(rows)
        return self._labels[rows]

    def rows_with(self, label: str) -> Indices:
        """All rows of one group."""
        return self.groups().get(label, np.empty(0, np.int64))

    def groups(self) -> dict[str, Indices]:
        """The rows of each group, labels in order."""
        if self._groups is None:
            self._read(np.arange(len(self._slots)))
            self._groups = rows_by_group(self._labels.tolist())
        return self._groups

    def _read(self, rows: Indices) -> None:
        known = self._known[rows]
        if known.all():
            return
        # np.unique would import half of NumPy more, 30 ms of a cold query.
        wanted = np.array(sorted(set(rows[~known].tolist())), np.int64)
        found = self._store.at(self._slots[wanted].tolist())
        places = np.searchsorted(self._slots, [row.slot for row in found])
        self._ids[places] = [row.id for row in found]
        self._labels[places] = [row.label for row in found]
        self._known[places] = True
