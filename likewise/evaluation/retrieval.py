"""Are the nearest references the right ones? For drawn mated queries, against them all."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from likewise.arrays import Bools, Doubles, Floats, Indices
from likewise.evaluation.figures import Figure, mean, over_draws, share
from likewise.metrics.groups import rows_by_group
from likewise.metrics.retrieval import map_at_r, precision_at_1, r_precision, recall_at_k

QUERIES = 500
RECALLS = (1, 5, 10)
_AT_ONCE = 100


def retrieval(
    queries: Floats,
    groups: Sequence[str],
    references: Floats,
    labels: Sequence[str],
    *,
    seed: int,
    draws: int,
) -> Figure:
    """Rank all references for some of the queries, and say how far the draws of these decide.

    Args:
        queries: `(n, dim)`.
        groups: Theirs, n, each of them one of `labels`.
        references: `(m, dim)`.
        labels: Theirs, m.
        seed: Of the draws.
        draws: How many times queries are drawn, each of them once at most.
    """
    rng = np.random.default_rng(seed)
    some = rng.permutation(len(queries))[:QUERIES]
    members = rows_by_group(labels)
    depth = min(max(*map(len, members.values()), *RECALLS), len(references))
    squares = (references**2).sum(axis=1)
    parts = []
    for start in range(0, len(some), _AT_ONCE):
        rows = some[start : start + _AT_ONCE]
        own = [members[groups[row]] for row in rows.tolist()]
        order_by = squares - 2 * queries[rows] @ references.T
        sizes = np.array([len(each) for each in own])
        parts.append(_rates(_relevant(order_by, own, depth), sizes))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    figures = {name: _figure(found, draws) for name, found in columns.items()}
    return {"queries": len(some), "draws": draws, **figures}


def _rates(relevant: Bools, sizes: Indices) -> dict[str, Doubles]:
    return {
        "P@1": precision_at_1(relevant),
        "R-precision": r_precision(relevant, sizes),
        "MAP@R": map_at_r(relevant, sizes),
        **{f"recall@{k}": recall_at_k(relevant, k) for k in RECALLS},
    }


def _figure(values: Doubles, draws: int) -> Figure:
    """A share where each query is right or wrong, else a mean; and its range over the draws."""
    right_or_wrong = np.isin(values, (0, 1)).all()
    figure = share(int(values.sum()), len(values)) if right_or_wrong else mean(values)
    drawn = np.array_split(values, draws)
    return figure | over_draws([float(part.mean()) if len(part) else None for part in drawn])


def _relevant(order_by: Floats, own: Sequence[Indices], depth: int) -> Bools:
    """Whether each of the `depth` nearest is of the query's group, `(n, depth)`.

    Args:
        order_by: What orders all references, for each query, `(n, m)`; changed.
        own: Columns of those of the query's group, for each query.
        depth: From 1 to m.
    """
    relevant = np.zeros((len(order_by), depth), bool)
    for row, distances, columns in zip(relevant, order_by, own, strict=True):
        right, distances[columns] = distances[columns], np.inf
        row[_places(right, distances, depth)] = True
    return relevant


def _places(right: Floats, wrong: Floats, depth: int) -> Indices:
    """Places of the right ones, from 0, among the `depth` nearest; a tie goes to the wrong ones.

    Only what is among these is sorted, which is much less than all.

    Example:
        >>> _places(np.float32([0.5, 0.25, 4]), np.float32([1, 0.5, 2]), depth=4)
        array([0, 2])
    """
    right = np.sort(right)
    count = bisect_left(
        range(len(right)), depth, key=lambda at: at + int(np.count_nonzero(wrong <= right[at]))
    )
    right = right[:count]
    wrong = np.sort(wrong[wrong <= right.max(initial=-np.inf)])
    return np.arange(count) + np.searchsorted(wrong, right, side="right")
