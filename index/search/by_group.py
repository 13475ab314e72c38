"""The distance from each query to its nearest reference in each group, exactly.

One matrix `(n, g)` serves calibration and evaluation: the nearest group of each query, and its
distance to every other group.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from index.search.exact import ExactIndex
from likewise.arrays import Floats, Indices, Ints, Strings

NONE = -1  # in `skip`: leave out nothing


def nearest_by_group(
    vectors: ExactIndex, groups: dict[str, Indices], queries: Floats, skip: Indices | None
) -> Floats:
    """Search each group separately.

    Args:
        vectors: All references.
        groups: Rows of each group, from `likewise.metrics.groups.rows_by_group`.
        queries: `(n, dim)`, float32, finite.
        skip: `(n,)`, the row to leave out for each query, or `NONE`.

    Returns:
        Distances `(n, g)`, float32; inf if nothing is left of a group.
    """
    nearest = np.empty((len(queries), len(groups)), np.float32)
    left_out = np.full(len(queries), NONE) if skip is None else skip
    for column, (rows, own) in enumerate(_with_own(groups, left_out, len(vectors))):
        part = vectors.subset(rows)
        nearest[:, column] = part.nearest(queries, 1, _any_order)[1][:, 0]
        if len(own):
            nearest[own, column] = _without(part, rows, queries[own], left_out[own])
    return nearest


def set_apart(distances: Floats, columns: Ints) -> tuple[Floats, Floats]:
    """Separate each query's distance to its own group from those to all others.

    Args:
        distances: `(n, g)`, from `nearest_by_group`. Left unchanged.
        columns: `(n,)`, the column of each query's own group.

    Returns:
        The distances to the own groups, `(n,)`, and all others, `(n, g)` with inf in their place.

    Example:
        >>> own, others = set_apart(np.array([[0.25, 0.5]], np.float32), np.array([1]))
        >>> own.tolist(), others.tolist()
        ([0.5], [[0.25, inf]])
    """
    rows, others = np.arange(len(distances)), distances.copy()
    others[rows, columns] = np.inf
    return distances[rows, columns], others


def _with_own(
    groups: dict[str, Indices], left_out: Indices, count: int
) -> Iterator[tuple[Indices, npt.NDArray[np.intp]]]:
    """Each group's rows, and the queries for which one of them is left out."""
    group_of = np.full(count + 1, NONE)  # the last place is for NONE
    for place, rows in enumerate(groups.values()):
        group_of[rows] = place
    own = group_of[left_out]
    order = np.argsort(own, kind="stable")
    limits = np.searchsorted(own[order], np.arange(len(groups) + 1)).tolist()
    for rows, start, stop in zip(groups.values(), limits[:-1], limits[1:], strict=True):
        yield rows, order[start:stop]


def _without(part: ExactIndex, rows: Indices, queries: Floats, left_out: Indices) -> Floats:
    """The nearest in a group without the row left out: of the two nearest, the other."""
    if len(part) == 1:
        return np.full(len(queries), np.inf, np.float32)
    places, distances = part.nearest(queries, 2, _any_order)
    second = rows[places[:, 0]] == left_out
    nearest: Floats = np.where(second, distances[:, 1], distances[:, 0])
    return nearest


def _any_order(rows: Indices) -> Strings:
    """Names for references at equal distances, whose order does not matter here."""
    return rows.astype(object)
