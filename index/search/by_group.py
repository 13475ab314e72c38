"""Exact distances of each query to its own group and to the nearest other groups.

One search answers for all groups, so that its cost does not grow with their number: FAISS computes
squared distances of a few queries to all different vectors, a query's own group is read off and
masked, and what is left gives the nearest other group. FAISS's values err by a known bound; all
candidates within it are computed again in float64.

Equal vectors count as one, so that a thousand equal pictures are one candidate and not a thousand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import faiss
import numpy as np

from index.search.equals import equal_rows
from index.search.exact import ExactIndex
from index.search.faiss_calls import may_round_to, one_thread
from likewise import parallel
from likewise.arrays import Bools, Doubles, Floats, Indices
from likewise.metrics.pairs import exact_distances

NONE = -1  # stands for no group, or no row
CLOSER = 5  # other groups that are counted, at most
_VALUES_AT_ONCE = 1 << 22  # squared distances in memory, for each thread
_QUERIES_AT_ONCE = 256
_FEW = 64  # vectors that usually suffice to find `CLOSER` groups
_SLACK = 2.0**-22  # what is nearer by more, relatively, is nearer after rounding to float32 too


@dataclass(frozen=True, slots=True, eq=False)
class NearestGroups:
    """The nearest groups of n queries.

    Attributes:
        own: Distance to the nearest reference of the query's own group, `(n,)`, float32; inf where
            it has none.
        other: Distance to the nearest reference of any other group, `(n,)`, float32; inf where
            there is none.
        nearest: The column of that other group, `(n,)`; the first of equally near ones, `NONE`
            where there is none.
        closer: How many other groups are at most as far as the own one, `(n,)`, `CLOSER` at most;
            0 where `own` is inf.
    """

    own: Floats
    other: Floats
    nearest: Indices
    closer: Indices

    @classmethod
    def joined(cls, parts: Sequence[NearestGroups]) -> NearestGroups:
        """Concatenate the results of several searches among the same groups."""
        return cls(
            np.concatenate([part.own for part in parts]),
            np.concatenate([part.other for part in parts]),
            np.concatenate([part.nearest for part in parts]),
            np.concatenate([part.closer for part in parts]),
        )

    def at(self, rows: Indices) -> NearestGroups:
        """The queries at these rows, in this order."""
        return NearestGroups(
            self.own[rows], self.other[rows], self.nearest[rows], self.closer[rows]
        )


class GroupedVectors:
    """The different vectors of a gallery, in an order in which each group is one span.

    A vector of one group lies in the span of that group, one of several groups behind them all.

    Args:
        vectors: The index of the references that are of a group.
        groups: The rows of each of the g groups; every row is in one.
    """

    def __init__(self, vectors: ExactIndex, groups: Sequence[Indices]) -> None:
        self._vectors = vectors
        count = len(groups)
        codes = np.empty(len(vectors), np.int64)
        for code, rows in enumerate(groups):
            codes[rows] = code
        first, same = equal_rows(vectors.stored)
        # Each vector with each of its groups once, by vector and then by group.
        keys, one_row, rows_of = _distinct(same * count + codes)
        owner, group = keys // count, keys % count
        begins = np.searchsorted(owner, np.arange(len(first) + 1))
        shared = np.diff(begins) > 1
        order = np.argsort(np.where(shared, count, group[begins[:-1]]), kind="stable")
        place = np.empty(len(first), np.int64)
        place[order] = np.arange(len(first))
        self.different = np.ascontiguousarray(vectors.stored[first[order]])
        only = np.where(shared, count, group[begins[:-1]])[order]
        self.spans = np.searchsorted(only, np.arange(count + 1))
        self.groups_of = _listed(group, begins, CLOSER + 1)[order]
        self._place, self._alone = place[same], (rows_of == 1)[one_row]
        in_shared = shared[owner]
        by_group = np.argsort(group[in_shared], kind="stable")
        self._shared = place[owner[in_shared]][by_group]
        self._shared_spans = np.searchsorted(group[in_shared][by_group], np.arange(count + 1))

    def search(self, queries: Floats, own: Indices, skip: Indices | None = None) -> NearestGroups:
        """Find the nearest groups of each query.

        Args:
            queries: `(n, dim)`, float32, finite.
            own: Column of each query's own group, `(n,)`, or `NONE`.
            skip: Row that is left out for each query, `(n,)`, of its own group, or `NONE`.
        """
        count = len(queries)
        found = NearestGroups(
            np.full(count, np.inf, np.float32),
            np.full(count, np.inf, np.float32),
            np.full(count, NONE),
            np.zeros(count, np.int64),
        )
        if not len(self.different):
            return found
        left_out = np.full(count, NONE) if skip is None else skip
        order = np.argsort(own, kind="stable")  # queries of one group come together

        def search(part: slice) -> None:
            rows = order[part]
            near = _Block(self, queries[rows], own[rows], left_out[rows])
            found.own[rows], found.closer[rows] = near.own, near.closer()
            found.other[rows], found.nearest[rows] = near.other, near.nearest

        size = max(1, min(_QUERIES_AT_ONCE, _VALUES_AT_ONCE // len(self.different)))
        parallel.map_items(search, [slice(start, start + size) for start in range(0, count, size)])
        return found

    def squared(self, queries: Floats) -> tuple[Floats, Doubles]:
        """FAISS's squared distances to all different vectors, `(n, u)`, and their error bounds."""
        with one_thread(self._vectors.dim):
            squared: Floats = faiss.pairwise_distances(queries, self.different)
        return squared, self._vectors.bound(queries)

    def shared_by(self, code: int) -> Indices:
        """Those vectors of a group that other groups have too."""
        return self._shared[self._shared_spans[code] : self._shared_spans[code + 1]]

    def hidden(self, skip: Indices) -> Indices:
        """The vector that each query's own group lacks without the row left out, or `NONE`."""
        gone = self._alone[skip] & (skip != NONE)
        return np.where(gone, self._place[skip], NONE)


