"""The distance from each query to its nearest reference in each group, exactly.

One matrix `(n, g)` answers what a calibration and an evaluation ask of a gallery: whose group is
the nearest, and how near a query comes to the groups that are not its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from index.search.exact import ExactIndex
from likewise.arrays import Floats, Indices, Ints, Strings

NONE = -1  # in `skip`: nothing is left out for this query


def nearest_by_group(
    vectors: ExactIndex, groups: dict[str, Indices], queries: Floats, skip: Indices | None
) -> Floats:
    """Search each group apart.

    Args:
        vectors: All references.
        groups: Indices of each group, as `likewise.metrics.groups.rows_by_group` gives them.
        queries: `(n, dim)`, float32, finite.
        skip: `(n,)`, the row that is left out for each query, or `NONE`.

    Returns:
        Distances `(n, g)`, float32; inf where nothing is left of a group.
    """
    found = np.empty((len(queries), len(groups)), np.float32)
    left_out = np.full(len(queries), NONE) if skip is None else skip
    for column, (rows, own) in enumerate(_with_own(groups, left_out, len(vectors))):
        part = vectors.subset(rows)
        found[:, column] = part.nearest(queries, 1, _any_order)[1][:, 0]
        if len(own):
            found[own, column] = _without(part, rows, queries[own], left_out[own])
    return found


def set_apart(distances: Floats, columns: Ints) -> tuple[Floats, Floats]:
    """Set the distance of each query to its own group apart from those to all others.

    Args:
        distances: `(n, g)`, as `nearest_by_group` gives them. Left unchanged.
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
    group_of = np.full(count + 1, NONE)  # the last place is that of NONE
    for place, rows in enumerate(groups.values()):
        group_of[rows] = place
    own = group_of[left_out]
    order = np.argsort(own, kind="stable")
    limits = np.searchsorted(own[order], np.arange(len(groups) + 1)).tolist()
    for rows, start, stop in zip(groups.values(), limits[:-1], limits[1:], strict=True):
        yield rows, order[start:stop]


def _without(part: ExactIndex, rows: Indices, queries: Floats, left_out: Indices) -> Floats:
    """The nearest in a group of those that are not left out: of the two nearest, the other."""
    if len(part) == 1:
        return np.full(len(queries), np.inf, np.float32)
    places, distances = part.nearest(queries, 2, _any_order)
    second = rows[places[:, 0]] == left_out
    nearest: Floats = np.where(second, distances[:, 1], distances[:, 0])
    return nearest


def _any_order(rows: Indices) -> Strings:
    """Names for references at equal distances, whose order does not matter here."""
    return rows.astype(object)
