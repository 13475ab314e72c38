"""Adjust the stroke width of a cropped digit to that of MNIST."""

from __future__ import annotations

import math

import numpy as np

from embedder.preprocessing import filters
from likewise.arrays import Floats

FINE = 80  # pixels on the longer side of a digit here: four to one of MNIST's
_USUAL = (7.5, 11.0)  # widths left alone; half of MNIST has 7.8 to 10.3, nine tenths 6.4 to 13.3


def usual_width(fine: Floats) -> Floats:
    """Thicken strokes that are thinner than usual, thin those that are thicker.

    Args:
        fine: float32 `(h, w)`, 0 paper to 1 ink, cut close, `FINE` on its longer side.

    Returns:
        float32 of about that size, cut close again.

    Example:
        >>> thin = np.ones((80, 2), np.float32)
        >>> usual_width(thin).shape  # a line of 2 becomes one of about 7, soft edges included
        (86, 8)
    """
    width = _width(fine)
    wanted = min(max(width, _USUAL[0]), _USUAL[1])
    change = (wanted - width) / 2  # on each side
    if abs(change) < 0.25:
        return fine
    room = math.ceil(max(change, 0)) + 1
    padded = filters.padded(fine, room)
    grown = _grown(padded, change) if change > 0 else 1 - _grown(1 - padded, -change)
    return _cut(grown) if (grown > 0.5).any() else fine


def _width(fine: Floats) -> float:
    """Estimate the mean stroke width: twice the area over the length of the outline."""
    padded = filters.padded(fine, 2)
    down = padded[2:, 1:-1] - padded[:-2, 1:-1]
    across = padded[1:-1, 2:] - padded[1:-1, :-2]
    outline = float(np.sqrt(down * down + across * across).sum()) / 2
    return 2 * float(fine.sum()) / max(outline, 1e-9)


def _grown(fine: Floats, by: float) -> Floats:
    """Widen ink by `by` pixels on every side, by whole pixels and a part of one."""
    whole = int(by)
    disc = filters.widened(fine, whole)
    return np.asarray(disc + np.float32(by - whole) * (filters.widened(disc, 1) - disc))


def _cut(values: Floats) -> Floats:
    ink = filters.bounds(values > 0.3)
    return values if ink is None else values[ink]
