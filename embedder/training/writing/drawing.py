"""Draw strokes as a hand does: each time a little otherwise, with another pen."""

from __future__ import annotations

import functools

import cv2
import numpy as np

from likewise.arrays import Pixels, Reals

SIDE = 72  # pixels of a drawing: so that a digit in it is larger than MNIST's 20
_INK = 46  # pixels of the longer side of what is drawn
_FINE = 4  # bits of a pixel: where a line lies is told in sixteenths
_SPOTS = 12  # points of a bend between two points of a shape


def draw(shape: str, rng: np.random.Generator) -> Pixels:
    """Draw one shape, white on black.

    The shape is slanted, narrowed and turned as a whole, its points are moved each by itself, and
    the pen is from thin to thick.

    Args:
        shape: Strokes, as `embedder.training.writing.shapes` describes them.
        rng: Decides every draw.

    Returns:
        uint8 `(SIDE, SIDE)`.

    Example:
        >>> one = draw("30,0 30,100", np.random.default_rng(0))
        >>> one.shape, int(one.max())
        ((72, 72), 255)
    """
    drawing = np.zeros((SIDE, SIDE), np.uint8)
    thick = min(9, max(2, round(float(np.exp(rng.normal(np.log(5), 0.32))))))
    for spots in _placed(_moved(strokes(shape), rng), thick, rng):
        points = np.rint(spots * 2**_FINE).astype(np.int32)
        cv2.polylines(drawing, [points], False, 255, thick, cv2.LINE_AA, _FINE)
    return drawing


@functools.lru_cache(maxsize=1024)
def strokes(shape: str) -> tuple[tuple[bool, Reals], ...]:
    """Read a shape: of each stroke whether it bends, and its points `(n, 2)` as x and y.

    Example:
        >>> [(bends, points.tolist()) for bends, points in strokes("~ 0,1 2,3 / 4,5 6,7")]
        [(True, [[0.0, 1.0], [2.0, 3.0]]), (False, [[4.0, 5.0], [6.0, 7.0]])]
    """
    read = []
    for stroke in shape.split(" / "):
        points = [spot.split(",") for spot in stroke.removeprefix("~ ").split(" ")]
        read.append((stroke.startswith("~"), np.array(points, np.float64)))
    return tuple(read)


def _moved(drawn: tuple[tuple[bool, Reals], ...], rng: np.random.Generator) -> list[Reals]:
    """Move the points, then bend the strokes and slant, narrow and turn the whole."""
    angle = rng.normal(0, 0.1)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    slant = np.array([[1, -rng.normal(0.12, 0.22)], [0, 1]])
    narrow = np.diag([np.exp(rng.normal(-0.05, 0.22)), 1])
    loose = rng.uniform(1, 5.5)
    whole = turn @ slant @ narrow
    moved: list[Reals] = []
    earlier: dict[tuple[float, ...], Reals] = {}
    for bends, points in drawn:
        spots = points + rng.normal(0, loose, points.shape)
        for row, point in enumerate(tuple(point) for point in points.tolist()):
            # Strokes that meet go on meeting; now and then the pen misses.
            if point in earlier and rng.random() < 0.9:
                spots[row] = earlier[point]
            earlier[point] = spots[row]
        moved.append((_bent(spots) if bends else spots) @ whole.T)
    return moved


def _bent(points: Reals) -> Reals:
    """Bend smoothly through points (a Catmull-Rom spline)."""
    ends = np.concatenate([points[:1], points, points[-1:]])
    before, first, second, after = ends[:-3], ends[1:-2], ends[2:-1], ends[3:]
    t = np.linspace(0, 1, _SPOTS)[:, None, None]
    bend = 0.5 * (
        2 * first
        + (second - before) * t
        + (2 * before - 5 * first + 4 * second - after) * t**2
        + (3 * first - before - 3 * second + after) * t**3
    )
    return np.asarray(bend.transpose(1, 0, 2).reshape(-1, 2))


def _placed(moved: list[Reals], thick: int, rng: np.random.Generator) -> list[Reals]:
    """Bring the strokes to the drawing's middle, and to its scale."""
    every = np.concatenate(moved)
    low, high = every.min(axis=0), every.max(axis=0)
    scale = (_INK - thick * 0.5) / max(float((high - low).max()), 1.0)
    middle = (low + high) / 2
    shift = SIDE / 2 + rng.uniform(-3, 3, 2)
    return [(spots - middle) * scale + shift for spots in moved]
