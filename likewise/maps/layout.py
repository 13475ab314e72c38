"""Lay vectors out in two dimensions, keeping near neighbours near.

Labels are not used (`tsne`), so groups that are separate on the map are separate; distances between
them mean nothing. Does not draw (`plots`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from likewise.arrays import Doubles, Floats, Indices
from likewise.maps.tsne import tsne
from likewise.metrics.groups import rows_by_group

_PLACING, _REACH = 5, 0.1  # nearest that place a further vector, and how far apart they may be


def sample(labels: Sequence[str], most: int, seed: int = 0) -> Indices:
    """Draw rows evenly from all groups; what a small group lacks, the larger ones give.

    Args:
        labels: Groups of n vectors.
        most: How many to draw at most, in all.
        seed: The same seed draws the same.

    Returns:
        Indices, ascending.

    Example:
        >>> rows = sample(["a", "a", "a", "b", "a", "a"], most=4)
        >>> len(rows), 3 in rows  # all one of b, and three of a
        (4, True)
    """
    rng = np.random.default_rng(seed)
    drawn = np.empty(0, np.int64)
    groups = sorted(rows_by_group(labels).values(), key=len)
    for left, rows in zip(range(len(groups), 0, -1), groups, strict=True):
        share = (most - len(drawn)) // left
        drawn = np.concatenate([drawn, rng.permutation(rows)[:share]])
    return np.sort(drawn)


def laid_out(vectors: Floats) -> Doubles:
    """Lay vectors out in the plane.

    Args:
        vectors: `(n, dim)`. Time grows with n²: 1,500 take two to three seconds of one core.

    Returns:
        `(n, 2)`, in [0, 1], with one scale for both directions; the same each time.

    Example:
        >>> corners = np.repeat(np.eye(3, dtype=np.float32), 10, axis=0)
        >>> places = laid_out(corners)
        >>> places.shape, bool(np.allclose(places[0], places[9])), bool(np.ptp(places) == 1)
        ((30, 2), True, True)
    """
    return _framed(tsne(vectors))


def placed(further: Floats, vectors: Floats, places: Doubles) -> Doubles:
    """Place further vectors on a map, each among the nearest that are there.

    That is the mean place of those of the five nearest that lie together with the very nearest on
    the map, weighing 1 / distance²: a vector between two groups comes to the nearer one, not into
    the space between, where a third may stand. An equal vector lands on its twin.

    Args:
        further: `(m, dim)`.
        vectors: Those on the map, `(n, dim)`, n >= 1.
        places: Theirs, `(n, 2)`.

    Returns:
        `(m, 2)`, in [0, 1].

    Example:
        >>> known, places = np.float32([[0.0], [1.0]]), np.array([[0.0, 0.5], [1.0, 0.5]])
        >>> placed(np.float32([[1.0], [0.25]]), known, places).tolist()
        [[1.0, 0.5], [0.0, 0.5]]
    """
    known = vectors.astype(np.float64)
    added = [_among(known - vector, places) for vector in further]
    return np.array(added).reshape(-1, 2)


def middles(places: Doubles, labels: Sequence[str]) -> dict[str, tuple[float, float]]:
    """A place for each group's name: that of its vector nearest to the median of all.

    A group in two parts has its name in one of them, not in the space between.

    Args:
        places: Places in the plane, `(n, 2)`, float64.
        labels: Their n groups.

    Example:
        >>> middles(np.array([[0.0, 0.0], [0.1, 0.0], [1.0, 1.0]]), ["a", "a", "b"])
        {'a': (0.0, 0.0), 'b': (1.0, 1.0)}
    """
    named = {}
    for label, rows in rows_by_group(labels).items():
        gaps = np.linalg.norm(places[rows] - np.median(places[rows], axis=0), axis=1)
        x, y = places[rows[gaps.argmin()]].tolist()
        named[label] = (x, y)
    return named


def _among(gaps: Doubles, places: Doubles) -> Doubles:
    """A place among the nearest; `gaps` are the differences to all, `(n, dim)`."""
    squared = np.einsum("nd,nd->n", gaps, gaps)
    nearest = np.argsort(squared, kind="stable")[:_PLACING]
    center: Doubles = places[nearest[0]]
    if squared[nearest[0]] == 0:
        return center
    near = nearest[np.linalg.norm(places[nearest] - center, axis=1) <= _REACH]
    mean: Doubles = np.average(places[near], axis=0, weights=1 / squared[near])
    return mean


def _framed(places: Doubles) -> Doubles:
    """Shift and scale into the unit square, both directions alike, in the middle of it."""
    if not len(places):
        return np.empty((0, 2))
    low, high = places.min(axis=0), places.max(axis=0)
    framed: Doubles = (places - (low + high) / 2) / (float((high - low).max()) or 1) + 0.5
    return framed.clip(0, 1)
