"""Exact search by cells of one query at a time: as `pruned`, with as few calls as can be."""

from __future__ import annotations

import numpy as np

from index.search import bounds
from index.search.cells import Cells, lengths
from index.search.faiss_calls import TINY, UNIT, may_round_to, squares_to
from index.search.ties import Namer, sorted_by_id
from likewise.arrays import Floats, Indices


def nearest_alone(
    cells: Cells, stored: Floats, query: Floats, k: int, namer: Namer
) -> tuple[Indices, Floats] | None:
    """The k nearest rows, `(k,)`, and their distances; None where bounds do not help.

    Args:
        cells: Cells of all rows.
        stored: The rows, `(m, dim)`, float32.
        query: `(1, dim)`, float32.
        k: Neighbours that are wanted, 1 to m.
        namer: Returns the rows' ids, which order equal distances.
    """
    apart = np.sqrt(squares_to(query[0], cells.centroids))  # (c,), as near as float32 has it
    first = int(apart.argmin())
    if cells.counts[first] < k:
        first = int(np.where(cells.counts >= k, apart, np.float32(np.inf)).argmin())
        if cells.counts[first] < k:
            return None
    short, far = cells.frame.short_of(query[0])
    own = short.astype(np.float32)
    rows = cells.rows[first][cells.short.nearest(first, own - cells.origins[first], k)]
    limit = _limit(_distances(stored, query[0], rows))
    least = apart.astype(np.float64) * (1 - (query.shape[1] + 8) * UNIT) - TINY**0.5
    near = np.flatnonzero(least - limit <= cells.radius)
    if cells.counts[near].sum() > bounds.SHARE * len(stored):
        return None
    own = own - cells.origins[near]  # (near, m)
    slack = far * cells.frame.error + float(lengths(own).max()) * (2 * UNIT)
    slack += float(cells.rounding[near].max())
    rows = cells.within(near, own, (limit + slack) ** 2 * bounds.UP + TINY)
    if len(rows) > bounds.MOST + k:
        return None
    return _ranked(rows, _distances(stored, query[0], rows), k, namer)


def _distances(stored: Floats, query: Floats, rows: Indices) -> Floats:
    """Exact distances of a query to some rows, `(n,)`; as `exact_distances`, in fewer calls."""
    gaps = stored[rows] - query.astype(np.float64)
    distances: Floats = np.sqrt(np.einsum("nd,nd->n", gaps, gaps)).astype(np.float32)
    return distances


def _limit(distances: Floats) -> float:
    """The distance up to which a row may be as near as the farthest of these."""
    return float(np.sqrt(may_round_to(distances.max())))


def _ranked(rows: Indices, distances: Floats, k: int, namer: Namer) -> tuple[Indices, Floats]:
    """The k nearest of all rows that may be, k or more, equal ones by id."""
    order = distances.argsort(kind="stable")
    far = distances[order]
    inside = int(far.searchsorted(far[k - 1], side="right"))
    order, far = order[:inside], far[:inside]
    if inside > k or (far[1:] == far[:-1]).any():
        near, far = sorted_by_id(rows[order], far, namer)
        return near[:k], far[:k]
    return rows[order], far
