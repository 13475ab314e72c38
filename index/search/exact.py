"""Exact nearest neighbours with FAISS.

FAISS works with squared distances in float32, which may order near-equal vectors wrongly. So it
only proposes candidates. Their distances are recomputed in float64 and rounded once to float32,
equal ones are ordered by id, and the answer is proven: what FAISS left out cannot belong to it if
FAISS's value for the last candidate, less the largest error of float32, is beyond the k-th exact
distance. If this fails, FAISS searches again by summing differences, nearly without error, and then
for everything within the k-th distance.
Squared values never leave this package. Stores nothing, knows no ids.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import Any

import faiss
import numpy as np

from index.search import division
from index.search.faiss_calls import (
    BY_MATRIX,
    TINY,
    UNIT,
    by_differences,
    exact_distances,
    longest,
    may_round_to,
    one_thread,
)
from index.search.ties import EqualVectors, Namer, order_ties, sorted_by_id
from likewise import parallel
from likewise.arrays import Bools, Doubles, Floats, Indices, Ints

# Candidates beyond k: few, until more than _SELDOM of the proofs fail because they are too few.
_FEW, _MANY, _SELDOM = 11, 59, 0.02
_PART = 512  # queries searched at a time by one thread: more gain nothing
_WORTH_A_THREAD = 64  # fewer queries are not worth a thread, which reads all vectors
_SPAN = 8_192  # vectors worth a thread when there are few queries
_CROWDED = 8  # crowded queries from which on equal vectors are searched as one
_WIDE_AT_ONCE = 32  # queries, where each may find every vector


class ExactIndex:
    """An exact search structure over rows of float32 vectors.

    Args:
        flat: A `faiss.IndexFlatL2`; its vectors are the rows, 0 to n - 1.

    Example:
        >>> vectors = ExactIndex(faiss.IndexFlatL2(2))
        >>> vectors.append(np.array([[0, 0], [3, 4]], dtype=np.float32))
        >>> vectors.nearest(np.zeros((1, 2), dtype=np.float32), 2, namer=lambda rows: rows)
        (array([[0, 1]]), array([[0., 5.]], dtype=float32))
    """

    def __init__(self, flat: Any) -> None:
        self.flat = flat
        self.dim: int = flat.d
        self._division = division.Division()
        self._view: Floats | None = None
        self._equal: EqualVectors | None = None
        self._crowded = 0  # queries so far that had more equally near rows than candidates
        self._padding = _FEW
        # Largest error of a float32 sum of `dim` products, relative to the sum of their sizes.
        self._relative_error = (self.dim + 8) * UNIT
        self._longest = longest(self.stored)

    def __len__(self) -> int:
        return int(self.flat.ntotal)

    @property
    def stored(self) -> Floats:
        """A view of FAISS's memory, `(n, dim)`; valid until the next change."""
        if self._view is None:
            memory = np.empty(0, np.float32)
            if len(self):
                memory = faiss.rev_swig_ptr(self.flat.get_xb(), len(self) * self.dim)
            self._view = memory.reshape(len(self), self.dim)
        return self._view

    def append(self, vectors: Floats) -> None:
        """Add rows at the end, `(n, dim)`, float32."""
        self.flat.add(np.ascontiguousarray(vectors, np.float32))
        self.appended(vectors)

    def appended(self, vectors: Floats) -> None:
        """Note that these rows were added to `flat` by its other owner."""
        self._view = self._equal = None
        self._division.append(vectors)
        self._longest = max(self._longest, longest(vectors))

    def removed(self, kept: Bools) -> None:
        """Note that `flat`'s other owner removed the rows that are not `kept`, `(n,)`."""
        self._view = self._equal = None
        self._division.remove(kept)

    def divided(self) -> division.Division:
        """The division into cells, which may have none yet."""
        return self._division

    def subset(self, rows: Indices) -> ExactIndex:
        """Copy rows into a separate index."""
        part = ExactIndex(faiss.IndexFlatL2(self.dim))
        part.append(self.stored[rows])
        part.divided().follow(self.divided(), rows)
        return part

    def nearest(self, queries: Floats, k: int, namer: Namer) -> tuple[Indices, Floats]:
        """The k nearest rows of each query, exactly.

        Args:
            queries: `(n, dim)`, float32, finite, each no longer than `LONGEST`.
            k: 1 <= k <= len(self).
            namer: Returns the rows' ids, which order equal distances.

        Returns:
            Indices (int64) and Euclidean distances (float32), both `(n, k)`, nearest first.
        """
        if self._crowded > _CROWDED and (equal := self._equals()):
            return equal.nearest(queries, k, namer)
        cells = self.divided().for_search(self.stored, len(queries), k)
        bundles = self.divided().for_first(k)
        if cells is None and bundles is None:
            return self._flat(queries, k, namer)
        from index.search.by_division import nearest_divided  # not for a cold query

        return nearest_divided(bundles, cells, self.stored, queries, k, namer, self._flat)

    def _flat(self, queries: Floats, k: int, namer: Namer) -> tuple[Indices, Floats]:
        """Do what `nearest` does, by a scan of all vectors."""
        rows, distances, proven = self._searched(queries, k)
        doubtful = np.flatnonzero(~proven)
        if len(doubtful) > _SELDOM * len(queries):
            self._padding = _MANY
        for start in range(0, len(doubtful), _CROWDED):
            part = doubtful[start : start + _CROWDED]
            if self._crowded > _CROWDED and (equal := self._equals()):
                rows[part, :k], distances[part, :k] = equal.nearest(queries[part], k, namer)
            else:
                self._rank_again(queries, part, k, rows, distances, namer)
        order_ties(rows, distances, k, namer, proven)
        return rows[:, :k], distances[:, :k]

    def within(self, queries: Floats, radius: float, namer: Namer) -> list[tuple[Indices, Floats]]:
        """All rows whose distance is at most `radius`, nearest first, for each query.

        Args:
            queries: `(n, dim)`, float32.
            radius: Largest Euclidean distance, >= 0, included.
            namer: Names the rows, to order equal distances by id.

        Returns:
            For each query the rows `(m,)` and their distances `(m,)`, float32.
        """
        with np.errstate(over="ignore"):  # beyond float32 the reach is infinite, as it should be
            reach = np.full(len(queries), np.nextafter(np.float32(radius), np.float32(np.inf)))
        rows_within = []
        for start in range(0, len(queries), _WIDE_AT_ONCE):
            part = slice(start, start + _WIDE_AT_ONCE)
            for rows, distances in self.reached(queries[part], reach[part]):
                inside = distances.astype(np.float64) <= radius
                rows_within.append(sorted_by_id(rows[inside], distances[inside], namer))
        return rows_within

    def _searched(self, queries: Floats, k: int) -> tuple[Indices, Floats, Bools]:
        """Find and rank candidates, parts of the queries side by side; see `_ranked`."""
        wide = min(k + self._padding, len(self))
        rows = np.empty((len(queries), wide), np.int64)
        distances = np.full((len(queries), wide), np.inf, np.float32)
        proven = np.empty(len(queries), bool)

        def search(part: slice) -> None:
            batch = queries[part]
            squared, candidates = self._candidates(batch, wide, apart=len(batch) == len(queries))
            bound = self.bound(batch)
            near, far, proven[part] = self._ranked(batch, k, squared, candidates, bound)
            rows[part] = candidates
            rows[part, : near.shape[1]], distances[part, : far.shape[1]] = near, far

        if len(queries) == 1:
            search(slice(0, 1))
        else:
            parallel.map_items(search, _parts(len(queries)))
        return rows, distances, proven

    def _candidates(self, queries: Floats, wide: int, *, apart: bool) -> tuple[Floats, Indices]:
        """FAISS's nearest, `(n, wide)`; of a few queries `apart` in each span of the vectors."""

        def search(span: slice) -> tuple[Floats, Indices]:
            with one_thread(self.dim):
                squared, rows = faiss.knn(queries, self.stored[span], wide)
            return squared, rows + span.start

        if not apart or len(queries) < BY_MATRIX:
            return search(slice(0, len(self)))
        parts = parallel.map_items(search, self._spans(wide))
        if len(parts) == 1:
            return parts[0]
        squared, rows = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
        order = np.argsort(squared, axis=1, kind="stable")[:, :wide]
        return np.take_along_axis(squared, order, axis=1), np.take_along_axis(rows, order, axis=1)

    def _spans(self, wide: int) -> list[slice]:
        """The vectors in equal spans, one for each core, each of enough of them."""
        threads = max(1, min(parallel.count(), len(self) // max(wide, _SPAN)))
        ends = [len(self) * span // threads for span in range(threads + 1)]
        return [slice(start, end) for start, end in pairwise(ends)]

    def bound(self, queries: Floats) -> Doubles:
        """Largest error of FAISS's squared distances by |x|² + |y|² − 2xy, `(n,)`.

        Each of the three sums of `dim` products is off by at most dim · 2⁻²⁴ of its size, whatever
        the order of adding; putting them together rounds a few times more.
        """
        lengths = np.sqrt(np.einsum("nd,nd->n", queries, queries, dtype=np.float64))
        bound: Doubles = (lengths + self._longest) ** 2 * self._relative_error
        return bound + TINY

    def _ranked(
        self, queries: Floats, k: int, squared: Floats, candidates: Indices, bound: Doubles
    ) -> tuple[Indices, Floats, Bools]:
        """Sort candidates by exact distance; say for which queries none can be missing.

        Only those that may belong to the answer are computed: FAISS's order says which.
        """
        exact = np.full(candidates.shape, np.inf, np.float32)
        exact[:, :k] = exact_distances(self.stored, queries, candidates[:, :k])
        limit = may_round_to(exact[:, :k].max(axis=1)) + bound  # (n,)
        needed = squared <= limit[:, None]
        proven = ~needed[:, -1] | (candidates.shape[1] == len(self))
        needed[:, :k] = False
        row, column = np.nonzero(needed)
        if len(row):
            rows = candidates[row, column][:, None]
            exact[row, column] = exact_distances(self.stored, queries[row], rows)[:, 0]
        used = max(k, int(column.max(initial=0)) + 1)
        order = np.argsort(exact[:, :used], axis=1, kind="stable")
        return (
            np.take_along_axis(candidates, order, axis=1),
            np.take_along_axis(exact, order, axis=1),
            proven,
        )

    def _rank_again(
        self, queries: Floats, chosen: Ints, k: int, rows: Indices, distances: Floats, namer: Namer
    ) -> None:
        """Repeat queries, in place, with nearly exact squared distances."""
        wide = min(k + _MANY, len(self))
        squared, candidates = self.flat.search(queries[chosen], wide, params=by_differences())
        bound = may_round_to(distances[chosen, k - 1]) * self._relative_error + TINY
        near, far, proven = self._ranked(queries[chosen], k, squared, candidates, bound)
        order_ties(near, far, k, namer, proven)
        rows[chosen, :k], distances[chosen, :k] = near[:, :k], far[:, :k]
        crowded = chosen[~proven]
        self._crowded += len(crowded)
        for start in range(0, len(crowded), _WIDE_AT_ONCE):
            part = crowded[start : start + _WIDE_AT_ONCE]
            reached = self.reached(queries[part], distances[part, k - 1])
            for query, (near, far) in zip(part.tolist(), reached, strict=True):
                inside = far <= distances[query, k - 1]
                near, far = sorted_by_id(near[inside], far[inside], namer)
                rows[query, :k], distances[query, :k] = near[:k], far[:k]

    def reached(self, queries: Floats, reach: Floats) -> list[tuple[Indices, Floats]]:
        """All rows that may lie within each query's `reach`, with their exact distances.

        Args:
            queries: Vectors, `(n, dim)`, float32.
            reach: Radius of each query, `(n,)`, Euclidean, >= 0.
        """
        squared = may_round_to(reach) * (1 + self._relative_error) + TINY
        widest = np.nextafter(np.float32(squared.max(initial=0)), np.float32(np.inf))  # FAISS: <
        limits, _, rows = self.flat.range_search(queries, float(widest), params=by_differences())
        spans = [rows[a:b] for a, b in zip(limits[:-1].tolist(), limits[1:].tolist(), strict=True)]
        return [
            (span, exact_distances(self.stored, query[None], span[None])[0])
            for query, span in zip(queries, spans, strict=True)
        ]

    def _equals(self) -> EqualVectors | None:
        """Equal vectors as one; None if all are different. Built when it is worth it."""
        if self._equal is None:
            from index.search.equals import equal_rows

            first, same = equal_rows(self.stored)
            if len(first) == len(self):
                self._crowded = -sys.maxsize  # different vectors at equal distances: never
            else:
                self._equal = EqualVectors(self.subset(first), same)
        return self._equal


def _parts(count: int) -> list[slice]:
    """The queries in parts for the cores; all together where they are few."""
    threads = min(parallel.count(), count // _WORTH_A_THREAD)
    size = count if threads < 2 else min(_PART, -(-count // threads))
    return [slice(start, start + size) for start in range(0, count, max(1, size))]
