"""Turned pictures as groups of their own: more groups to tell apart than the pictures have.

A letter turned by a quarter is another letter. A network that was shown a hundred letters learns
from three hundred more of them what tells letters apart that it has never seen. Some are the same
again (a turned O); they cost little.

Source: Vinyals, Blundell, Lillicrap, Kavukcuoglu, Wierstra, "Matching Networks for One Shot
Learning", NeurIPS 2016, section 4.1.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from likewise.arrays import Pixels


def turns_of(height: int, width: int) -> tuple[int, ...]:
    """By how many quarters pictures are turned; 0 for those that came.

    Args:
        height: Height of the pictures.
        width: Their width.

    Example:
        >>> turns_of(28, 28), turns_of(28, 20)
        ((0, 1, 2, 3), (0, 2))
    """
    return (0, 1, 2, 3) if height == width else (0, 2)


def with_turned(pictures: Pixels, labels: Sequence[str]) -> tuple[Pixels, list[str]]:
    """Add each picture turned by 90, 180 and 270 degrees, under other labels.

    Args:
        pictures: Pictures, `(n, h, w)` or `(n, h, w, 3)`; turned by 180 degrees alone where they
            are not square. Left unchanged.
        labels: n groups.

    Returns:
        The pictures, first those that came, and their labels.

    Example:
        >>> turned, labels = with_turned(np.arange(4, dtype=np.uint8).reshape(1, 2, 2), ["a"])
        >>> turned[1].tolist(), labels
        ([[1, 3], [0, 2]], ['a', 'a, 90°', 'a, 180°', 'a, 270°'])
    """
    quarters = turns_of(*pictures.shape[1:3])
    turned = [np.rot90(pictures, quarter, axes=(1, 2)) for quarter in quarters]
    names = [
        label if quarter == 0 else f"{label}, {90 * quarter}°"
        for quarter in quarters
        for label in labels
    ]
    return np.concatenate(turned), names