class _Block:
    """A few queries, those of one group one after the other; see `NearestGroups`."""

    def __init__(self, grouped: GroupedVectors, queries: Floats, own: Indices, skip: Indices):
        self._grouped = grouped
        self._queries = queries
        self._codes = own
        self._squared, self._bound = grouped.squared(queries)
        self.own = self._read_off_own(grouped.hidden(skip))
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
        rows, begins = _firsts(rows[order])
        other = np.full(len(self._queries), np.inf, np.float32)
        nearest = np.full(len(self._queries), NONE)
        other[rows], nearest[rows] = distances[order][begins], groups[order][begins]
        return other, nearest

    def closer(self) -> Indices:
        """How many other groups are at most as far as each query's own, `CLOSER` at most."""
        counts = np.zeros(len(self._queries), np.int64)
        rows = np.flatnonzero((self.other <= self.own) & np.isfinite(self.own))
        if not len(rows):
            return counts
        own, bound = self.own[rows], self._bound[rows]
        limit = _float_above(may_round_to(own) + bound)
        squared = self._squared[rows]
        near = squared <= limit[:, None]
        sure = (own.astype(np.float64) ** 2 * (1 - _SLACK) - bound).astype(np.float32)
        doubtful, places = _true(near & (squared >= sure[:, None]))
        far = self._exact(rows[doubtful], places) > own[doubtful]
        near[doubtful[far], places[far]] = False
        counts[rows] = [
            self._count_groups(np.flatnonzero(inside), code)
            for inside, code in zip(near, self._codes[rows].tolist(), strict=True)
        ]
        return counts

    def _count_groups(self, places: Indices, own: int) -> int:
        """How many groups other than the own one have one of these vectors, `CLOSER` at most."""
        few, every = places[:_FEW], places
        for part in (few, every):
            groups = set(self._grouped.groups_of[part].ravel().tolist()) - {NONE, own}
            if len(groups) >= CLOSER:
                return CLOSER
        return len(groups)

    def _exact(self, rows: Indices, places: Indices) -> Floats:
        return exact_distances(self._queries, rows, self._grouped.different, places)


def _within(squared: Floats, bound: Doubles) -> tuple[Indices, Indices]:
    """Rows and columns of what may be the nearest, given the largest error of each row."""
    if not squared.shape[1]:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    least = squared.min(axis=1)
    rows, columns = _true(squared <= _float_above(least + 2 * bound)[:, None])
    finite = np.isfinite(least)[rows]
    return rows[finite], columns[finite]


def _true(mask: Bools) -> tuple[Indices, Indices]:
    """Rows and columns of what is true: `np.nonzero` of a matrix takes many times as long."""
    return np.divmod(np.flatnonzero(mask), mask.shape[1])


def _float_above(values: Doubles) -> Floats:
    """Round up to float32, so that a comparison needs no copy in float64."""
    return np.nextafter(values.astype(np.float32), np.float32(np.inf))


def _runs(codes: Indices) -> Iterator[tuple[int, int]]:
    """The spans of equal codes."""
    edges = np.flatnonzero(np.diff(codes)) + 1
    return pairwise([0, *edges.tolist(), len(codes)])


def _firsts(ordered: Indices) -> tuple[Indices, Indices]:
    """The different values of an ordered array, and where each begins."""
    is_first: Bools = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)]
    begins = np.flatnonzero(is_first)
    return ordered[begins], begins


def _distinct(keys: Indices) -> tuple[Indices, Indices, Indices]:
    """The different keys in order, the place of each key among them, and how often each occurs."""
    order = np.argsort(keys, kind="stable")
    distinct, begins = _firsts(keys[order])
    counts = np.diff(np.append(begins, len(keys)))
    places = np.empty(len(keys), np.int64)
    places[order] = np.repeat(np.arange(len(distinct)), counts)
    return distinct, places, counts


def _listed(values: Indices, begins: Indices, most: int) -> Indices:
    """The first `most` values of each span as a row, `NONE` where there are fewer."""
    width = max(2, min(most, int(np.diff(begins).max(initial=0))))
    places = begins[:-1, None] + np.arange(width)
    inside = places < begins[1:, None]
    return np.where(inside, values[np.minimum(places, max(0, len(values) - 1))], NONE)
