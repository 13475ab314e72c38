"""Search for the candidates of queries, parts of the queries side by side, and rank them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from index.search.pruned import Candidates
from index.search.ties import Namer
from likewise import parallel
from likewise.arrays import Floats, Indices

Flat = Callable[[Floats, int, Namer], tuple[Indices, Floats]]


def nearest_by_parts(
    find: Callable[[Floats], Candidates],
    queries: Floats,
    k: int,
    namer: Namer,
    flat: Flat,
    *,
    most: int,
    worth_a_thread: int,
) -> tuple[Indices, Floats]:
    """The k nearest rows of each query; as `ExactIndex.nearest`.

    Args:
        find: Finds the candidates of queries, `(m, dim)`; called in threads.
        queries: `(n, dim)`, float32.
        k: Neighbours that are wanted, 1 or more.
        namer: Returns the rows' ids, which order equal distances; called in this thread alone,
            since the caller may hold the lock of the references.
        flat: Searches the queries that are given up.
        most: Queries of a part, at most.
        worth_a_thread: Queries of a part, at least, where there are so many.
    """
    rows = np.empty((len(queries), k), np.int64)
    distances = np.empty((len(queries), k), np.float32)
    count = max(1, min(parallel.count(), len(queries) // worth_a_thread), -(-len(queries) // most))
    size = max(1, -(-len(queries) // count))
    starts = range(0, len(queries), size)
    parts = parallel.map_items(lambda start: find(queries[start : start + size]), starts)
    left = [np.empty(0, np.int64)]
    for start, found in zip(starts, parts, strict=True):
        places = start + np.flatnonzero(~found.given_up)
        rows[places], distances[places] = found.nearest(k, namer)
        left.append(start + np.flatnonzero(found.given_up))
    others = np.concatenate(left)
    if len(others):
        rows[others], distances[others] = flat(queries[others], k, namer)
    return rows, distances
