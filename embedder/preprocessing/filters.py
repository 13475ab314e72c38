"""Filters over a float picture `(h, w)`: blur, mean, closing. Edges are repeated outwards."""

from __future__ import annotations

import numpy as np


def smooth(plane: np.ndarray) -> np.ndarray:
    """Blur a little, by 1-2-1 along both axes.

    Example:
        >>> smooth(np.array([[0.0, 4.0, 0.0]])).tolist()
        [[1.0, 2.0, 1.0]]
    """
    for axis in (0, 1):
        line = _padded(plane, axis, 1, 1)
        plane = ((line[:-2] + 2 * line[1:-1] + line[2:]) / 4).swapaxes(0, axis)
    return plane


def mean(plane: np.ndarray, window: int) -> np.ndarray:
    """Average over a square of the odd side `window`.

    Args:
        plane: Numbers, `(h, w)`.
        window: Side of the square, odd, >= 1.

    Returns:
        `(h, w)`, float.

    Example:
        >>> mean(np.array([[0.0, 3.0, 0.0, 0.0]]), 3).tolist()
        [[1.0, 1.0, 1.0, 0.0]]
    """
    half = window // 2
    for axis in (0, 1):
        sums = _padded(plane, axis, half + 1, half).cumsum(axis=0, dtype=np.float64)
        plane = ((sums[window:] - sums[:-window]) / window).swapaxes(0, axis)
    return plane


def closed(plane: np.ndarray, window: int, beyond: int = 0) -> np.ndarray:
    """Fill what is darker than its surroundings and narrower than the odd side `window`.

    With `beyond`, the edges are continued by this many pixels, so that what is dark along an
    edge is not filled.

    Args:
        plane: Grey values, `(h, w)`.
        window: Side of the square, odd, >= 1.
        beyond: Pixels by which the edges are continued, >= 0.

    Returns:
        `(h, w)`, of the same dtype.

    Example:
        >>> closed(np.array([[9, 9, 2, 9, 9, 1, 1, 1, 1]]), 3).tolist()
        [[9, 9, 9, 9, 9, 1, 1, 1, 1]]
    """
    if beyond:
        wide = closed(np.pad(plane, beyond, mode="edge"), window)
        return wide[beyond:-beyond, beyond:-beyond]
    return _extreme(_extreme(plane, window, np.maximum), window, np.minimum)


def _extreme(plane: np.ndarray, window: int, pick: np.ufunc) -> np.ndarray:
    """Take the largest or smallest value in a square, doubling the reach at every step."""
    for axis in (0, 1):
        line = _padded(plane, axis, window // 2, window // 2)
        reach = 1
        while reach < window:
            step = min(reach, window - reach)
            line = pick(line[:-step], line[step:])
            reach += step
        plane = line.swapaxes(0, axis)
    return plane


def _padded(plane: np.ndarray, axis: int, before: int, after: int) -> np.ndarray:
    """Repeat the edges along one axis and bring that axis to the front."""
    line = plane.swapaxes(0, axis)
    return np.concatenate([line[:1]] * before + [line] + [line[-1:]] * after)


def widened(plane: np.ndarray, steps: int) -> np.ndarray:
    """Let the light parts grow by `steps` pixels, nearly round: a cross, then a square, in turn.

    Args:
        plane: Grey values, `(h, w)`.
        steps: Pixels by which light parts grow, >= 0.

    Returns:
        `(h, w)`, of the same dtype.

    Example:
        >>> widened(np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]]), 1).tolist()
        [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    """
    for step in range(steps):
        down, across = _three(plane, 0), _three(plane, 1)
        plane = np.maximum(down, across) if step % 2 == 0 else _three(down, 1)
    return plane


def _three(plane: np.ndarray, axis: int) -> np.ndarray:
    line = _padded(plane, axis, 1, 1)
    return np.asarray(np.maximum(np.maximum(line[:-2], line[1:-1]), line[2:])).swapaxes(0, axis)
