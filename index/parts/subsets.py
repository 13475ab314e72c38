"""The rows of a part by their groups, derived when first asked for."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from index.search.by_group import GroupedVectors
from index.search.columns import Columns
from index.search.exact import ExactIndex
from index.search.nearest_groups import NONE
from likewise.arrays import Indices


class Subsets:
    """The rows of a part by their groups, derived when first asked for.

    Args:
        names: Labels of the rows.
        vectors: Their vectors.
    """

    def __init__(self, names: Columns, vectors: ExactIndex) -> None:
        self._names, self._all = names, vectors
        self._groups: dict[str, tuple[Indices, ExactIndex]] = {}

    def of(self, label: str) -> tuple[Indices, ExactIndex]:
        """The rows and vectors of a group, spelled as it is stored."""
        if label not in self._groups:
            code = self._names.labels.find(label)
            rows = np.empty(0, np.int64) if code is None else self._names.rows(code)
            self._groups[label] = rows, self._all.subset(rows)
        return self._groups[label]

    @cached_property
    def labelled(self) -> tuple[Indices, ExactIndex]:
        """The rows and vectors that are of a group."""
        rows = self._names.labelled
        return rows, self._all if len(rows) == len(self._all) else self._all.subset(rows)

    @cached_property
    def grouped(self) -> GroupedVectors:
        """The same by their groups."""
        rows, vectors = self.labelled
        groups = range(len(self._names.labels))
        places = [np.searchsorted(rows, self._names.rows(code)) for code in groups]
        return GroupedVectors(vectors, places)

    def places(self, slots: Indices) -> Indices:
        """Place of each slot, `(n,)`, among the labelled rows; `NONE` for one that is not here."""
        rows, _ = self.labelled
        stored = self._names.slots[rows]
        found = np.searchsorted(stored, slots)
        there = np.append(stored, NONE)[found] == slots
        return np.where(there & (slots != NONE), found, NONE)
