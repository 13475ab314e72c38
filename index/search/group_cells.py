"""Cells of grouped vectors, and which groups are in each."""

from __future__ import annotations

import numpy as np

from index.search.cells import Cells
from index.search.group_spans import GroupSpans
from index.search.nearest_groups import NONE
from index.search.spans import spread
from likewise.arrays import Bools, Indices

MIXED = -2  # stands for several groups


class GroupCells:
    """Cells of grouped vectors, and which groups are in each.

    Args:
        cells: Cells of the different vectors.
        grouped: These vectors.

    Attributes:
        cells: As passed.
        grouped: As passed.
        codes: `GroupSpans.only` of the rows of each cell.
        pure: The only group of each cell, `(c,)`; `MIXED` where there are several.
    """

    def __init__(self, cells: Cells, grouped: GroupSpans) -> None:
        self.cells, self.grouped = cells, grouped
        self.codes = [grouped.only[rows] for rows in cells.rows]
        shared, count = len(grouped.sizes), len(cells.counts)
        self.pure = np.array([_pure(codes, shared) for codes in self.codes], np.int64)
        self._cell = cells.cell
        self._column = np.empty(len(cells), np.int64)
        for rows in cells.rows:
            self._column[rows] = np.arange(len(rows))
        places, groups = grouped.pairs
        keys, self._members = np.unique(groups * count + self._cell[places], return_counts=True)
        self._held = keys % count
        self._begins = np.searchsorted(keys, np.arange(shared + 1) * count)
        self._keys = keys

    def holding(self, own: Indices, hidden: Indices) -> Bools:
        """Which cells hold a vector of each query's own group, `(n, c)`.

        Args:
            own: The groups, `(n,)`; `NONE` for those of none, which no cell holds.
            hidden: A vector that the group is without, `(n,)`, or `NONE`.
        """
        holds = np.zeros((len(own), len(self.pure)), bool)
        known = np.flatnonzero(own != NONE)
        begins, ends = self._begins[own[known]], self._begins[own[known] + 1]
        rows, places = spread(begins, ends)
        holds[known[rows], self._held[places]] = True
        less = np.flatnonzero((hidden != NONE) & (own != NONE))
        cell = self._cell[hidden[less]]
        members = np.searchsorted(self._keys, own[less] * len(self.pure) + cell)
        alone = self._members[members] == 1
        holds[less[alone], cell[alone]] = False
        return holds

    def others(self, own: Indices) -> Bools:
        """Which cells hold a vector of another group than each query's own, `(n, c)`."""
        others: Bools = (self.pure != own[:, None]) & (self.cells.counts > 0)
        return others

    def hidden_in(self, cell: int, hidden: Indices) -> tuple[Indices, Indices]:
        """Where in a cell the hidden vectors are: places in `hidden`, and columns.

        Args:
            cell: The cell.
            hidden: Vectors, `(n,)`, or `NONE`.
        """
        here = np.flatnonzero((hidden != NONE) & (self._cell[hidden] == cell))
        return here, self._column[hidden[here]]


def _pure(codes: Indices, shared: int) -> int:
    """The only group of vectors with these codes; `MIXED` for several groups, or none."""
    same = len(codes) and codes[0] != shared and (codes == codes[0]).all()
    return int(codes[0]) if same else MIXED
