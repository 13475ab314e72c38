"""The distance of two vectors, without a gallery."""

from __future__ import annotations

import numpy as np

from likewise.arrays import Floats


def between(a: Floats, b: Floats) -> float:
    """Measure the Euclidean distance of two vectors, the same number that a search gives.

    Args:
        a: A vector, `(dim,)`, float32.
        b: Another.

    Returns:
        A float32 value, 0.0 for identical vectors.

    Example:
        >>> between(np.array([0, 3], np.float32), np.array([4, 0], np.float32))
        5.0
    """
    return float(np.float32(np.linalg.norm(a.astype(np.float64) - b.astype(np.float64))))
