"""Neighbours at equal distances, ordered by id, so that an answer never depends on their places."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from likewise.arrays import Bools, Floats, Indices, Strings

Namer = Callable[[Indices], Strings]  # rows of any shape to ids; called where distances are equal


def order_ties(rows: Indices, distances: Floats, k: int, namer: Namer, proven: Bools) -> None:
    """Order equal distances by id, in place, where one of the first k has an equal.

    Args:
        rows: Candidates of n queries, nearest first, `(n, m)`.
        distances: Their distances, `(n, m)`, float32.
        k: Neighbours that are wanted, 1 to m.
        namer: Returns the rows' ids.
        proven: Which queries to order, `(n,)`.
    """
    equal = distances[:, 1 : k + 1] == distances[:, : distances.shape[1] - 1][:, :k]
    for query in np.flatnonzero(equal.any(axis=1) & proven).tolist():
        rows[query], distances[query] = sorted_by_id(rows[query], distances[query], namer)


def sorted_by_id(rows: Indices, distances: Floats, namer: Namer) -> tuple[Indices, Floats]:
    """Sort by distance, then id; Python orders strings as their UTF-8 bytes are ordered.

    Args:
        rows: Neighbours of one query, `(m,)`.
        distances: Their distances, `(m,)`, float32.
        namer: Returns the rows' ids.
    """
    ids = namer(rows).tolist()
    keyed = zip(distances.tolist(), ids, range(len(ids)), strict=True)
    order = np.array([place for _, _, place in sorted(keyed)], np.intp)
    return rows[order], distances[order]
