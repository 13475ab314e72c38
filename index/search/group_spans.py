"""The different vectors of a gallery, in an order in which each group is one span.

Equal vectors count as one, so that a thousand equal pictures are one candidate and not a thousand.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import faiss
import numpy as np

from index.search.equals import equal_rows
from index.search.exact import ExactIndex
from index.search.faiss_calls import one_thread
from index.search.nearest_groups import CLOSER, NONE
from likewise.arrays import Bools, Doubles, Floats, Indices


class GroupSpans:
    """The different vectors of a gallery, in an order in which each group is one span.

    A vector of one group lies in the span of that group, one of several groups behind them all.

    Args:
        vectors: The index of the references that are of a group.
        groups: The rows of each of the g groups; every row is in one.

    Attributes:
        vectors: As passed.
        rows: A row of each of the u different vectors, `(u,)`.
        different: These vectors, `(u, dim)`, float32.
        only: The group of each, `(u,)`; g for one of several groups.
        spans: Where the vectors of each group alone begin, and the shared ones, `(g + 1,)`.
        groups_of: The first groups of each, `(u, 2 to CLOSER + 1)`, ascending, `NONE` behind them.
        shared: The vectors of several groups, once for each group, by group, `(s,)`.
        shared_spans: Where those of each group begin in `shared`, `(g + 1,)`.
    """

    def __init__(self, vectors: ExactIndex, groups: Sequence[Indices]) -> None:
        self.vectors = vectors
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
        self.rows = first[order]
        self.different: Floats = np.ascontiguousarray(vectors.stored[self.rows])
        self.only: Indices = np.where(shared, count, group[begins[:-1]])[order]
        self.spans = np.searchsorted(self.only, np.arange(count + 1))
        self.groups_of = _listed(group, begins, CLOSER + 1)[order]
        self._place, self._alone = place[same], (rows_of == 1)[one_row]
        in_shared = shared[owner]
        by_group = np.argsort(group[in_shared], kind="stable")
        self.shared = place[owner[in_shared]][by_group]
        self.shared_spans = np.searchsorted(group[in_shared][by_group], np.arange(count + 1))

    def squared(self, queries: Floats) -> tuple[Floats, Doubles]:
        """FAISS's squared distances to all different vectors, `(n, u)`, and their error bounds."""
        with one_thread(self.vectors.dim):
            squared: Floats = faiss.pairwise_distances(queries, self.different)
        return squared, self.vectors.bound(queries)

    def shared_by(self, code: int) -> Indices:
        """Those vectors of a group that other groups have too."""
        return self.shared[self.shared_spans[code] : self.shared_spans[code + 1]]

    @cached_property
    def sizes(self) -> Indices:
        """How many different vectors each group has, `(g,)`."""
        return np.diff(self.spans) + np.diff(self.shared_spans)

    @cached_property
    def pairs(self) -> tuple[Indices, Indices]:
        """Each vector with each of its groups, `(p,)` both: vectors and groups."""
        alone = np.flatnonzero(self.only < len(self.sizes))
        groups = np.repeat(np.arange(len(self.sizes)), np.diff(self.shared_spans))
        return (
            np.concatenate([alone, self.shared]),
            np.concatenate([self.only[alone], groups]),
        )

    def has(self, groups: Indices, places: Indices) -> Bools:
        """Whether each vector, one of several groups, is of the group beside it, `(p,)`.

        Args:
            groups: Groups, `(p,)`, or `NONE`.
            places: Vectors, `(p,)`.
        """
        keys = groups * len(self.different) + places
        found = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        inside: Bools = self._keys[found] == keys
        return inside

    @cached_property
    def _keys(self) -> Indices:
        groups = np.repeat(np.arange(len(self.sizes)), np.diff(self.shared_spans))
        return np.sort(groups * len(self.different) + self.shared)

    def hidden(self, skip: Indices) -> Indices:
        """The vector that each query's own group lacks without the row left out, or `NONE`."""
        gone = self._alone[skip] & (skip != NONE)
        return np.where(gone, self._place[skip], NONE)


def firsts(ordered: Indices) -> tuple[Indices, Indices]:
    """The different values of an ordered array, and where each begins."""
    is_first: Bools = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)]
    begins = np.flatnonzero(is_first)
    return ordered[begins], begins


def _distinct(keys: Indices) -> tuple[Indices, Indices, Indices]:
    """The different keys in order, the place of each key among them, and how often each occurs."""
    order = np.argsort(keys, kind="stable")
    distinct, begins = firsts(keys[order])
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
