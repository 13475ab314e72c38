"""Filters over a float32 picture, by OpenCV: blur, mean, closing, growing, scaling.

Where nothing else is said, edges are repeated outwards.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
import numpy.typing as npt

from likewise.arrays import Floats, Pixels

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
_SQUARE = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))


class _OneThread:
    """Keeps OpenCV on one thread while anybody is inside, and gives it its own back after that."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """For small pictures OpenCV's threads wait as long as they compute."""
        with self._lock:
            if self._inside == 0:
                self._before = cv2.getNumThreads()
                cv2.setNumThreads(1)
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    cv2.setNumThreads(self._before)


one_thread = _OneThread()


def smooth(plane: Floats) -> Floats:
    """Blur a little, by 1-2-1 along both axes.

    Example:
        >>> smooth(np.array([[0, 4, 0]], np.float32)).tolist()
        [[1.0, 2.0, 1.0]]
    """
    return np.asarray(cv2.GaussianBlur(plane, (3, 3), 0, borderType=cv2.BORDER_REPLICATE))


def mean(plane: Floats, window: int) -> Floats:
    """Average over a square.

    Args:
        plane: Numbers, `(h, w)` or `(h, w, c)`.
        window: Side of the square, odd, >= 1.

    Example:
        >>> mean(np.array([[0, 3, 0, 0]], np.float32), 3).tolist()
        [[1.0, 1.0, 1.0, 0.0]]
    """
    return np.asarray(cv2.blur(plane, (window, window), borderType=cv2.BORDER_REPLICATE))


def closed(plane: Floats, window: int, beyond: int = 0) -> Floats:
    """Fill what is darker than its surroundings and narrower than a square.

    With `beyond`, the edges are continued by this many pixels, so that what is dark along an
    edge is not filled.

    Args:
        plane: Grey values, `(h, w)`.
        window: Side of the square, odd, >= 1.
        beyond: Pixels by which the edges are continued, >= 0.

    Example:
        >>> closed(np.array([[9, 9, 2, 9, 9, 1, 1, 1, 1]], np.float32), 3).astype(int).tolist()
        [[9, 9, 9, 9, 9, 1, 1, 1, 1]]
    """
    if beyond:
        by = (beyond,) * 4
        wide: Floats = np.asarray(
            cv2.copyMakeBorder(plane, *by, borderType=cv2.BORDER_REPLICATE), np.float32
        )
        return closed(wide, window)[beyond:-beyond, beyond:-beyond]
    square = np.ones((window, window), np.uint8)
    return np.asarray(cv2.morphologyEx(plane, cv2.MORPH_CLOSE, square))


def widened(plane: Floats, steps: int) -> Floats:
    """Let the light parts grow by `steps` pixels, nearly round: a cross, then a square, in turn.

    Args:
        plane: Grey values, `(h, w)`.
        steps: Pixels by which light parts grow, >= 0.

    Example:
        >>> widened(np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], np.float32), 1).astype(int).tolist()
        [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    """
    for step in range(steps):
        plane = np.asarray(cv2.dilate(plane, _SQUARE if step % 2 else _CROSS))
    return plane


def scaled(plane: Floats | Pixels, shape: tuple[int, int]) -> Floats:
    """Scale by area where it becomes smaller, else bicubically, which may overshoot.

    Args:
        plane: Numbers, `(h, w)` or `(h, w, c)`, float32 or uint8.
        shape: Height and width of the result.

    Returns:
        float32; of uint8, whole numbers.
    """
    if plane.shape[:2] == shape:
        return np.asarray(plane, np.float32)
    smooth = cv2.INTER_CUBIC if shape[0] > plane.shape[0] else cv2.INTER_AREA
    return np.asarray(cv2.resize(plane, shape[::-1], interpolation=smooth), np.float32)


def padded(plane: Floats, width: int) -> Floats:
    """Put 0 around a picture.

    Args:
        plane: Numbers, `(h, w)`.
        width: Pixels on each side.
    """
    by = (width,) * 4
    return np.asarray(cv2.copyMakeBorder(plane, *by, borderType=cv2.BORDER_CONSTANT), np.float32)


def spread(values: Floats) -> float:
    """The standard deviation; several times as fast as NumPy's where there are few."""
    return float(cv2.meanStdDev(values)[1][0, 0])


def bounds(on: npt.NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """Rows and columns that hold every True of a picture `(h, w)`; None if there is none.

    Example:
        >>> bounds(np.array([[False, False, True], [False, False, True]]))
        (slice(0, 2, None), slice(2, 3, None))
    """
    left, top, width, height = cv2.boundingRect(on.view(np.uint8))
    return (slice(top, top + height), slice(left, left + width)) if width else None
