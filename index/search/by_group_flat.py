"""The nearest groups of a few queries, by a scan of all different vectors.

FAISS computes squared distances to all of them, a query's own group is read off and masked, and
what is left gives the nearest other group. FAISS's values err by a known bound; all candidates
within it are computed again in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from index.search.faiss_calls import may_round_to
from index.search.group_spans import GroupSpans, firsts
from index.search.nearest_groups import CLOSER, NONE, NearestGroups, true_places
from likewise.arrays import Doubles, Floats, Indices
from likewise.metrics.pairs import exact_distances

_FEW = 64  # vectors that usually suffice to find `CLOSER` groups
_SLACK = 2.0**-22  # what is nearer by more, relatively, is nearer after rounding to float32 too


def nearest_flat(
    grouped: GroupSpans, queries: Floats, own: Indices, hidden: Indices
) -> NearestGroups:
    """Find the nearest groups of a few queries.

    Args:
        grouped: The vectors, at least one.
        queries: `(n, dim)`, float32; n times the number of vectors is held in memory.
        own: Column of each query's own group, `(n,)`, or `NONE`; equal ones together.
        hidden: The vector that each query's own group is without, `(n,)`, or `NONE`.
    """
    block = _Block(grouped, queries, own, hidden)
    return NearestGroups(block.own, block.other, block.nearest, block.closer())


def groups_within(
    grouped: GroupSpans, queries: Floats, own: Indices, hidden: Indices, limit: Floats
) -> list[list[int]]:
    """Find groups other than the own one that are at most as far as a limit, `CLOSER` at most.

    Args:
        grouped: The vectors, at least one.
        queries: As for `nearest_flat`.
        own: As for `nearest_flat`.
        hidden: As for `nearest_flat`.
        limit: The distance for each query, `(n,)`, float32, finite.
    """
    block = _Block(grouped, queries, own, hidden)
    return block.within(np.arange(len(queries)), limit)


class _Block:
    """A few queries; see `nearest_flat`."""

    def __init__(self, grouped: GroupSpans, queries: Floats, own: Indices, hidden: Indices) -> None:
        self._grouped = grouped
        self._queries = queries
        self._codes = own
        self._squared, self._bound = grouped.squared(queries)
        self.own = self._read_off_own(hidden)
        self.other, self.nearest = self._nearest_other()

    def _read_off_own(self, hidden: Indices) -> Floats:
        """The distance to each query's own group, whose vectors are masked from then on."""
        pairs = [
            self._in_own(start, stop, hidden[start:stop])
            for start, stop in _runs(self._codes)
            if self._codes[start] != NONE
        ]
        own = np.full(len(self._queries), np.inf, np.float32)
        if pairs:
            rows, places = (np.concatenate(part) for part in zip(*pairs, strict=True))
            np.minimum.at(own, rows, self._exact(rows, places))
        return own

    def _in_own(self, start: int, stop: int, hidden: Indices) -> tuple[Indices, Indices]:
        """Queries of one group, each with those of its vectors that may be the nearest."""
        code, grouped = self._codes[start], self._grouped
        first, last = grouped.spans[code], grouped.spans[code + 1]
        shared = grouped.shared_by(code)
        places = np.concatenate([np.arange(first, last), shared]) if len(shared) else None
        part = self._squared[start:stop, first : last if places is None else 0]
        if places is not None:
            part = self._squared[start:stop][:, places]
        for row in np.flatnonzero(hidden != NONE).tolist():
            column = hidden[row] - first if places is None else places == hidden[row]
            part[row, column] = np.inf
        rows, columns = _within(part, self._bound[start:stop])
        self._squared[start:stop, first:last] = np.inf
        return rows + start, columns + first if places is None else places[columns]

    def _nearest_other(self) -> tuple[Floats, Indices]:
        rows, places = _within(self._squared, self._bound)
        distances = self._exact(rows, places)
        first, second = self._grouped.groups_of[places, :2].T
        groups = np.where(first == self._codes[rows], second, first)
        order = np.lexsort((groups, distances, rows))
        rows, begins = firsts(rows[order])
        other = np.full(len(self._queries), np.inf, np.float32)
        nearest = np.full(len(self._queries), NONE)
        other[rows], nearest[rows] = distances[order][begins], groups[order][begins]
        return other, nearest

    def closer(self) -> Indices:
        """How many other groups are at most as far as each query's own, `CLOSER` at most."""
        counts = np.zeros(len(self._queries), np.int64)
        rows = np.flatnonzero((self.other <= self.own) & np.isfinite(self.own))
        if len(rows):
            counts[rows] = list(map(len, self.within(rows, self.own[rows])))
        return counts

    def within(self, rows: Indices, limit: Floats) -> list[list[int]]:
        """Other groups that are at most as far as a limit, `CLOSER` of them at most.

        Args:
            rows: Queries, `(m,)`.
            limit: The distance for each, `(m,)`, finite.
        """
        bound = self._bound[rows]
        reach = _float_above(may_round_to(limit) + bound)
        squared = self._squared[rows]
        near = squared <= reach[:, None]
        sure = (limit.astype(np.float64) ** 2 * (1 - _SLACK) - bound).astype(np.float32)
        doubtful, places = true_places(near & (squared >= sure[:, None]))
        far = self._exact(rows[doubtful], places) > limit[doubtful]
        near[doubtful[far], places[far]] = False
        return [
            self._groups(np.flatnonzero(inside), code)
            for inside, code in zip(near, self._codes[rows].tolist(), strict=True)
        ]

    def _groups(self, places: Indices, own: int) -> list[int]:
        """The groups other than the own one that have one of these vectors, `CLOSER` at most."""
        few, every = places[:_FEW], places
        for part in (few, every):
            groups = set(self._grouped.groups_of[part].ravel().tolist()) - {NONE, own}
            if len(groups) >= CLOSER:
                break
        return list(groups)[:CLOSER]

    def _exact(self, rows: Indices, places: Indices) -> Floats:
        return exact_distances(self._queries, rows, self._grouped.different, places)


def _within(squared: Floats, bound: Doubles) -> tuple[Indices, Indices]:
    """Rows and columns of what may be the nearest, given the largest error of each row."""
    if not squared.shape[1]:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    least = squared.min(axis=1)
    rows, columns = true_places(squared <= _float_above(least + 2 * bound)[:, None])
    finite = np.isfinite(least)[rows]
    return rows[finite], columns[finite]


def _float_above(values: Doubles) -> Floats:
    """Round up to float32, so that a comparison needs no copy in float64."""
    return np.nextafter(values.astype(np.float32), np.float32(np.inf))


def _runs(codes: Indices) -> Iterator[tuple[int, int]]:
    """The spans of equal codes."""
    edges = np.flatnonzero(np.diff(codes)) + 1
    return pairwise([0, *edges.tolist(), len(codes)])
