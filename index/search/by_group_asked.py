"""Queries with their own groups, asked for the nearest groups: what every way to answer shares."""

from __future__ import annotations

import numpy as np

from index.search.group_spans import GroupSpans
from index.search.nearest_groups import CLOSER, NONE, NearestGroups
from index.search.spans import spread
from likewise.arrays import Bools, Floats, Indices
from likewise.metrics.pairs import exact_distances


class Asked:
    """Queries beside grouped vectors.

    Args:
        grouped: The different vectors of a gallery.
        queries: `(n, dim)`, float32.
        own: Column of each query's own group, `(n,)`, or `NONE`.
        hidden: The vector that each query's own group is without, `(n,)`, or `NONE`.
    """

    def __init__(self, grouped: GroupSpans, queries: Floats, own: Indices, hidden: Indices) -> None:
        self.grouped, self.queries, self.own, self.hidden = grouped, queries, own, hidden

    def all_of(self, queries: Indices) -> Floats:
        """The distance to the own group of these queries, `(n,)`; inf for the others.

        Args:
            queries: Places of queries, `(p,)`; all vectors of their groups are computed.
        """
        grouped, direct = self.grouped, np.full(len(self.own), np.inf, np.float32)
        queries = queries[self.own[queries] != NONE]
        for begins, places in ((grouped.spans, None), (grouped.shared_spans, grouped.shared)):
            code = self.own[queries]
            at, rows = spread(begins[code], begins[code + 1])
            asked, rows = queries[at], rows if places is None else places[rows]
            there = rows != self.hidden[asked]
            asked, rows = asked[there], rows[there]
            np.minimum.at(direct, asked, self.exact(asked, rows))
        return direct

    def several(self, rows: Indices, distances: Floats) -> Floats:
        """The distance within which `CLOSER` groups are, `(p,)`; inf where too few are known.

        Args:
            rows: Vectors of other groups, `(p, m)`, `NONE` where there are fewer.
            distances: Their distances, `(p, m)`.
        """
        order = np.argsort(distances, axis=1)
        distances = np.take_along_axis(distances, order, axis=1)
        rows = np.take_along_axis(rows, order, axis=1)
        codes = self.grouped.only[rows]
        # A vector of several groups may be of those that are counted, so it does not count.
        new = (rows != NONE) & (codes < len(self.grouped.sizes))
        for column in range(1, codes.shape[1]):
            new[:, column] &= (codes[:, :column] != codes[:, column, None]).all(axis=1)
        enough = np.cumsum(new, axis=1) >= CLOSER
        last = np.take_along_axis(distances, enough.argmax(axis=1)[:, None], axis=1)[:, 0]
        return np.where(enough[:, -1], last, np.float32(np.inf))

    def sides(self, queries: Indices, rows: Indices) -> tuple[Bools, Bools]:
        """Whether vectors are of the own group of the query beside each, and of other groups.

        Args:
            queries: Places of queries, `(p,)`.
            rows: Vectors, `(p,)`.
        """
        codes, own = self.grouped.only[rows], self.own[queries]
        mine, shared = codes == own, np.flatnonzero(codes == len(self.grouped.sizes))
        other = ~mine
        if len(shared):
            mine[shared] = self.grouped.has(own[shared], rows[shared])
        mine &= rows != self.hidden[queries]
        return mine, other

    def put_others(
        self, near: NearestGroups, queries: Indices, rows: Indices, distances: Floats
    ) -> None:
        """Set the nearest other group, and how many are as near as the own one.

        Args:
            near: What is found, with the distances to the own groups.
            queries: Places of queries, `(p,)`.
            rows: Vectors of other groups, `(p,)`: all that may be near enough.
            distances: Their distances, `(p,)`.
        """
        own = self.own[queries]
        first, second = self.grouped.groups_of[rows, :2].T
        groups = np.where(first == own, second, first)
        np.minimum.at(near.other, queries, distances)
        nearest = np.flatnonzero(distances == near.other[queries])
        near.nearest[queries[nearest]] = len(self.grouped.sizes)
        np.minimum.at(near.nearest, queries[nearest], groups[nearest])
        closer = np.flatnonzero((distances <= near.own[queries]) & np.isfinite(near.own[queries]))
        every = self.grouped.groups_of[rows[closer]]
        asked = np.repeat(queries[closer], every.shape[1])
        valid = (every.ravel() != NONE) & (every.ravel() != self.own[asked])
        keys = np.unique(asked[valid] * len(self.grouped.sizes) + every.ravel()[valid])
        counts = np.bincount(keys // len(self.grouped.sizes), minlength=len(near.closer))
        near.closer[:] = np.minimum(counts, CLOSER)

    def exact(self, queries: Indices, rows: Indices) -> Floats:
        """The distance of each query to the vector beside it, `(p,)`.

        Args:
            queries: Places of queries, `(p,)`.
            rows: Vectors, `(p,)`.
        """
        return exact_distances(self.queries, queries, self.grouped.different, rows)
