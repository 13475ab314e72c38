"""Detect prepared pictures that are nearly one grey value, and so contain no information.

A blank sheet is one, and so is a mask of 0 and 1 that was saved as if it were 0 and 255.
"""

from __future__ import annotations

import numpy as np

from likewise.arrays import Pixels

FLAT = 16  # of 255 grey levels: a smaller range is nearly one grey value


def remarks_on_flat(images: Pixels) -> dict[int, str]:
    """Find the pictures that are nearly one grey value, and say so.

    Args:
        images: uint8 `(m, …)`, as the network takes them.

    Returns:
        A remark on each that is, by its row.

    Example:
        >>> remarks_on_flat(np.array([[[0, 255]], [[0, 1]]], np.uint8))
        {1: 'nearly one grey value to the model, 0..1 of 255'}
    """
    if not len(images):
        return {}
    values = images.reshape(len(images), -1)
    darkest, lightest = values.min(axis=1), values.max(axis=1)
    return {
        row: f"nearly one grey value to the model, {darkest[row]}..{lightest[row]} of 255"
        for row in np.flatnonzero(lightest - darkest <= FLAT).tolist()
    }
