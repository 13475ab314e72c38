"""Neighbours at equal distances, ordered by id, so that an answer never depends on their places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from likewise.arrays import Bools, Floats, Indices, Strings

Namer = Callable[[Indices], Strings]  # rows of any shape to ids; called where distances are equal


class _Searchable(Protocol):
    def __len__(self) -> int: ...

    def nearest(self, queries: Floats, k: int, namer: Namer) -> tuple[Indices, Floats]: ...

    def reached(self, queries: Floats, reach: Floats) -> list[tuple[Indices, Floats]]: ...


class EqualVectors:
    """The different vectors of an index, and the rows that are each of them.

    A search among these finds what a search of all rows would, at a cost that does not grow with
    the number of equal ones.

    Args:
        distinct: An index of the u different vectors.
        same: The vector of each row, `(n,)`, from 0 to u - 1.
    """

    def __init__(self, distinct: _Searchable, same: Indices) -> None:
        self._distinct = distinct
        self._rows = np.argsort(same, kind="stable")
        self._begins = np.searchsorted(same[self._rows], np.arange(len(distinct) + 1))
        self._counts = np.diff(self._begins)
        self._ordered: dict[int, Indices] = {}

    def nearest(self, queries: Floats, k: int, namer: Namer) -> tuple[Indices, Floats]:
        """The k nearest rows of each query; see `ExactIndex.nearest`.

        Args:
            queries: `(n, dim)`, float32.
            k: From 1 to the number of rows.
            namer: Gives the ids of rows.
        """
        wide = min(k + 1, len(self._distinct))
        vectors, distances = self._distinct.nearest(queries, wide, _no_names)
        rows = np.empty((len(queries), k), np.int64)
        nearest = np.empty((len(queries), k), np.float32)
        for query in range(len(queries)):
            near, far = vectors[query], distances[query]
            last = far[int(np.searchsorted(np.cumsum(self._counts[near]), k))]
            if far[-1] <= last and wide < len(self._distinct):  # more may be as far
                [(near, far)] = self._distinct.reached(queries[query : query + 1], far[-1:])
            inside = far <= last
            rows[query], nearest[query] = self._listed(near[inside], far[inside], k, namer)
        return rows, nearest

    def _listed(
        self, vectors: Indices, distances: Floats, k: int, namer: Namer
    ) -> tuple[Indices, Floats]:
        """The rows of some vectors, by distance and id, at most k."""
        parts = [self._of(vector, namer)[:k] for vector in vectors.tolist()]
        far = np.repeat(distances, [len(part) for part in parts])
        rows, far = sorted_by_id(np.concatenate(parts), far, namer)
        return rows[:k], far[:k]

    def _of(self, vector: int, namer: Namer) -> Indices:
        """The rows of a vector, ordered by id."""
        rows = self._rows[self._begins[vector] : self._begins[vector + 1]]
        if len(rows) == 1:
            return rows
        if vector not in self._ordered:
            self._ordered[vector] = sorted_by_id(rows, np.zeros(len(rows), np.float32), namer)[0]
        return self._ordered[vector]


def order_ties(rows: Indices, distances: Floats, k: int, namer: Namer, proven: Bools) -> None:
    """Order equal distances by id, in place, where one of the first k has an equal.

    Args:
        rows: Candidates of n queries, nearest first, `(n, m)`.
        distances: Their distances, `(n, m)`, float32.
        k: Neighbours that are wanted, 1 to m.
        namer: Returns the rows' ids.
        proven: Which queries to order, `(n,)`.
    """
    equal = distances[:, 1 : k + 1] == distances[:, : distances.shape[1] - 1][:, :k]
    for query in np.flatnonzero(equal.any(axis=1) & proven).tolist():
        rows[query], distances[query] = sorted_by_id(rows[query], distances[query], namer)


def sorted_by_id(rows: Indices, distances: Floats, namer: Namer) -> tuple[Indices, Floats]:
    """Sort by distance, then id; Python orders strings as their UTF-8 bytes are ordered.

    Args:
        rows: Neighbours of one query, `(m,)`.
        distances: Their distances, `(m,)`, float32.
        namer: Returns the rows' ids.
    """
    ids = namer(rows).tolist()
    keyed = zip(distances.tolist(), ids, range(len(ids)), strict=True)
    order = np.array([place for _, _, place in sorted(keyed)], np.intp)
    return rows[order], distances[order]


def _no_names(rows: Indices) -> Strings:
    return rows.astype(object)
