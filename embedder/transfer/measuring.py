"""Measure what a head gains, on pictures and on groups that its fitting did not see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from embedder.training.thresholds import FPIR, pair_point
from embedder.transfer.fitting import fit_head
from embedder.transfer.head import unit
from embedder.transfer.settings import TransferRecipe
from likewise.arrays import Bools, Floats
from likewise.metrics.groups import Groups
from likewise.metrics.pairs import pair_distances
from likewise.metrics.rates import det_curve, equal_error_rate
from likewise.metrics.thresholds import allowed_within, threshold_within

_PAIRS = 200_000  # of each kind, at most
_LEAST_GROUPS = 10  # of fewer none is left out of a trial
_LEFT_OUT = 5  # one group in so many
_AT_ONCE = 1024

Labels = npt.NDArray[np.str_]


def nearest_right(
    references: Floats, reference_labels: Labels, queries: Floats, query_labels: Labels
) -> float:
    """The share of queries whose nearest reference has their label.

    Args:
        references: `(r, dim)`, of length 1.
        reference_labels: r labels.
        queries: `(n, dim)`, of length 1, n >= 1.
        query_labels: n labels.
    """
    right = 0
    for start in range(0, len(queries), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        nearest = np.argmax(queries[rows] @ references.T, axis=1)
        right += int(np.sum(reference_labels[nearest] == query_labels[rows]))
    return right / len(queries)


def seen_figures(
    references: tuple[Floats, Labels], queries: tuple[Floats, Labels], seed: int
) -> dict[str, float]:
    """Rank-1 and EER of held-out pictures of the groups that a head was fitted to.

    Args:
        references: The training pictures' vectors and labels.
        queries: The held-out pictures' vectors and labels.
        seed: Draws the pairs.
    """
    same, different = pair_distances(queries[0], queries[1].tolist(), _PAIRS, seed)
    return {
        "rank1": nearest_right(*references, *queries),
        "eer": equal_error_rate(det_curve(same, different)).rate,
    }


def unseen_figures(
    features: Floats, labels: Sequence[str], recipe: TransferRecipe
) -> dict[str, float] | None:
    """Leave a fifth of the groups out of a trial fitting, and measure on those.

    Args:
        features: `(n, views + 1, d)`, as for `fit_head`.
        labels: n groups.
        recipe: The settings.

    Returns:
        Rank-1 of the trial's head and of the backbone alone, each picture among all others of
        those groups, and their number; None where there are too few groups.
    """
    names = Groups.of(labels).names
    if len(names) < _LEAST_GROUPS:
        return None
    order = np.random.default_rng(recipe.seed).permutation(len(names))
    left_out = {names[place] for place in order[: len(names) // _LEFT_OUT]}
    array = np.array(labels)
    unseen = np.isin(array, sorted(left_out))
    head = fit_head(features[~unseen], array[~unseen].tolist(), recipe)
    alone = np.asarray(features[unseen][:, 0])
    return {
        "groups": len(left_out),
        "rank1": _among_others(head.embed(alone), array[unseen]),
        "rank1_of_backbone": _among_others(unit(alone), array[unseen]),
    }


def _among_others(vectors: Floats, labels: Labels) -> float:
    """The share of pictures whose nearest other picture has their label."""
    right = 0
    for start in range(0, len(vectors), _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, len(vectors)))
        near = vectors[rows] @ vectors.T
        near[np.arange(len(rows)), rows] = -np.inf
        right += int(np.sum(labels[near.argmax(axis=1)] == labels[rows]))
    return right / len(vectors)


def thresholds(
    references: tuple[Floats, Labels], queries: tuple[Floats, Labels], seed: int
) -> dict[str, dict[str, Any]]:
    """The operating points of a model: `eer` for pairs and `default` for searches.

    For searches a held-out picture with its own group left out stands for one of no group.

    Args:
        references: The training pictures' vectors and labels.
        queries: The held-out pictures' vectors and labels.
        seed: Draws the pairs.
    """
    same, different = pair_distances(queries[0], queries[1].tolist(), _PAIRS, seed)
    own, other = _nearest_by_side(references, queries)
    threshold = threshold_within(other, allowed_within(FPIR, len(other)))
    known = np.isfinite(own)
    false = int(np.sum(other <= threshold))
    missed = int(np.sum(known & ~((own <= threshold) & (own < other))))
    return {
        "eer": pair_point(same, different, len(queries[1])),
        "default": {
            "threshold": threshold,
            "fpir": false / len(other),
            "fnir": missed / max(int(known.sum()), 1),
            "unknown": len(other),
            "false": false,
            "known": int(known.sum()),
            "missed": missed,
            "references": len(references[1]),
            "measured_on": f"{len(other)} held-out pictures, each with its own group left out",
        },
    }


def _nearest_by_side(
    references: tuple[Floats, Labels], queries: tuple[Floats, Labels]
) -> tuple[Floats, Floats]:
    """Distances to the nearest reference of the own group and to the nearest of another."""
    own, other = (np.empty(len(queries[1]), np.float32) for _ in range(2))
    for start in range(0, len(own), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        near = queries[0][rows] @ references[0].T
        distance = np.sqrt(np.maximum(2 - 2 * near, 0)).astype(np.float32)
        alike: Bools = queries[1][rows, None] == references[1]
        own[rows] = np.where(alike, distance, np.inf).min(axis=1)
        other[rows] = np.where(alike, np.inf, distance).min(axis=1)
    return own, other
