"""Adjust the stroke width of a cropped digit to that of MNIST."""

from __future__ import annotations

import math

import numpy as np

from embedder.preprocessing import filters

FINE = 80  # pixels on the longer side of a digit here: four to one of MNIST's
_USUAL = (7.5, 11.0)  # widths left alone; half of MNIST has 7.8 to 10.3, nine tenths 6.4 to 13.3


def usual_width(fine: np.ndarray) -> np.ndarray:
    """Thicken strokes that are thinner than usual, thin those that are thicker.

    Args:
        fine: float `(h, w)`, 0 paper to 1 ink, cut close, `FINE` on its longer side.

    Returns:
        float32 of about that size, cut close again.

    Example:
        >>> thin = np.ones((80, 2))
        >>> usual_width(thin).shape  # a line of 2 becomes one of about 7, soft edges included
        (86, 8)
    """
    width = _width(fine)
    wanted = min(max(width, _USUAL[0]), _USUAL[1])
    change = (wanted - width) / 2  # on each side
    if abs(change) < 0.25:
        return fine
    room = math.ceil(max(change, 0)) + 1
    padded = np.pad(fine, room)
    grown = _grown(padded, change) if change > 0 else 1 - _grown(1 - padded, -change)
    return _cut(grown) if (grown > 0.5).any() else fine


def _width(fine: np.ndarray) -> float:
    """Estimate the mean stroke width: twice the area over the length of the outline."""
    down, across = np.gradient(np.pad(fine, 1))
    return float(2 * fine.sum() / max(np.hypot(down, across).sum(), 1e-9))


def _grown(fine: np.ndarray, by: float) -> np.ndarray:
    """Widen ink by `by` pixels on every side, by whole pixels and a part of one."""
    whole = int(by)
    disc = filters.widened(fine, whole)
    return np.asarray(disc + (by - whole) * (filters.widened(disc, 1) - disc))


def _cut(values: np.ndarray) -> np.ndarray:
    rows = np.flatnonzero((values > 0.3).any(axis=1))
    columns = np.flatnonzero((values > 0.3).any(axis=0))
    return values[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)
