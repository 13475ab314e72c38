"""Exact search by cells of one query at a time: as `pruned`, with as few calls as can be."""

from __future__ import annotations

import numpy as np

from index.search import bounds
from index.search.cells import Cells, lengths
from index.search.faiss_calls import TINY, UNIT, exact_distances, may_round_to
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
    gaps = cells.centroids - query
    apart = np.sqrt(np.einsum("cd,cd->c", gaps, gaps))  # (c,), as near as float32 has it
    first = int(apart.argmin())
    if cells.counts[first] < k:
        first = int(np.where(cells.counts >= k, apart, np.float32(np.inf)).argmin())
        if cells.counts[first] < k:
            return None
    short, far = cells.frame.short_of(query[0])
    own = short.astype(np.float32)
    rows = _nearest_in(cells, first, own - cells.origins[first], k)
    limit = _limit(exact_distances(stored, query, rows[None])[0])
    least = apart.astype(np.float64) * (1 - (query.shape[1] + 8) * UNIT) - TINY**0.5
    near = np.flatnonzero(least - limit <= cells.radius)
    if cells.counts[near].sum() > bounds.SHARE * len(stored):
        return None
    own = own - cells.origins[near]  # (near, m)
    slack = far * cells.frame.error + float(lengths(own).max()) * (2 * UNIT)
    slack += float(cells.rounding[near].max())
    found, places = cells.short.within(near, own, (limit + slack) ** 2 * bounds.UP + TINY)
    if len(places) > bounds.MOST + k:
        return None
    rows = np.array([cells.rows[c][place] for c, place in zip(found, places, strict=True)])
    return _ranked(rows, exact_distances(stored, query, rows[None])[0], k, namer)


def _nearest_in(cells: Cells, cell: int, own: Floats, k: int) -> Indices:
    """The k rows of a cell that are nearest in short."""
    gaps = cells.short[cell] - own
    squares = np.einsum("nm,nm->n", gaps, gaps)
    return cells.rows[cell][squares.argpartition(k - 1)[:k] if k < len(squares) else slice(None)]


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
