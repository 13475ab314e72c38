"""Separate ink from paper: by colour, polarity and the paper's brightness."""

from __future__ import annotations

import functools

import numpy as np

from embedder.preprocessing import filters

_LEAST = 10.0  # grey levels of contrast below which a picture counts as blank
_WIDEST = 0.5  # share of a picture's longer side that every stroke is narrower than
_WIDEST_INSIDE = 0.35  # the same if there is paper around the digit
_EVEN = 0.2  # a border whose spread is less than this share of the picture's is even
_COARSE = 32  # side at which the shading of the paper is fitted
_EXPLAINED = 0.92  # share of the paper's variance that a fit of its shading must explain


def contrast(pixels: np.ndarray, whole: bool = True) -> np.ndarray:
    """Contrast of each pixel with the paper around it, in the direction of the ink.

    Args:
        pixels: float32 `(h, w, c)`, 0..255.
        whole: Whether this is a whole picture, whose ink may touch the edges, rather than a
            part of one with paper left around the ink.

    Returns:
        float32 `(h, w)`, about 0 on paper, positive on ink, in grey levels.
    """
    plane = filters.smooth(_main_axis(pixels))
    plane = -plane if _is_light_ink(plane) else plane
    side = int(max(plane.shape) * (_WIDEST if whole else _WIDEST_INSIDE)) | 1
    level = plane - _shading(filters.closed(plane, side))
    paper = filters.closed(level, side, 0 if whole else side)
    return np.asarray(paper - level)


def mask(ink: np.ndarray) -> np.ndarray:
    """Scale contrast to 0..1: 0 for paper, 1 for ink, a soft edge between.

    Args:
        ink: float32 `(h, w)`, from `contrast`.

    Returns:
        float32 `(h, w)`, all 0 when nothing stands out.
    """
    paper = float(np.quantile(ink, 0.25))
    top = _strongest(ink)
    noise = _noise(ink)
    if top - paper < max(_LEAST, 4 * noise):
        return np.zeros_like(ink)
    dark = float(np.median(ink[ink > paper + 0.5 * (top - paper)]))
    low = paper + max(0.15 * (dark - paper), 2 * noise)
    high = max(paper + 0.85 * (dark - paper), low + 1)
    return np.clip((ink - low) / (high - low), 0, 1).astype(np.float32)


def _strongest(ink: np.ndarray) -> float:
    """Contrast that the strongest five pixels, and at least 0.05 % of all, reach."""
    count = max(5, ink.size // 2000)
    return float(np.partition(ink, -count, axis=None)[-count])


def _noise(ink: np.ndarray) -> float:
    """Estimate the noise from second differences, so that strokes do not count."""
    bend = ink[:, :-4:2] - 2 * ink[:, 2:-2:2] + ink[:, 4::2]
    return 1.4826 * float(np.median(np.abs(bend))) / 6**0.5 if bend.size else 0.0


def _main_axis(pixels: np.ndarray) -> np.ndarray:
    """Project colours on the axis along which neighbours differ most."""
    if pixels.shape[2] == 1:
        return pixels[..., 0]
    local = np.stack([_deviation(plane) for plane in np.moveaxis(pixels, 2, 0)], axis=-1)
    flat = local.reshape(-1, pixels.shape[2])
    axis = np.linalg.eigh(flat.T @ flat)[1][:, -1]
    return np.asarray(pixels @ (axis * np.sign(axis.sum() or 1)), dtype=np.float32)


def _deviation(plane: np.ndarray) -> np.ndarray:
    return np.asarray(plane - filters.mean(plane, max(plane.shape) // 2 | 1), np.float32)


def _is_light_ink(plane: np.ndarray) -> bool:
    """Detect polarity: ink is rarer than paper and stands out more; the border is paper.

    An even border may also be a frame around the page, so there one looks further inside.
    """
    local = _deviation(plane)
    spread = float(local.std()) + 1e-6
    skew = float((local**3).mean()) / spread**3
    if _ring(plane, 0).std() > _EVEN * plane.std():
        return skew - 2 * float(np.median(_ring(local, 0))) / spread > 0
    page = float((plane > (plane.max() + plane.min()) / 2).mean()) - 0.5
    return skew - float(np.median(_ring(local, max(2, min(plane.shape) // 12)))) / spread > 4 * page


def _ring(plane: np.ndarray, depth: int) -> np.ndarray:
    """Pixels at distance `depth` from the edges."""
    depth = min(depth, (min(plane.shape) - 1) // 2)
    last = -1 - depth
    return np.concatenate([plane[depth], plane[last], plane[:, depth], plane[:, last]])


def _shading(paper: np.ndarray) -> np.ndarray | float:
    """Fit the paper's shading as a quadratic surface; 0 if there is none.

    A shadow with an edge is not a quadratic surface, and is left to the closing alone.
    """
    step = max(1, max(paper.shape) // _COARSE)
    coarse = paper[::step, ::step].ravel()
    terms = _terms(*paper[::step, ::step].shape)
    fitted = np.linalg.lstsq(terms, coarse, rcond=None)[0]
    rest = coarse - terms @ fitted
    if rest.var() > (1 - _EXPLAINED) * coarse.var():
        return 0.0
    return np.asarray((_terms(*paper.shape) @ fitted).reshape(paper.shape), np.float32)


@functools.lru_cache(maxsize=64)
def _terms(height: int, width: int) -> np.ndarray:
    """The six terms of a quadratic surface over -1..1, `(height * width, 6)`."""
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
