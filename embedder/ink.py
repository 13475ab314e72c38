"""Tell ink from paper: by colour, polarity and the paper's own brightness."""

from __future__ import annotations

import numpy as np

_LEAST = 12.0  # grey levels of contrast below which a picture counts as blank


def contrast(pixels: np.ndarray) -> np.ndarray:
    """Say how much each pixel differs from the paper around it, in the direction of the ink.

    Args:
        pixels: float32 `(h, w, c)`, 0..255.

    Returns:
        float32 `(h, w)`, 0 on paper, positive on ink.
    """
    plane = _main_axis(pixels)
    plane = _smooth(plane)
    if _is_light_ink(plane):
        plane = -plane
    paper = _closed(plane, max(plane.shape) // 2 | 1)
    return np.asarray(paper - plane)


def mask(ink: np.ndarray) -> np.ndarray:
    """Bring contrast to 0..1: 0 surely paper, 1 surely ink, a soft edge between.

    Args:
        ink: float32 `(h, w)`, as `contrast` gives it.

    Returns:
        float32 `(h, w)`, all 0 when nothing stands out.
    """
    noise = float(np.median(ink))
    top = float(np.quantile(ink, 0.995))
    if top - noise < _LEAST:
        return np.zeros_like(ink)
    middle = _otsu(ink[ink > noise + 0.15 * (top - noise)] if False else ink)
    dark = float(np.median(ink[ink > middle]))
    low = middle - 0.5 * (dark - middle)
    return np.clip((ink - low) / (dark - low), 0, 1).astype(np.float32)


def usual_width(fine: np.ndarray) -> np.ndarray:
    """Bring strokes that are thinner or thicker than handwriting's usual ones nearer to it."""
    return fine


def _main_axis(pixels: np.ndarray) -> np.ndarray:
    """Project colours on the axis along which neighbours differ most."""
    if pixels.shape[2] == 1:
        return pixels[..., 0]
    local = np.stack([_deviation(pixels[..., c]) for c in range(pixels.shape[2])], axis=-1)
    flat = local.reshape(-1, pixels.shape[2])
    axis = np.linalg.eigh(flat.T @ flat)[1][:, -1]
    return np.asarray(pixels @ (axis * np.sign(axis.sum() or 1)), dtype=np.float32)


def _deviation(plane: np.ndarray) -> np.ndarray:
    """Subtract the mean of a wide square neighbourhood."""
    half = max(plane.shape) // 4
    mean = plane
    for axis in (0, 1):
        pad = [(half + 1, half) if a == axis else (0, 0) for a in (0, 1)]
        sums = np.pad(mean, pad, mode="edge").swapaxes(0, axis).cumsum(axis=0, dtype=np.float64)
        mean = ((sums[2 * half + 1 :] - sums[: -2 * half - 1]) / (2 * half + 1)).swapaxes(0, axis)
    return np.asarray(plane - mean, dtype=np.float32)


def _is_light_ink(plane: np.ndarray) -> bool:
    """Tell polarity: ink is rarer than paper and stands out more; the border is paper."""
    local = _deviation(plane)
    spread = float(local.std()) + 1e-6
    skew = float((local**3).mean()) / spread**3
    edges = np.concatenate([local[0], local[-1], local[:, 0], local[:, -1]])
    return skew - 2 * float(np.median(edges)) / spread > 0


def _closed(plane: np.ndarray, window: int) -> np.ndarray:
    """Fill what is darker than its surroundings and narrower than `window`."""
    widened = _extreme(plane, window, np.maximum)
    return _extreme(widened, window, np.minimum)


def _extreme(plane: np.ndarray, window: int, pick: np.ufunc) -> np.ndarray:
    """Take the largest or smallest value in a square window, by doubling its reach."""
    for axis in (0, 1):
        half = window // 2
        pad = [(half, half) if a == axis else (0, 0) for a in (0, 1)]
        line = np.pad(plane, pad, mode="edge").swapaxes(0, axis)
        reach = 1
        while reach < window:
            step = min(reach, window - reach)
            line = pick(line[:-step], line[step:])
            reach += step
        plane = line.swapaxes(0, axis)
    return plane


def _smooth(plane: np.ndarray) -> np.ndarray:
    """Blur a little, by 1-2-1 along both axes."""
    for axis in (0, 1):
        line = np.pad(plane, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        line = line.swapaxes(0, axis)
        plane = ((line[:-2] + 2 * line[1:-1] + line[2:]) / 4).swapaxes(0, axis)
    return plane


def _otsu(values: np.ndarray) -> float:
    """Find the threshold that parts the values into the two most uniform classes."""
    counts, edges = np.histogram(values, bins=64)
    middles = (edges[:-1] + edges[1:]) / 2
    below = counts.cumsum()
    sums = (counts * middles).cumsum()
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = sums / below - (sums[-1] - sums) / above
    return float(edges[1 + int(np.nanargmax(below * above * gap**2))])
