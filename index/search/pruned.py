"""Candidates of exact search by cells: all rows that may be among the k nearest, and few others.

The k nearest in the cell of a query bound its reach. Cells that begin beyond it are not looked at;
in the others, rows whose short vectors lie beyond it are left out. A query that few of the bounds
help is given up, and searched flat.

Squared values never leave this file and `exact`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from index.search import bounds
from index.search.bounds import Bounds, short_squares
from index.search.cells import Cells
from index.search.faiss_calls import may_round_to
from index.search.ties import Namer, sorted_by_id
from likewise.arrays import Bools, Floats, Indices
from likewise.metrics.pairs import exact_distances


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """All rows that may be among the k nearest, and their exact distances.

    Attributes:
        queries: The query of each candidate, `(p,)`, ascending; each k times or more.
        rows: The candidates, `(p,)`, nearest first for each query.
        distances: Their distances, `(p,)`, float32.
        given_up: The queries that have none, `(n,)`.
    """

    queries: Indices
    rows: Indices
    distances: Floats
    given_up: Bools

    def with_more(self, queries: Indices, more: Candidates) -> Candidates:
        """These, and those of some queries that were given up.

        Args:
            queries: The queries, `(m,)`, which have no candidates yet.
            more: Their candidates; given up are those that still have none.
        """
        every = np.concatenate([self.queries, queries[more.queries]])
        order = np.argsort(every, kind="stable")
        given_up = self.given_up.copy()
        given_up[queries] = more.given_up
        return Candidates(
            every[order],
            np.concatenate([self.rows, more.rows])[order],
            np.concatenate([self.distances, more.distances])[order],
            given_up,
        )

    def nearest(self, k: int, namer: Namer) -> tuple[Indices, Floats]:
        """The k nearest rows of the queries that are not given up, `(m, k)`, and their distances.

        Args:
            k: As in the search.
            namer: Returns the rows' ids, which order equal distances.
        """
        answered = np.flatnonzero(~self.given_up)
        begins = np.searchsorted(self.queries, answered)
        ends = np.append(begins, len(self.queries))[1:]
        places = begins[:, None] + np.arange(k)
        rows, distances = self.rows[places], self.distances[places]
        further = np.minimum(begins + k, len(self.queries) - 1)
        tied = (distances[:, 1:] == distances[:, :-1]).any(axis=1)
        tied |= (begins + k < ends) & (self.distances[further] == distances[:, -1])
        for query in np.flatnonzero(tied).tolist():
            span = slice(begins[query], ends[query])
            inside = int(self.distances[span].searchsorted(distances[query, -1], side="right"))
            span = slice(begins[query], begins[query] + inside)  # farther ones need no names
            near, far = sorted_by_id(self.rows[span], self.distances[span], namer)
            rows[query], distances[query] = near[:k], far[:k]
        return rows, distances


def candidates(cells: Cells, stored: Floats, queries: Floats, k: int) -> Candidates:
    """Find the candidates of each query.

    Args:
        cells: Cells of all rows.
        stored: The rows, `(m, dim)`, float32.
        queries: `(n, dim)`, float32.
        k: Neighbours that are wanted, 1 to m.
    """
    if not len(queries) or not (cells.counts >= k).any():
        nothing = np.empty(0, np.int64)
        every = np.ones(len(queries), bool)
        return Candidates(nothing, nothing, np.empty(0, np.float32), every)
    return _Search(cells, stored, queries, k).candidates()


class _Search:
    """One search; see `candidates`."""

    def __init__(self, cells: Cells, stored: Floats, queries: Floats, k: int) -> None:
        self._cells, self._stored, self._queries, self._k = cells, stored, queries, k
        self._bounds = Bounds(cells, queries)
        self._reach = self._reaches()  # float32: rows at this distance may belong to the answer
        self._limit = np.sqrt(may_round_to(self._reach))
        near = self._bounds.near(self._limit)
        self._given_up: Bools = np.einsum(
            "nc,c->n", near, cells.counts.astype(np.float32)
        ) > bounds.SHARE * len(stored)
        near[self._given_up] = False
        self._near = near

    def candidates(self) -> Candidates:
        queries, rows = self._by_cell()
        keep = ~self._given_up[queries]
        queries, rows = queries[keep], rows[keep]
        distances = exact_distances(self._queries, queries, self._stored, rows)
        inside = distances <= self._reach[queries]
        queries, rows, distances = queries[inside], rows[inside], distances[inside]
        # Bits of floats >= 0 are in the order of the floats: one key for query and distance.
        order = np.argsort((queries << 32) | distances.view(np.uint32), kind="stable")
        return Candidates(queries[order], rows[order], distances[order], self._given_up)

    def _reaches(self) -> Floats:
        """The k-th distance in the nearest cell that has so many rows, `(n,)`."""
        cells, k = self._cells, self._k
        enough = np.where(cells.counts >= k, np.float32(0), np.float32(np.inf))
        nearest = (self._bounds.squared + enough).argmin(axis=1)
        order = np.argsort(nearest, kind="stable")
        edges = np.flatnonzero(np.diff(nearest[order])) + 1
        rows = np.empty((len(nearest), k), np.int64)
        for part in np.split(order, edges) if len(order) else ():
            cell = int(nearest[part[0]])
            squared = short_squares(self._bounds.offsets(part, cell), cells.short[cell])
            places = (
                np.argpartition(squared, k - 1, axis=1)[:, :k]
                if k < squared.shape[1]
                else (np.broadcast_to(np.arange(k), (len(part), k)))
            )
            rows[part] = cells.rows[cell][places]
        queries = np.repeat(np.arange(len(nearest)), k)
        distances = exact_distances(self._queries, queries, self._stored, rows.ravel())
        reach: Floats = distances.reshape(-1, k).max(axis=1)
        return reach

    def _by_cell(self) -> tuple[Indices, Indices]:
        """Candidates, looked for in one cell after the other."""
        cells = self._cells
        counts = np.zeros(len(self._queries), np.int64)
        found: list[tuple[Indices, Indices]] = []
        by_cell = np.ascontiguousarray(self._near.T)
        for cell in np.flatnonzero(by_cell.any(axis=1)).tolist():
            queries = np.flatnonzero(by_cell[cell] & ~self._given_up)
            own = self._bounds.offsets(queries, cell)
            limit = self._bounds.limits(self._limit[queries], queries, cell, own)
            squared = short_squares(own, cells.short[cell])
            hits = np.flatnonzero(squared <= limit[:, None])
            places, columns = np.divmod(hits, squared.shape[1])
            found.append((queries[places], cells.rows[cell][columns]))
            counts += np.bincount(found[-1][0], minlength=len(counts))
            self._given_up |= counts > bounds.MOST + self._k
        return _joined(found)


def _joined(found: list[tuple[Indices, Indices]]) -> tuple[Indices, Indices]:
    """Queries and rows of all parts."""
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    queries, rows = (np.concatenate(part) for part in zip(*found, strict=True))
    return queries, rows
