"""Approximate search, where a gallery's owner asks for it: short codes propose, vectors decide.

The distances of what is proposed are those of exact search, so that an answer can lose a match and
never make one. Where too little is proposed, the query is searched exactly.
"""

from __future__ import annotations

import numpy as np

from index.search.by_parts import Flat, nearest_by_parts
from index.search.promise import Promise
from index.search.pruned import Candidates
from index.search.quantised import Quantised
from index.search.scan import NOBODY, NearLists, candidates
from index.search.setting import SearchSetting
from index.search.ties import Namer
from likewise.arrays import Floats, Indices
from likewise.metrics.pairs import exact_distances

_PART = 1024  # queries of one thread at a time
_WORTH_A_THREAD = 64  # fewer queries are not
_OF_EACH = 4  # candidates, at least, for each neighbour that is wanted
_GONE = 0.05  # of the references: as many may be gone whose codes are still found
_MOST_NEIGHBOURS = 128  # of a query: more lie in too many lists


class Approximation:
    """An approximate search that keeps a promise; or the fact that none does.

    Args:
        promise: What was measured of it.
        coded: The codes of all rows, by slots; None where the promise cannot be kept.

    Attributes:
        promise: The same.
        coded: The same.
        unsaved: Whether it was made since it was saved.
    """

    def __init__(self, promise: Promise, coded: Quantised | None) -> None:
        self.promise = promise
        self.coded = coded
        self.unsaved = True

    def append(self, vectors: Floats, slots: Indices) -> None:
        """Add rows.

        Args:
            vectors: `(n, dim)`, float32.
            slots: Their slots, `(n,)`.
        """
        if self.coded is not None:
            self.coded.append(vectors, slots)

    def fits(self, setting: SearchSetting, count: int) -> bool:
        """Whether it still keeps its promise.

        Args:
            setting: What is promised.
            count: How many references there are.
        """
        gone = 0 if self.coded is None else len(self.coded) - count
        return gone <= _GONE * count and self.promise.is_of(setting, count)

    def answers(self, k: int) -> bool:
        """Whether it is asked for k neighbours; if not, exact search is."""
        return self.coded is not None and k <= _MOST_NEIGHBOURS

    def nearest(
        self, stored: Floats, slots: Indices, queries: Floats, k: int, namer: Namer, exact: Flat
    ) -> tuple[Indices, Floats]:
        """The k nearest rows of each query that are found; as `ExactIndex.nearest`.

        Args:
            stored: All rows, `(m, dim)`, float32.
            slots: Their slots, `(m,)`, ascending.
            queries: `(n, dim)`, float32.
            k: Neighbours that are wanted, as `answers` accepts them.
            namer: Returns the rows' ids, which order equal distances.
            exact: Searches the queries for which fewer than k are found.
        """
        return nearest_by_parts(
            lambda part: self._found(stored, slots, part, k),
            queries,
            k,
            namer,
            exact,
            most=_PART,
            worth_a_thread=_WORTH_A_THREAD,
        )

    def _found(self, stored: Floats, slots: Indices, queries: Floats, k: int) -> Candidates:
        """Candidates of queries, with their exact distances."""
        effort = self.promise.effort
        assert effort is not None
        assert self.coded is not None
        near = NearLists.of(self.coded, queries, effort)
        proposed = candidates(self.coded, queries, near, max(effort.candidates, _OF_EACH * k))
        places = np.minimum(np.searchsorted(slots, proposed), len(slots) - 1)
        there = (proposed != NOBODY) & (slots[places] == proposed)
        given_up = there.sum(axis=1) < k
        there[given_up] = False
        numbers, columns = np.divmod(np.flatnonzero(there), there.shape[1])
        rows = places[numbers, columns]
        distances = exact_distances(queries, numbers, stored, rows)
        # Bits of floats >= 0 are in the order of the floats: one key for query and distance.
        order = np.argsort((numbers << 32) | distances.view(np.uint32), kind="stable")
        return Candidates(numbers[order], rows[order], distances[order], given_up)
