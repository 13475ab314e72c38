"""Separate ink from paper: by colour, polarity and the paper's brightness."""

from __future__ import annotations

import functools

import numpy as np

from embedder.preprocessing import filters
from likewise.arrays import Floats

_LEAST = 10.0  # grey levels of contrast below which a picture counts as blank
_WIDEST = 0.5  # share of a picture's longer side that every stroke is narrower than
_WIDEST_INSIDE = 0.35  # the same if there is paper around the digit
_EVEN = 0.2  # a border whose spread is less than this share of the picture's is even
_COARSE = 32  # side at which the shading of the paper is fitted
_EXPLAINED = 0.92  # share of the paper's variance that a fit of its shading must explain


def contrast(pixels: Floats, whole: bool = True) -> Floats:
    """Contrast of each pixel with the paper around it, in the direction of the ink.

    Args:
        pixels: float32 `(h, w)` or `(h, w, 3)`, 0..255.
        whole: Whether this is a whole picture, whose ink may touch the edges, rather than a
            part of one with paper left around the ink.

    Returns:
        float32 `(h, w)`, about 0 on paper, positive on ink, in grey levels.
    """
    plane = filters.smooth(_main_axis(pixels))
    plane = -plane if _is_light_ink(plane) else plane
    side = int(max(plane.shape) * (_WIDEST if whole else _WIDEST_INSIDE)) | 1
    paper = filters.closed(plane, side)
    shading = _shading(paper)
    level = plane if shading is None else plane - shading
    if not whole:
        paper = filters.closed(level, side, beyond=side)
    elif shading is not None:
        paper = filters.closed(level, side)
    return np.asarray(paper - level)


def mask(ink: Floats) -> Floats:
    """Scale contrast to 0..1: 0 for paper, 1 for ink, a soft edge between.

    Args:
        ink: float32 `(h, w)`, from `contrast`.

    Returns:
        float32 `(h, w)`, all 0 when nothing stands out.
    """
    strongest = -max(5, ink.size // 2000)  # the value that so many pixels reach
    quarter = ink.size // 4
    ordered = np.partition(ink, (quarter, strongest), axis=None)
    paper, top = float(ordered[quarter]), float(ordered[strongest])
    noise = _noise(ink)
    if top - paper < max(_LEAST, 4 * noise):
        return np.zeros_like(ink)
    dark = _median(ink[ink > paper + 0.5 * (top - paper)])
    low = paper + max(0.15 * (dark - paper), 2 * noise)
    high = max(paper + 0.85 * (dark - paper), low + 1)
    scaled = (ink - low) * np.float32(1 / (high - low))
    np.maximum(scaled, 0, out=scaled)
    np.minimum(scaled, 1, out=scaled)
    return np.asarray(scaled)


def _median(values: Floats) -> float:
    """The upper median."""
    middle = values.size // 2
    return float(np.partition(values, middle, axis=None)[middle])


def _noise(ink: Floats) -> float:
    """Estimate the noise from second differences, so that strokes do not count."""
    rows = ink[::2]
    bend = rows[:, :-4:2] - 2 * rows[:, 2:-2:2] + rows[:, 4::2]
    return 1.4826 * _median(np.abs(bend)) / 6**0.5 if bend.size else 0.0


def _main_axis(pixels: Floats) -> Floats:
    """Project colours on the axis along which neighbours differ most."""
    if pixels.ndim == 2:
        return pixels
    local = _local(pixels).reshape(-1, pixels.shape[2])
    axis = np.linalg.eigh(local.T @ local)[1][:, -1]
    return np.asarray(pixels @ (axis * np.sign(axis.sum() or 1)), np.float32)


def _local(plane: Floats) -> Floats:
    """Difference from the mean of the surroundings, half a picture wide."""
    return np.asarray(plane - filters.mean(plane, max(plane.shape[:2]) // 2 | 1))


def _is_light_ink(plane: Floats) -> bool:
    """Detect polarity: ink is rarer than paper and stands out more; the border is paper.

    An even border may also be a frame around the page, so there one looks further inside.
    """
    local = _local(plane)
    spread = filters.spread(local) + 1e-6
    skew = float(np.vdot(local * local, local)) / local.size / spread**3
    if filters.spread(_ring(plane, 0)) > _EVEN * filters.spread(plane):
        return skew > 2 * _median(_ring(local, 0)) / spread
    middle = (float(plane.max()) + float(plane.min())) / 2
    page = int(np.count_nonzero(plane > middle)) / plane.size - 0.5
    return skew - _median(_ring(local, max(2, min(plane.shape) // 12))) / spread > 4 * page


def _ring(plane: Floats, depth: int) -> Floats:
    """Pixels at distance `depth` from the edges."""
    depth = min(depth, (min(plane.shape) - 1) // 2)
    last = -1 - depth
    return np.concatenate([plane[depth], plane[last], plane[:, depth], plane[:, last]])


def _shading(paper: Floats) -> Floats | None:
    """Fit the paper's shading as a quadratic surface; None if there is none.

    A shadow with an edge is not a quadratic surface, and is left to the closing alone.
    """
    step = max(1, max(paper.shape) // _COARSE)
    coarse = paper[::step, ::step]
    values = coarse.ravel()
    deviation = filters.spread(values)
    if deviation == 0:
        return None
    fitted = _inverse(*coarse.shape) @ values
    rest = values - _terms(*coarse.shape) @ fitted
    if filters.spread(rest) ** 2 > (1 - _EXPLAINED) * deviation**2:
        return None
    return np.asarray((_terms(*paper.shape) @ fitted).reshape(paper.shape))


@functools.lru_cache(maxsize=64)
def _terms(height: int, width: int) -> Floats:
    """The six terms of a quadratic surface over -1..1, `(height * width, 6)`."""
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    return terms.reshape(-1, 6).astype(np.float32)


@functools.lru_cache(maxsize=64)
def _inverse(height: int, width: int) -> Floats:
    """What gives the coefficients of the terms that fit best, `(6, height * width)`."""
    return np.linalg.pinv(_terms(height, width).astype(np.float64)).astype(np.float32)
