"""Are the nearest references the right ones? For drawn mated queries, against them all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from index.evaluation import map_at_r, precision_at_1, r_precision, recall_at_k
from service.evaluation.figures import Figure, mean, over_draws, share

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
Rates = npt.NDArray[np.float64]

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
    names, codes, sizes = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    own = np.searchsorted(names, np.asarray(groups)[some])
    depth = min(max(int(sizes.max()), *RECALLS), len(references))
    squares = (references**2).sum(axis=1)
    parts = []
    for start in range(0, len(some), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        near = _nearest(squares - 2 * (queries[some[rows]] @ references.T), depth)
        parts.append(_rates(codes[near] == own[rows, None], sizes[own[rows]]))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    figures = {name: _figure(found, draws) for name, found in columns.items()}
    return {"queries": len(some), "draws": draws, **figures}


def _rates(relevant: npt.NDArray[np.bool_], sizes: Rows) -> dict[str, Rates]:
    return {
        "P@1": precision_at_1(relevant),
        "R-precision": r_precision(relevant, sizes),
        "MAP@R": map_at_r(relevant, sizes),
        **{f"recall@{k}": recall_at_k(relevant, k) for k in RECALLS},
    }


def _figure(values: Rates, draws: int) -> Figure:
    """A share where each query is right or wrong, else a mean; and its range over the draws."""
    right_or_wrong = np.isin(values, (0, 1)).all()
    figure = share(int(values.sum()), len(values)) if right_or_wrong else mean(values)
    drawn = np.array_split(values, draws)
    return figure | over_draws([float(part.mean()) if len(part) else None for part in drawn])


def _nearest(order_by: Floats, depth: int) -> Rows:
    """Columns of the `depth` smallest in each row, ascending."""
    if depth < order_by.shape[1]:
        some = np.argpartition(order_by, depth - 1, axis=1)[:, :depth]
    else:
        some = np.tile(np.arange(depth), (len(order_by), 1))
    order = np.take_along_axis(order_by, some, axis=1).argsort(axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)
