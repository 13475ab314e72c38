"""Altered views of a picture: parts of it, mirrored ones if wanted, lighter and darker ones."""

from __future__ import annotations

import numpy as np

from likewise.arrays import Pixels

_SMALLEST = 0.75  # smallest share of the picture's sides
_LIGHT = 0.2  # largest relative change of brightness


def shrunk(picture: Pixels, side: int) -> Pixels:
    """Scale a large picture down by a whole number, by the means of its pixels.

    Args:
        picture: uint8 `(h, w)` or `(h, w, 3)`.
        side: Length that its longer side keeps at least.

    Example:
        >>> shrunk(np.zeros((90, 60), np.uint8), 40).shape
        (45, 30)
    """
    factor = max(picture.shape[:2]) // side
    if factor < 2:
        return picture
    from PIL import Image

    return np.asarray(Image.fromarray(picture).reduce(factor))


def views_of(picture: Pixels, count: int, flip: bool, rng: np.random.Generator) -> list[Pixels]:
    """Draw views of a picture.

    Args:
        picture: uint8 `(h, w)` or `(h, w, 3)`.
        count: Number of views, >= 0.
        flip: Whether half of them are mirrored.
        rng: Draws them.

    Returns:
        The picture itself, then its views, each of three quarters of its sides or more.

    Example:
        >>> grey = np.full((40, 40), 100, np.uint8)
        >>> [view.shape[0] >= 30 for view in views_of(grey, 2, False, np.random.default_rng(0))]
        [True, True, True]
    """
    return [picture, *(_view(picture, flip, rng) for _ in range(count))]


def _view(picture: Pixels, flip: bool, rng: np.random.Generator) -> Pixels:
    share = rng.uniform(_SMALLEST, 1)
    height, width = (max(1, round(share * side)) for side in picture.shape[:2])
    top = rng.integers(picture.shape[0] - height + 1)
    left = rng.integers(picture.shape[1] - width + 1)
    part = picture[top : top + height, left : left + width]
    if flip and rng.random() < 0.5:
        part = part[:, ::-1]
    lit = part * np.float32(1 + rng.uniform(-_LIGHT, _LIGHT))
    clipped: Pixels = np.clip(lit, 0, 255).astype(np.uint8)
    return clipped
