"""Equal vectors: which rows are the same vector."""

from __future__ import annotations

import numpy as np

from likewise.arrays import Floats, Indices

_AT_ONCE = 1 << 14  # rows whose products are in memory
_SEED = 0x5EED


def equal_rows(vectors: Floats) -> tuple[Indices, Indices]:
    """Find the rows that are one and the same vector; -0.0 is 0.0.

    Args:
        vectors: `(n, dim)`, float32.

    Returns:
        The first row of each of the u different vectors, `(u,)`, and the number of each row's
        vector among them, `(n,)`.

    Example:
        >>> first, same = equal_rows(np.array([[1, 2], [3, 4], [1, 2]], np.float32))
        >>> first.tolist(), same.tolist()
        ([0, 1], [0, 1, 0])
    """
    sums = _sums(vectors)
    order = np.argsort(sums, kind="stable")
    begins = np.concatenate([[True], sums[order][1:] != sums[order][:-1]])[: len(order)]
    first = order[begins]  # argsort is stable: the lowest row of each sum
    same = np.empty(len(order), np.int64)
    same[order] = np.cumsum(begins) - 1
    # Different vectors of one sum, which chance alone hardly makes, count as different.
    odd = np.flatnonzero((vectors != vectors[first[same]]).any(axis=1))
    same[odd] = len(first) + np.arange(len(odd))
    first = np.concatenate([first, odd])
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.sort(first), rank[same]


def _sums(vectors: Floats) -> Indices:
    """A number for each row that follows from its bits."""
    factors = np.random.default_rng(_SEED).integers(1, 2**63, vectors.shape[1]).astype(np.uint64)
    sums = np.empty(len(vectors), np.uint64)
    for start in range(0, len(vectors), _AT_ONCE):
        rows = np.ascontiguousarray(vectors[start : start + _AT_ONCE] + np.float32(0))
        bits = rows.view(np.uint32).astype(np.uint64)
        sums[start : start + _AT_ONCE] = (bits * (factors | np.uint64(1))).sum(axis=1)
    return sums.view(np.int64)
