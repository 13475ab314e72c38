"""Exact distances of each query to its own group and to the nearest other groups.

One search answers for all groups, so that its cost does not grow with their number. Large galleries
are searched by cells; what cells do not help, and small ones, by a scan.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from index.search.by_group_cells import nearest_pruned
from index.search.by_group_flat import groups_within, nearest_flat
from index.search.cells import Cells
from index.search.exact import ExactIndex
from index.search.group_cells import GroupCells
from index.search.group_spans import GroupSpans
from index.search.nearest_groups import NONE, NearestGroups
from likewise import parallel
from likewise.arrays import Bools, Floats, Indices

_VALUES_AT_ONCE = 1 << 22  # squared distances in memory, for each thread
_QUERIES_AT_ONCE = 256
_FEW_AT_ONCE = 16  # for which up to four times the memory is taken: half the time of four
_PART = 4096  # queries searched by cells at a time by one thread
_WORTH_A_THREAD = 512  # fewer are not: each thread visits all cells
_TRIED = 512  # queries that show whether cells help the others


class GroupedVectors:
    """The vectors of a gallery by their groups.

    Args:
        vectors: The index of the references that are of a group.
        groups: The rows of each of the g groups; every row is in one.
    """

    def __init__(self, vectors: ExactIndex, groups: Sequence[Indices]) -> None:
        self._grouped = GroupSpans(vectors, groups)
        self._made_of: Cells | None = None
        self._cells: GroupCells | None = None
        self._helped = False  # cells, most of the queries before

    def search(self, queries: Floats, own: Indices, skip: Indices | None = None) -> NearestGroups:
        """Find the nearest groups of each query.

        Args:
            queries: `(n, dim)`, float32, finite.
            own: Column of each query's own group, `(n,)`, or `NONE`.
            skip: Row that is left out for each query, `(n,)`, of its own group, or `NONE`.
        """
        grouped, found = self._grouped, NearestGroups.none(len(queries))
        if not len(grouped.different):
            return found
        left_out = np.full(len(queries), NONE) if skip is None else skip
        hidden = grouped.hidden(left_out)
        order = np.argsort(own, kind="stable")  # queries of one group come together
        left = self._by_cells(queries, own, hidden, order, found)

        def search(rows: Indices) -> None:
            found.put(rows, nearest_flat(grouped, queries[rows], own[rows], hidden[rows]))

        parallel.map_items(search, _parts(left, self._at_once))
        return found

    def within(
        self, queries: Floats, own: Indices, skip: Indices, limit: Floats
    ) -> list[list[int]]:
        """Find groups other than the own one within a distance of each query, by a scan.

        Args:
            queries: `(n, dim)`, float32, finite.
            own: As for `search`.
            skip: As for `search`.
            limit: The distance, included, `(n,)`, float32, finite.

        Returns:
            For each query some of these groups: all of them, or `CLOSER`.
        """
        grouped, found = self._grouped, [list[int]() for _ in range(len(queries))]
        if not len(grouped.different):
            return found
        hidden = grouped.hidden(skip)

        def search(rows: Indices) -> None:
            near = groups_within(grouped, queries[rows], own[rows], hidden[rows], limit[rows])
            for row, groups in zip(rows.tolist(), near, strict=True):
                found[row] = groups

        parallel.map_items(search, _parts(np.argsort(own, kind="stable"), self._at_once))
        return found

    @property
    def _at_once(self) -> int:
        """Queries of one scan."""
        every = len(self._grouped.different)
        size = max(1, _VALUES_AT_ONCE // every, min(_FEW_AT_ONCE, 4 * _VALUES_AT_ONCE // every))
        return min(_QUERIES_AT_ONCE, size)

    def _by_cells(
        self, queries: Floats, own: Indices, hidden: Indices, order: Indices, found: NearestGroups
    ) -> Indices:
        """Search by cells where they help; the queries that are left to a scan, in order."""
        cells = self._divided(len(queries))
        if cells is None:
            return order
        given_up: Bools = np.zeros(len(queries), bool)

        def search(rows: Indices) -> None:
            near, given_up[rows] = nearest_pruned(cells, queries[rows], own[rows], hidden[rows])
            found.put(rows, near)

        others = order
        if not self._helped:
            step = max(1, len(order) // _TRIED)
            tried, others = order[::step], np.delete(order, np.s_[::step])
            search(tried)
            if 2 * given_up[tried].sum() > len(tried):
                given_up[others] = True
                return order[given_up[order]]
        count = max(1, min(parallel.count(), len(others) // _WORTH_A_THREAD))
        count = max(count, -(-len(others) // _PART))
        parallel.map_items(search, _parts(others, max(1, -(-len(others) // count))))
        self._helped = 2 * given_up.sum() <= len(order)
        return order[given_up[order]]

    def _divided(self, queries: int) -> GroupCells | None:
        """The cells to search by, as the index is divided; None for a scan."""
        vectors, grouped = self._grouped.vectors, self._grouped
        cells = vectors.divided().for_search(vectors.stored, queries, 1)
        if cells is None:
            return None
        if self._cells is None or self._made_of is not cells:
            divided = Cells(grouped.different, cells.centroids, cells.cell[grouped.rows])
            self._cells, self._made_of = GroupCells(divided, grouped), cells
        return self._cells


def _parts(rows: Indices, size: int) -> list[Indices]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
