"""Exact distances of each query to its own group and to the nearest other groups.

One search answers for all groups, so that its cost does not grow with their number. Large galleries
are searched by bundles and by cells; what these do not help, and small ones, by a scan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from index.search.bundles import Bundles, tight
from index.search.by_group_bundles import GroupBundles, nearest_bundled
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
_TRIED = 512  # queries that show whether a way helps the others


@dataclass
class _Way:
    """A way to search that may give queries up.

    Attributes:
        search: Finds the nearest groups of queries, of which it says which it gave up.
        most: Queries searched at a time by one thread.
        worth_a_thread: Fewer queries are not.
        helped: Whether it did, most of the queries before.
    """

    search: Callable[[Floats, Indices, Indices], tuple[NearestGroups, Bools]]
    most: int
    worth_a_thread: int
    helped: bool = False

    def left(
        self, queries: Floats, own: Indices, hidden: Indices, order: Indices, found: NearestGroups
    ) -> Indices:
        """Search queries, some first, the others where these are helped.

        Args:
            queries: `(n, dim)`, float32.
            own: As for `GroupedVectors.search`.
            hidden: The vector that each query's own group is without, `(n,)`, or `NONE`.
            order: The queries to search.
            found: What is found of them is put here.

        Returns:
            The queries that are left, in order.
        """
        given_up: Bools = np.zeros(len(queries), bool)

        def search(rows: Indices) -> None:
            near, given_up[rows] = self.search(queries[rows], own[rows], hidden[rows])
            found.put(rows, near)

        others = order
        if not self.helped:
            step = max(1, len(order) // _TRIED)
            tried, others = order[::step], np.delete(order, np.s_[::step])
            parallel.map_items(search, _parts(tried, self.most))
            if 2 * given_up[tried].sum() > len(tried):
                given_up[others] = True
                return order[given_up[order]]
        count = max(1, min(parallel.count(), len(others) // self.worth_a_thread))
        count = max(count, -(-len(others) // self.most))
        parallel.map_items(search, _parts(others, max(1, -(-len(others) // count))))
        self.helped = 2 * given_up.sum() <= len(order)
        return order[given_up[order]]


class GroupedVectors:
    """The vectors of a gallery by their groups.

    Args:
        vectors: The index of the references that are of a group.
        groups: The rows of each of the g groups; every row is in one.
    """

    def __init__(self, vectors: ExactIndex, groups: Sequence[Indices]) -> None:
        self._grouped = GroupSpans(vectors, groups)
        self._bundled: Bundles | None = None  # of the index, when `_by_bundles` was made
        self._by_bundles: _Way | None = None
        self._made_of: Cells | None = None  # of the index, of which `_by_cells` was made
        self._by_cells: _Way | None = None

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
        left = np.argsort(own, kind="stable")  # queries of one group come together
        for way in self._ways(len(queries)):
            left = way.left(queries, own, hidden, left, found)

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

    def _ways(self, queries: int) -> list[_Way]:
        """The ways to search before a scan, as the index is divided."""
        vectors = self._grouped.vectors
        cells = vectors.divided().for_search(vectors.stored, queries, 1)
        bundles = vectors.divided().for_first(1)
        if bundles is not None and self._bundled is not bundles:
            self._bundled, self._by_bundles = bundles, _by_bundles(self._grouped)
        if cells is not None and self._made_of is not cells:
            self._made_of, self._by_cells = cells, _by_cells(self._grouped, cells)
        first = None if bundles is None else self._by_bundles
        second = None if cells is None else self._by_cells
        return [way for way in (first, second) if way is not None]


def _by_bundles(grouped: GroupSpans) -> _Way | None:
    """Search by bundles of grouped vectors; None where they save too little."""
    codes = np.where(grouped.only < len(grouped.sizes), grouped.only, NONE)
    bundle = tight(grouped.different, codes)
    if bundle is None:
        return None
    made = GroupBundles(Bundles(grouped.different, bundle), grouped)
    return _Way(partial(nearest_bundled, made), most=256, worth_a_thread=64)


def _by_cells(grouped: GroupSpans, cells: Cells) -> _Way:
    """Search by the cells of an index, in the order of grouped vectors."""
    divided = Cells(grouped.different, cells.centroids, cells.cell[grouped.rows])
    made = GroupCells(divided, grouped)  # each thread visits all cells
    return _Way(partial(nearest_pruned, made), most=4096, worth_a_thread=512)


def _parts(rows: Indices, size: int) -> list[Indices]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
