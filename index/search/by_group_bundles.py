"""The nearest groups of queries by bundles: the own group whole, others where their means are near.

A query whose own group is large, or near which there are too many bundles, is given up.
"""

from __future__ import annotations

import numpy as np

from index.search.bundles import MOST, Bundles
from index.search.by_bundles import FEW, MANY, most_rows
from index.search.by_group_asked import Asked
from index.search.faiss_calls import may_round_to
from index.search.group_spans import GroupSpans
from index.search.nearest_groups import NONE, NearestGroups
from likewise.arrays import Bools, Doubles, Floats, Indices

_MORE = 2  # a scan by group takes so much longer than one for neighbours


class GroupBundles:
    """Bundles of grouped vectors, each of one group.

    Args:
        bundles: Bundles of the different vectors, those of several groups alone.
        grouped: These vectors.

    Attributes:
        bundles: As passed.
        grouped: As passed.
        codes: `GroupSpans.only` of each bundle, `(m,)`.
    """

    def __init__(self, bundles: Bundles, grouped: GroupSpans) -> None:
        self.bundles, self.grouped = bundles, grouped
        self.codes = grouped.only[bundles.first]


def nearest_bundled(
    divided: GroupBundles, queries: Floats, own: Indices, hidden: Indices
) -> tuple[NearestGroups, Bools]:
    """Find the nearest groups of queries, and say which queries were given up, `(n,)`.

    Args:
        divided: Bundles of at least one vector.
        queries: `(n, dim)`, float32.
        own: Column of each query's own group, `(n,)`, or `NONE`.
        hidden: The vector that each query's own group is without, `(n,)`, or `NONE`.
    """
    search = _Search(divided, queries, own, hidden)
    return search.found(), search.given_up


class _Search(Asked):
    """One search; see `nearest_bundled`."""

    def __init__(
        self, divided: GroupBundles, queries: Floats, own: Indices, hidden: Indices
    ) -> None:
        super().__init__(divided.grouped, queries, own, hidden)
        self._bundles = divided.bundles
        large = np.append(self.grouped.sizes, 0)[own] > MOST  # 0 for `NONE`
        self._direct = self.all_of(np.flatnonzero(~large))
        self._near = self._bundles.nearest(queries, MANY)
        self._others: Bools = divided.codes[self._near.bundles] != own[:, None]
        limit = self._limits()
        self._needed = self._others & (self._near.least <= limit[:, None])
        rows = np.einsum("nw,nw->n", self._needed, self._bundles.sizes[self._near.bundles])
        self.given_up: Bools = large | ~(self._near.beyond > limit)
        self.given_up |= rows > _MORE * most_rows(len(self.grouped.different))

    def found(self) -> NearestGroups:
        """The nearest groups; of queries that are given up anything."""
        near = NearestGroups.none(len(self.own))
        near.own[:] = self._direct
        queries, rows = self._rows(self._needed & ~self.given_up[:, None])
        self.put_others(near, queries, rows, self.exact(queries, rows))
        return near

    def _limits(self) -> Doubles:
        """The distance within which the other groups lie that an answer needs, `(n,)`."""
        nearest = self._others & (np.cumsum(self._others, axis=1) == 1)
        queries, rows = self._rows(nearest)
        reach = np.full(len(self.own), np.inf, np.float32)
        np.minimum.at(reach, queries, self.exact(queries, rows))
        beaten = np.flatnonzero((reach <= self._direct) & np.isfinite(self._direct))
        several = self.several(*self._some(beaten))
        reach[beaten] = np.maximum(reach[beaten], np.minimum(self._direct[beaten], several))
        return np.sqrt(may_round_to(reach))

    def _some(self, queries: Indices) -> tuple[Indices, Floats]:
        """A vector of each of some near bundles of other groups, and what bounds its distance."""
        bundles, others = self._near.bundles[queries, :FEW], self._others[queries, :FEW]
        most = np.where(others, self._near.most[queries, :FEW], np.inf).astype(np.float32)
        rows = np.where(others, self._bundles.first[bundles], NONE)
        return rows, np.nextafter(most, np.float32(np.inf))

    def _rows(self, wanted: Bools) -> tuple[Indices, Indices]:
        """Queries and all vectors of wanted bundles, `(n, w)`."""
        queries, columns = np.divmod(np.flatnonzero(wanted), wanted.shape[1])
        places, rows = self._bundles.spread(self._near.bundles[queries, columns])
        return queries[places], rows
