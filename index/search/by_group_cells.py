"""The nearest groups of many queries, by cells: what bounds leave out is not computed.

A query has two reaches: one for its own group, one for the others. Each is an exact distance to a
vector in the nearest cell that holds any. Cells beyond them, and cells of the own group alone where
others are looked for, are not looked at; in the rest short vectors leave few candidates, whose
distances are computed exactly. So nothing is held for each pair of a query and a group.

A query that few of the bounds help is given up, and left to a scan.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from index.search.bounds import UP, Bounds, short_squares
from index.search.by_group_asked import Asked
from index.search.cells import lengths
from index.search.faiss_calls import TINY, may_round_to
from index.search.group_cells import MIXED, GroupCells
from index.search.nearest_groups import NONE, NearestGroups, true_places
from likewise.arrays import Bools, Floats, Indices

_SHARE = 0.6  # of all vectors: looking at more takes longer than a scan
_MOST = 1024  # candidates of a query, at most
_SMALL = 64  # vectors of a group up to which all of them are computed
_FEW = 32  # vectors that usually suffice to find `CLOSER` groups


def nearest_pruned(
    cells: GroupCells, queries: Floats, own: Indices, hidden: Indices
) -> tuple[NearestGroups, Bools]:
    """Find the nearest groups of queries, and say which queries were given up, `(n,)`.

    Args:
        cells: Cells of at least one vector.
        queries: `(n, dim)`, float32; a number for each query and cell is held in memory.
        own: Column of each query's own group, `(n,)`, or `NONE`.
        hidden: The vector that each query's own group is without, `(n,)`, or `NONE`.
    """
    search = _Search(cells, queries, own, hidden)
    return search.found(), search.given_up


class _Search(Asked):
    """One search; see `nearest_pruned`."""

    def __init__(self, cells: GroupCells, queries: Floats, own: Indices, hidden: Indices) -> None:
        super().__init__(cells.grouped, queries, own, hidden)
        self._cells = cells
        self._bounds = Bounds(cells.cells, queries)
        every = np.arange(len(queries))
        sizes = np.append(self.grouped.sizes, 0)[own]  # 0 for `NONE`
        self._direct = self.all_of(np.flatnonzero(sizes <= _SMALL))
        holds = cells.holding(np.where(sizes <= _SMALL, NONE, own), hidden)
        others = cells.others(own)
        nearest = self._reaches(every, holds, mine=True)
        own_reach = np.minimum(nearest, self._direct)
        other_reach = self._others_reach(own_reach, others)
        self._limits = np.sqrt(may_round_to(nearest)), np.sqrt(may_round_to(other_reach))
        self._near = (
            holds & self._bounds.near(self._limits[0]),
            others & self._bounds.near(self._limits[1]),
        )
        counts = cells.cells.counts.astype(np.float32)
        looked_at = (self._near[0] | self._near[1]) @ counts
        self.given_up: Bools = looked_at > _SHARE * len(self.grouped.different)

    def found(self) -> NearestGroups:
        """The nearest groups; of queries that are given up anything."""
        queries, rows = self._candidates()
        keep = ~self.given_up[queries]
        queries, rows = queries[keep], rows[keep]
        distances = self.exact(queries, rows)
        mine, other = self.sides(queries, rows)
        near = NearestGroups.none(len(self.own))
        near.own[:] = self._direct
        np.minimum.at(near.own, queries[mine], distances[mine])
        self.put_others(near, queries[other], rows[other], distances[other])
        return near

    # ------------------------------------------------------------ reaches

    def _reaches(self, queries: Indices, allowed: Bools, *, mine: bool) -> Floats:
        """Distance to a near vector of the own group, or of another one, `(n,)`; inf if none."""
        reach = np.full(len(queries), np.inf, np.float32)
        for part, rows, distances in self._first(queries, allowed, 1, mine=mine):
            reach[part] = np.where(rows[:, 0] == NONE, np.inf, distances[:, 0])
        return reach

    def _others_reach(self, own: Floats, others: Bools) -> Floats:
        """A distance within which the nearest other group is, and those that are counted, `(n,)`.

        Args:
            own: At least the distance to the own group, `(n,)`.
            others: Cells that hold other groups, `(n, c)`.
        """
        reach = self._reaches(np.arange(len(own)), others, mine=False)
        beaten = np.flatnonzero((reach <= own) & np.isfinite(own))
        enough = np.full(len(own), np.inf, np.float32)
        for part, rows, distances in self._first(beaten, others, _FEW, mine=False):
            enough[beaten[part]] = self.several(rows, distances)
        reach[beaten] = np.maximum(reach[beaten], np.minimum(own, enough)[beaten])
        return reach

    def _first(
        self, queries: Indices, allowed: Bools, most: int, *, mine: bool
    ) -> Iterator[tuple[Indices, Indices, Floats]]:
        """Near vectors in the nearest of the allowed cells.

        Yields:
            Places in `queries`, `(p,)`, and the nearest vectors of one cell by short distances,
            `(p, m)`, m at most `most`, `NONE` where there are fewer; and their distances.
        """
        cells = self._cells.cells
        squared = np.where(allowed[queries], self._bounds.squared[queries], np.float32(np.inf))
        nearest = np.where(allowed[queries].any(axis=1), squared.argmin(axis=1), len(cells.counts))
        order = np.argsort(nearest, kind="stable")
        edges = np.searchsorted(nearest[order], np.arange(len(cells.counts) + 1))
        for cell in np.flatnonzero(np.diff(edges)).tolist():
            part = order[edges[cell] : edges[cell + 1]]
            rows = self._in_first(queries[part], cell, most, mine=mine)
            asked = np.repeat(queries[part], rows.shape[1])
            distances = self.exact(asked, np.maximum(rows.ravel(), 0)).reshape(rows.shape)
            distances[rows == NONE] = np.inf
            yield part, rows, distances

    def _in_first(self, queries: Indices, cell: int, most: int, *, mine: bool) -> Indices:
        """The nearest vectors of one cell by short distances, `(p, m)`, `NONE` behind them."""
        squared = short_squares(self._bounds.offsets(queries, cell), self._cells.cells.short[cell])
        rows = self._cells.cells.rows[cell]
        if self._cells.pure[cell] == MIXED:
            wanted = (
                self._of_own(queries, cell)
                if mine
                else (self._cells.codes[cell] != self.own[queries, None])
            )
            squared[~wanted] = np.inf
        if mine:
            squared[self._cells.hidden_in(cell, self.hidden[queries])] = np.inf
        if most >= squared.shape[1]:
            places = np.broadcast_to(np.arange(len(rows)), squared.shape)
        elif most == 1:
            places = squared.argmin(axis=1)[:, None]
        else:
            places = np.argpartition(squared, most - 1, axis=1)[:, :most]
        return np.where(np.isinf(np.take_along_axis(squared, places, axis=1)), NONE, rows[places])

    # ------------------------------------------------------------ candidates

    def _candidates(self) -> tuple[Indices, Indices]:
        """Queries and vectors that may be nearest, one cell after the other."""
        if len(self.own) == 1:
            return self._candidates_of_one()
        counts = np.zeros(len(self.own), np.int64)
        found = [(np.empty(0, np.int64), np.empty(0, np.int64))]
        mine, others = (np.ascontiguousarray(near.T) for near in self._near)
        for cell in np.flatnonzero((mine | others).any(axis=1)).tolist():
            queries = np.flatnonzero((mine[cell] | others[cell]) & ~self.given_up)
            pairs = self._in_cell(cell, queries, mine[cell, queries], others[cell, queries])
            found.append(pairs)
            counts += np.bincount(pairs[0], minlength=len(counts))
            self.given_up |= counts > _MOST
        queries, rows = (np.concatenate(part) for part in zip(*found, strict=True))
        return queries, rows

    def _candidates_of_one(self) -> tuple[Indices, Indices]:
        """The same of a single query, all its cells in one call for each of its two reaches."""
        cells, bounds, found = self._cells.cells, self._bounds, [np.empty(0, np.int64)]
        for side, (near, limit) in enumerate(zip(self._near, self._limits, strict=True)):
            looked_at = np.flatnonzero(near[0])
            if not len(looked_at) or self.given_up[0]:
                continue
            own = bounds.short[0] - cells.origins[looked_at]
            slack = float(bounds.slack(0, looked_at, lengths(own)).max())
            rows = cells.within(looked_at, own, (float(limit[0]) + slack) ** 2 * UP + TINY)
            wanted = self.sides(np.zeros(len(rows), np.int64), rows)[side]
            found.append(rows[wanted])
            self.given_up[0] |= len(found[-1]) > _MOST
        rows = np.concatenate(found)
        return np.zeros(len(rows), np.int64), rows

    def _in_cell(
        self, cell: int, queries: Indices, mine: Bools, others: Bools
    ) -> tuple[Indices, Indices]:
        """Queries and vectors of one cell.

        Args:
            cell: The cell.
            queries: The queries, `(p,)`, whose own group or whose other groups are near.
            mine: Whether the own group is, `(p,)`.
            others: Whether others are, `(p,)`.
        """
        offsets = self._bounds.offsets(queries, cell)
        squared = short_squares(offsets, self._cells.cells.short[cell])
        own, other = (limit[queries] for limit in self._limits)
        if self._cells.pure[cell] != MIXED:
            limits = self._bounds.limits(np.where(mine, own, other), queries, cell, offsets)
            places, columns = true_places(squared <= limits[:, None])
            return queries[places], self._cells.cells.rows[cell][columns]
        to_own = np.full(len(queries), -1, np.float32)
        if mine.any():
            to_own = np.where(mine, self._bounds.limits(own, queries, cell, offsets), to_own)
        to_other = np.where(others, self._bounds.limits(other, queries, cell, offsets), -1)
        places, columns = true_places(squared <= np.maximum(to_own, to_other)[:, None])
        asked, rows = queries[places], self._cells.cells.rows[cell][columns]
        inside = squared[places, columns]
        is_own, is_other = self.sides(asked, rows)
        keep = is_own & (inside <= to_own[places]) | is_other & (inside <= to_other[places])
        return asked[keep], rows[keep]

    def _of_own(self, queries: Indices, cell: int) -> Bools:
        """Which vectors of a cell are of the own group of each query, `(p, m)`."""
        own, rows = self.own[queries], self._cells.cells.rows[cell]
        mine: Bools = self._cells.codes[cell] == own[:, None]
        columns = np.flatnonzero(self._cells.codes[cell] == len(self.grouped.sizes))
        if len(columns):
            at = np.repeat(own, len(columns)), np.tile(rows[columns], len(own))
            mine[:, columns] = self.grouped.has(*at).reshape(len(own), -1)
        return mine
