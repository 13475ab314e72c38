"""Exact search by bundles: the nearest means say which rows have to be computed.

The rows of the nearest bundles bound the reach of a query. Of the others only those bundles are
looked at that begin within it. Where these may be more than were found, twice, the query is given
up.
"""

from __future__ import annotations

import numpy as np

from index.search.bundles import Bundles
from index.search.by_parts import Flat, nearest_by_parts
from index.search.faiss_calls import may_round_to
from index.search.pruned import Candidates
from index.search.ties import Namer
from likewise.arrays import Bools, Floats, Indices
from likewise.metrics.pairs import exact_distances

FEW, MANY = 32, 256  # bundles found for a query, and again where these are too few
_TRIED = 16  # queries of a part that show whether finding many helps the others
_PART = 512  # queries of a part, at most
_WORTH_A_THREAD = 64  # queries
_MASK = 0xFFFFFFFF


def nearest_by_bundles(
    bundles: Bundles, stored: Floats, queries: Floats, k: int, namer: Namer, others: Flat
) -> tuple[Indices, Floats]:
    """The k nearest rows of each query, exactly; see `ExactIndex.nearest`.

    Args:
        bundles: Bundles of all rows.
        stored: The rows, `(m, dim)`, float32.
        queries: `(n, dim)`, float32.
        k: Neighbours that are wanted, 1 to m.
        namer: Returns the rows' ids, which order equal distances.
        others: Searches the queries that are given up.
    """
    return nearest_by_parts(
        lambda part: candidates(bundles, stored, part, k),
        queries,
        k,
        namer,
        others,
        most=_PART,
        worth_a_thread=_WORTH_A_THREAD,
    )


def candidates(bundles: Bundles, stored: Floats, queries: Floats, k: int) -> Candidates:
    """All rows that may be among the k nearest of each query, and few others.

    Args:
        bundles: Bundles of all rows.
        stored: The rows, `(m, dim)`, float32.
        queries: `(n, dim)`, float32.
        k: Neighbours that are wanted, 1 to m.
    """
    found = _Search(bundles, stored, queries, k, FEW).candidates()
    for left in tries(np.flatnonzero(found.given_up)):
        more = _Search(bundles, stored, queries[left], k, MANY).candidates()
        found = found.with_more(left, more)
        if 2 * more.given_up.sum() > len(left):
            break
    return found


def tries(left: Indices) -> tuple[Indices, ...]:
    """Queries that were given up: some of them, and the others where these are helped."""
    step = max(1, len(left) // _TRIED)
    others = np.delete(left, np.s_[::step])
    return tuple(part for part in (left[::step], others) if len(part))


def most_rows(count: int) -> int:
    """How many rows may be computed for a query, of so many in all: more take half of a scan."""
    return min(max(count // 128, 1024), 4096)


class _Search:
    """One search; see `candidates`."""

    def __init__(
        self, bundles: Bundles, stored: Floats, queries: Floats, k: int, wide: int
    ) -> None:
        self._bundles, self._stored, self._queries, self._k = bundles, stored, queries, k
        self._near = bundles.nearest(queries, max(wide, k))

    def candidates(self) -> Candidates:
        near, k, every = self._near, self._k, np.arange(len(self._queries))
        sizes = self._bundles.sizes[near.bundles]
        before = np.cumsum(sizes, axis=1) - sizes
        enough = before[:, -1] + sizes[:, -1] >= k
        first = (before < k) & enough[:, None]
        keys, rows = self._measured(first)
        # Bits of floats >= 0 are in the order of the floats: one key for query and distance.
        kth = np.sort(keys)[np.searchsorted(keys >> 32, every[enough]) + k - 1]
        reach = np.full(len(every), np.inf, np.float32)
        reach[enough] = (kth & _MASK).astype(np.uint32).view(np.float32)
        limit = np.sqrt(may_round_to(reach))
        needed = near.least <= limit[:, None]
        computed = np.einsum("nw,nw->n", needed, sizes)
        given_up = ~(near.beyond > limit) | ~enough
        given_up |= computed > most_rows(len(self._stored)) + k
        more_keys, more_rows = self._measured(needed & ~first & ~given_up[:, None])
        keys, rows = np.concatenate([keys, more_keys]), np.concatenate([rows, more_rows])
        queries, distances = keys >> 32, (keys & _MASK).astype(np.uint32).view(np.float32)
        keep = np.flatnonzero(~given_up[queries] & (distances <= reach[queries]))
        keep = keep[np.argsort(keys[keep], kind="stable")]
        return Candidates(queries[keep], rows[keep], distances[keep], given_up)

    def _measured(self, wanted: Bools) -> tuple[Indices, Indices]:
        """The rows of wanted bundles, `(n, w)`: the query and the distance of each, and the row."""
        queries, columns = np.divmod(np.flatnonzero(wanted), wanted.shape[1])
        places, rows = self._bundles.spread(self._near.bundles[queries, columns])
        queries = queries[places]
        distances = exact_distances(self._queries, queries, self._stored, rows)
        return (queries << 32) | distances.view(np.uint32), rows
