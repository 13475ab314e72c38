"""Separate a digit from specks and edges, by its connected components."""

from __future__ import annotations

import cv2
import numpy as np

from embedder.preprocessing import filters
from likewise.arrays import Floats

_FRAME = 5  # a part at the edges may be the digit if it has so many times the largest area inside
_INK = 0.15  # from this value on, a pixel of a mask counts as ink


def digit(mask: Floats, whole: bool = True) -> Floats:
    """Keep the digit and clear everything else.

    Args:
        mask: float32 `(h, w)`, 0 paper to 1 ink.
        whole: Whether this is a whole picture, whose digit may touch the edges in several
            parts, rather than a part of one with paper left around the digit.
    """
    names, boxes, areas = _components(mask)
    if len(areas) < 2:  # no ink, or one part, which is the digit
        return np.asarray(mask * (mask > _INK))
    touches = _touch_edge(boxes, mask.shape)
    inside = areas[~touches].max(initial=0)
    rank = np.where(touches & (areas < _FRAME * inside), 0, areas)
    main = int(rank.argmax())
    extent = boxes[:, 2:].max(axis=1)
    keep = (areas >= 0.1 * areas[main]) | (extent >= 0.25 * extent[main])
    keep &= ~touches | (touches[main] & whole)
    keep[main] = True
    return np.asarray(mask * np.concatenate([[False], keep])[names])


def bounds(mask: Floats) -> tuple[slice, slice] | None:
    """Rows and columns that contain ink (more than `_INK`); None if there is none."""
    return filters.bounds(mask > _INK)


def at_edge(mask: Floats) -> bool:
    """Whether ink (more than `_INK`) touches the edge of the picture."""
    edges = mask[0], mask[-1], mask[:, 0], mask[:, -1]
    return any(float(edge.max()) > _INK for edge in edges)


def is_inside(mask: Floats) -> bool:
    """Whether there is ink and hardly any of it touches the edges."""
    _, boxes, areas = _components(mask)
    touches = _touch_edge(boxes, mask.shape)
    return bool(areas[touches].sum() < 0.1 * areas[~touches].max(initial=0))


def _components(mask: Floats) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Label the connected regions of ink (8 neighbours).

    Returns:
        The number of each pixel's region `(h, w)`, 0 where there is no ink; of each region the
        left and top edge, width and height `(n, 4)` and the area `(n,)`, in pixels.
    """
    ink = (mask > _INK).view(np.uint8)
    _, names, statistics, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    return names, statistics[1:, :4], statistics[1:, cv2.CC_STAT_AREA]


def _touch_edge(boxes: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    ends = boxes[:, :2] + boxes[:, 2:] == shape[::-1]
    return np.asarray((boxes[:, :2] == 0).any(axis=1) | ends.any(axis=1))
