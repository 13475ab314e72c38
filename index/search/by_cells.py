"""Exact search by cells, parts of the queries side by side."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from index.search.cells import Cells
from index.search.pruned import candidates
from index.search.ties import Namer
from likewise import parallel
from likewise.arrays import Floats, Indices

_PART = 4096  # queries searched at a time by one thread, each cell once for all of them
_WORTH_A_THREAD = 512  # fewer queries are not: each thread visits all cells

Flat = Callable[[Floats, int, Namer], tuple[Indices, Floats]]


def nearest_by_cells(
    cells: Cells, stored: Floats, queries: Floats, k: int, namer: Namer, flat: Flat
) -> tuple[Indices, Floats]:
    """The k nearest rows of each query, exactly; see `ExactIndex.nearest`.

    Args:
        cells: Cells of all rows.
        stored: The rows, `(m, dim)`, float32.
        queries: `(n, dim)`, float32.
        k: Neighbours that are wanted, 1 to m.
        namer: Returns the rows' ids, which order equal distances.
        flat: Searches the queries that cells do not help.
    """
    rows = np.empty((len(queries), k), np.int64)
    distances = np.empty((len(queries), k), np.float32)

    def search(start: int) -> Indices:
        part = queries[start : start + size]
        found = candidates(cells, stored, part, k)
        places = start + np.flatnonzero(~found.given_up)
        rows[places], distances[places] = found.nearest(k, namer)
        return start + np.flatnonzero(found.given_up)

    count = max(1, min(parallel.count(), len(queries) // _WORTH_A_THREAD))
    count = max(count, -(-len(queries) // _PART))
    size = max(1, -(-len(queries) // count))
    left = [np.empty(0, np.int64), *parallel.map_items(search, range(0, len(queries), size))]
    others = np.concatenate(left)
    if len(others):
        rows[others], distances[others] = flat(queries[others], k, namer)
    return rows, distances
