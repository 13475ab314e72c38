"""Exact search by cells, parts of the queries side by side."""

from __future__ import annotations

import numpy as np

from index.search.alone import nearest_alone
from index.search.by_parts import Flat, nearest_by_parts
from index.search.cells import Cells
from index.search.faiss_calls import BY_MATRIX
from index.search.pruned import candidates
from index.search.ties import Namer
from likewise.arrays import Floats, Indices

_PART = 4096  # queries searched at a time by one thread, each cell once for all of them
_WORTH_A_THREAD = 512  # fewer queries are not: each thread visits all cells


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
    if len(queries) < BY_MATRIX:
        return _one_by_one(cells, stored, queries, k, namer, flat)
    return nearest_by_parts(
        lambda part: candidates(cells, stored, part, k),
        queries,
        k,
        namer,
        flat,
        most=_PART,
        worth_a_thread=_WORTH_A_THREAD,
    )


def _one_by_one(
    cells: Cells, stored: Floats, queries: Floats, k: int, namer: Namer, flat: Flat
) -> tuple[Indices, Floats]:
    """Few queries, one after the other."""
    rows = np.empty((len(queries), k), np.int64)
    distances = np.empty((len(queries), k), np.float32)
    for place in range(len(queries)):
        query = queries[place : place + 1]
        found = nearest_alone(cells, stored, query, k, namer) or flat(query, k, namer)
        rows[place], distances[place] = found
    return rows, distances
