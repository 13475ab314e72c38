"""Find connected components, and separate a digit from specks and edges."""

from __future__ import annotations

import numpy as np

_FRAME = 5  # a part at the edges may be the digit if it has so many times the largest area inside
_INK = 0.15  # from this value on, a pixel of a mask counts as ink


def digit(mask: np.ndarray, whole: bool = True) -> np.ndarray:
    """Keep the digit and clear everything else.

    Args:
        mask: float32 `(h, w)`, 0 paper to 1 ink.
        whole: Whether this is a whole picture, whose digit may touch the edges in several
            parts, rather than a part of one with paper left around the digit.
    """
    names, boxes, areas = components(mask > _INK)
    if not len(areas):
        return np.zeros_like(mask)
    touches = _touch_edge(boxes, mask.shape)
    rank = np.where(touches & (areas < _FRAME * areas[~touches].max(initial=0)), 0, areas)
    main = int(rank.argmax())
    extent = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    keep = (areas >= 0.1 * areas[main]) | (extent >= 0.25 * extent[main])
    keep &= ~touches | (touches[main] & whole)
    keep[main] = True
    return np.where(np.concatenate([[False], keep])[names], mask, 0).astype(np.float32)


def bounds(mask: np.ndarray) -> tuple[slice, slice] | None:
    """Rows and columns that contain ink (more than `_INK`); None if there is none."""
    rows, columns = (
        np.flatnonzero((mask > _INK).any(axis=1)),
        np.flatnonzero((mask > _INK).any(axis=0)),
    )
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def at_edge(mask: np.ndarray) -> bool:
    """Whether ink (more than `_INK`) touches the edge of the picture."""
    edges = mask[0], mask[-1], mask[:, 0], mask[:, -1]
    return any((edge > _INK).any() for edge in edges)


def is_inside(mask: np.ndarray) -> bool:
    """Whether there is ink and hardly any of it touches the edges."""
    _, boxes, areas = components(mask > _INK)
    touches = _touch_edge(boxes, mask.shape)
    return bool(areas[touches].sum() < 0.1 * areas[~touches].max(initial=0))


def _touch_edge(boxes: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray((boxes[:, :2] == 0).any(axis=1) | (boxes[:, 2:] == shape).any(axis=1))


def components(on: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Label the connected regions (8 neighbours) of a bool array.

    Args:
        on: bool `(h, w)`.

    Returns:
        `names` int `(h, w)`, 0 where off, 1..n elsewhere; `boxes` int `(n, 4)` as top, left,
        bottom, right (the latter two exclusive); `areas` int `(n,)`.
    """
    rows, starts, stops = _runs(on)
    parent = list(range(len(rows)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    for upper, lower in _touching(rows, starts, stops):
        parent[root(lower)] = root(upper)
    roots = np.array([root(run) for run in range(len(rows))], dtype=np.intp)
    _, name = np.unique(roots, return_inverse=True)
    return _described(on, rows, starts, stops, name)


def _runs(on: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, first column and end column of each horizontal run, in reading order."""
    padded = np.zeros((on.shape[0], on.shape[1] + 2), np.int8)
    padded[:, 1:-1] = on
    change = np.diff(padded, axis=1)
    rows, starts = np.nonzero(change == 1)
    return rows, starts, np.nonzero(change == -1)[1]


def _touching(rows: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> list[tuple[int, int]]:
    """Pair each run with the runs of the row above that touch it, corners included."""
    width = int(stops.max(initial=0)) + 2
    first = np.searchsorted(rows * width + stops, (rows - 1) * width + starts, side="left")
    last = np.searchsorted(rows * width + starts, (rows - 1) * width + stops, side="right")
    return [
        (upper, lower)
        for lower, (a, b) in enumerate(zip(first.tolist(), last.tolist(), strict=True))
        for upper in range(a, b)
    ]


def _described(
    on: np.ndarray, rows: np.ndarray, starts: np.ndarray, stops: np.ndarray, name: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    count = int(name.max(initial=-1)) + 1
    names = np.zeros(on.shape, np.intp)
    names[on] = np.repeat(name + 1, stops - starts)
    boxes = np.empty((count, 4), np.intp)
    boxes[:, :2], boxes[:, 2:] = max(on.shape), 0
    np.minimum.at(boxes[:, 0], name, rows)
    np.minimum.at(boxes[:, 1], name, starts)
    np.maximum.at(boxes[:, 2], name, rows + 1)
    np.maximum.at(boxes[:, 3], name, stops)
    return names, boxes, np.bincount(name, weights=stops - starts, minlength=count)
