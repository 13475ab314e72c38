"""Fit a picture to a size without padding: stretched, or cropped to its middle."""

from __future__ import annotations

import numpy as np


def stretch(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scale a picture to `size`, its aspect lost.

    Args:
        image: uint8 `(h, w)` or `(h, w, 3)`.
        size: Height and width of the result.

    Example:
        >>> stretch(np.full((1, 2), 7, np.uint8), (2, 1)).tolist()
        [[7], [7]]
    """
    return _scaled(image, size, (0, 0, image.shape[1], image.shape[0]))


def crop(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cut the largest part of the wanted aspect out of the middle, and scale it to `size`.

    Args:
        image: uint8 `(h, w)` or `(h, w, 3)`.
        size: Height and width of the result.

    Example:
        >>> crop(np.array([[0, 9, 9, 0]], np.uint8), (1, 2)).tolist()
        [[9, 9]]
    """
    height, width = image.shape[:2]
    scale = min(height / size[0], width / size[1])
    # never below 0, as 29 - 224 * (29 / 224) is in floating point
    down, across = (
        max(0.0, side - wanted * scale) / 2
        for side, wanted in ((height, size[0]), (width, size[1]))
    )
    return _scaled(image, size, (across, down, width - across, height - down))


def _scaled(
    image: np.ndarray, size: tuple[int, int], box: tuple[float, float, float, float]
) -> np.ndarray:
    if image.shape[:2] == size:
        return image
    from PIL import Image

    smooth = Image.Resampling.BILINEAR  # as Keras scales the pictures of most trainings
    return np.asarray(Image.fromarray(image).resize(size[::-1], smooth, box=box))
