"""Retrieval figures: ranking all references for a sample of mated queries."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from likewise.arrays import Bools, Doubles, Floats, Indices
from likewise.evaluation.estimates import Estimate, Named, mean, share
from likewise.metrics.groups import rows_by_group
from likewise.metrics.pairs import distances_between
from likewise.metrics.retrieval import map_at_r, precision_at_1, r_precision, recall_at_k

QUERIES = 500
RECALLS = (1, 5, 10)
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class RetrievalFigures:
    """Figures of ranked references.

    Attributes:
        queries: Number of queries for which all references were ranked.
        draws: Into which the queries are split, to see how far these differ.
        precision_at_1: Whether the nearest reference is of the query's group.
        r_precision: Share of the group among the R nearest, R being its size.
        map_at_r: The same, early ones counting more.
        recall_at_k: Whether any of the k nearest is of the group, by k.
    """

    queries: int
    draws: int
    precision_at_1: Estimate
    r_precision: Estimate
    map_at_r: Estimate
    recall_at_k: Mapping[int, Estimate]

    def named(self) -> Named:
        """The figures by the names of the report."""
        return {
            "queries": self.queries,
            "draws": self.draws,
            "P@1": self.precision_at_1,
            "R-precision": self.r_precision,
            "MAP@R": self.map_at_r,
            **{f"recall@{k}": rate for k, rate in self.recall_at_k.items()},
        }


def retrieval(
    queries: Floats,
    groups: Sequence[str],
    references: Floats,
    labels: Sequence[str],
    seed: int,
    draws: int,
    folds: tuple[Indices, Indices] | None = None,
) -> RetrievalFigures:
    """Rank all references for up to `QUERIES` of the queries.

    Args:
        queries: Embeddings, `(n, dim)`.
        groups: Labels of the queries, n, each one of `labels`.
        references: Embeddings, `(m, dim)`.
        labels: Labels of the references, m.
        seed: Seed of the draws.
        draws: How many times queries are drawn, none of them twice.
        folds: The fold of each query, `(n,)`, and of each reference, `(m,)`: those of the query's
            own fold are not ranked. None to rank all.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(queries))[:QUERIES]
    members = rows_by_group(labels)
    depth = min(max(*map(len, members.values()), *RECALLS), len(references))
    relevant, sizes = [], []
    for start in range(0, len(chosen), _AT_ONCE):
        rows = chosen[start : start + _AT_ONCE]
        own = [members[groups[row]] for row in rows.tolist()]
        distances = distances_between(queries[rows], references)
        if folds is not None:
            asked, searched = folds
            distances[asked[rows][:, None] == searched] = np.inf
            own = [
                columns[searched[columns] != asked[row]]
                for row, columns in zip(rows.tolist(), own, strict=True)
            ]
        relevant.append(_relevant(distances, own, depth))
        sizes += [len(columns) for columns in own]
    return _figures(np.concatenate(relevant), np.array(sizes), draws)


def _figures(relevant: Bools, sizes: Indices, draws: int) -> RetrievalFigures:
    return RetrievalFigures(
        queries=len(relevant),
        draws=draws,
        precision_at_1=_estimate(precision_at_1(relevant), draws),
        r_precision=_estimate(r_precision(relevant, sizes), draws),
        map_at_r=_estimate(map_at_r(relevant, sizes), draws),
        recall_at_k={k: _estimate(recall_at_k(relevant, k), draws) for k in RECALLS},
    )


def _estimate(values: Doubles, draws: int) -> Estimate:
    """A share where each query is right or wrong, else a mean; and its range over the draws."""
    right_or_wrong = np.isin(values, (0, 1)).all()
    estimate = share(int(values.sum()), len(values)) if right_or_wrong else mean(values)
    drawn = np.array_split(values, draws)
    return estimate.over_draws([float(part.mean()) if len(part) else None for part in drawn])


def _relevant(distances: Floats, own: Sequence[Indices], depth: int) -> Bools:
    """Whether each of the `depth` nearest is of the query's group, `(n, depth)`.

    Args:
        distances: Distances to all references, `(n, m)`; changed.
        own: Columns of those of the query's group, for each query.
        depth: Number of nearest references, 1 to m.
    """
    relevant = np.zeros((len(distances), depth), bool)
    for row, wrong, columns in zip(relevant, distances, own, strict=True):
        right, wrong[columns] = wrong[columns], np.inf
        row[_places(right, wrong, depth)] = True
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
        range(len(right)),
        depth,
        key=lambda place: place + int(np.count_nonzero(wrong <= right[place])),
    )
    right = right[:count]
    wrong = np.sort(wrong[wrong <= right.max(initial=-np.inf)])
    return np.arange(count) + np.searchsorted(wrong, right, side="right")
