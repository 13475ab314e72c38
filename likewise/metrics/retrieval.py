"""Retrieval: how many of the nearest references are of the query's group."""

from __future__ import annotations

import numpy as np

from likewise.arrays import Bools, Doubles, Ints


def precision_at_1(relevant: Bools) -> Doubles:
    """Whether the nearest reference is of the query's group, 0 or 1 for each query.

    Args:
        relevant: Whether each reference is of the query's group, nearest first, `(n, m)`.
    """
    return relevant[:, 0].astype(np.float64)


def recall_at_k(relevant: Bools, k: int) -> Doubles:
    """Whether any of the k nearest is of the query's group (Jégou, Douze, Schmid, PAMI 33 (2011)).

    Args:
        relevant: Whether each neighbour is of the query's group, `(n, m)`, nearest first.
        k: Number of neighbours that count, 1 to m.

    Returns:
        0 or 1 for each query, `(n,)`, float64.

    Example:
        >>> recall_at_k(np.array([[False, True], [False, False]]), 2).tolist()
        [1.0, 0.0]
    """
    return np.asarray(relevant[:, :k].any(axis=1), np.float64)


def r_precision(relevant: Bools, sizes: Ints) -> Doubles:
    """Share of the group among the R nearest, for each query; R is the group's size.

    Musgrave, Belongie, Lim, "A Metric Learning Reality Check", ECCV 2020.

    Args:
        relevant: `(n, m)`, nearest first, m at least the largest size.
        sizes: References of each query's group, R, `(n,)`, >= 1.

    Example:
        >>> r_precision(np.array([[True, False, True]]), np.array([2])).tolist()
        [0.5]
    """
    counted = relevant & _first(relevant, sizes)
    return np.asarray(counted.sum(axis=1) / sizes, np.float64)


def map_at_r(relevant: Bools, sizes: Ints) -> Doubles:
    """Mean over the R nearest of the precision at each that is of the group, 0 at the others.

    MAP@R = 1/R · Σ P(i) for those i <= R that are relevant (Musgrave, Belongie, Lim, ECCV 2020).

    Args:
        relevant: Whether each neighbour is of the query's group, `(n, m)`, nearest first.
        sizes: References of each query's group, R, `(n,)`, 1 to m.

    Returns:
        A value in [0, 1] for each query, `(n,)`, float64.

    Example:
        >>> map_at_r(np.array([[True, False, True]]), np.array([3])).tolist()  # (1 + 2/3) / 3
        [0.5555555555555555]
    """
    counted = relevant & _first(relevant, sizes)
    so_far = np.cumsum(counted, axis=1) / np.arange(1, relevant.shape[1] + 1)
    return np.asarray((so_far * counted).sum(axis=1) / sizes, np.float64)


def _first(relevant: Bools, sizes: Ints) -> Bools:
    inside: Bools = np.arange(relevant.shape[1]) < sizes[:, None]
    return inside
