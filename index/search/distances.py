"""Rounding of squared distances: float32's largest errors, and what rounds to a distance."""

from __future__ import annotations

import numpy as np

from likewise.arrays import Doubles, Floats

LONGEST = 1e18  # longer vectors would overflow float32 when squared
UNIT = 2.0**-24  # largest relative error of one float32 rounding
TINY = 1e-36  # more than what float32 loses by underflow in a sum of squares
_HALF_ULP = 1 + 2.0**-22  # a squared distance below this much more may round to the same float32


def may_round_to(distances: Floats) -> Doubles:
    """The largest squared distance whose root may round to `distances` in float32."""
    exact: Doubles = distances.astype(np.float64) ** 2 * _HALF_ULP
    return exact


def longest(vectors: Floats) -> float:
    """Length of the longest vector, rounded up; 0.0 for none."""
    squared = np.einsum("nd,nd->n", vectors, vectors)
    return float(np.sqrt(squared.max(initial=0.0), dtype=np.float64)) * (1 + 1e-4)
