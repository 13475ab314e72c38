"""Spans of an ordered array, given by where each begins and ends."""

from __future__ import annotations

import numpy as np

from likewise.arrays import Indices


def spread(begins: Indices, ends: Indices) -> tuple[Indices, Indices]:
    """All places in spans: which span each is of, and the place.

    Args:
        begins: Where each span begins, `(n,)`.
        ends: Where it ends, `(n,)`.

    Example:
        >>> spread(np.array([3, 9]), np.array([5, 10]))
        (array([0, 0, 1]), array([3, 4, 9]))
    """
    sizes = ends - begins
    spans = np.repeat(np.arange(len(sizes)), sizes)
    first = np.cumsum(sizes) - sizes
    return spans, np.arange(len(spans)) + (begins - first)[spans]
