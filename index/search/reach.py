"""How long a vector may be, so that its squared distances fit into float32."""

from __future__ import annotations

import numpy as np

from likewise.arrays import Bools, Floats

LONGEST = 1e18  # longer vectors would overflow float32 when squared


def searchable(rows: Floats) -> Bools:
    """Say which vectors are finite and short enough to be searched for, `(n,)`.

    Args:
        rows: `(n, dim)`, float32.

    Example:
        >>> searchable(np.array([[3, 4], [np.nan, 0]], np.float32)).tolist()
        [True, False]
    """
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))
    return np.asarray(lengths <= LONGEST)
