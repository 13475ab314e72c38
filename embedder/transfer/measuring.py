"""Measure a head on held-out pictures of the groups that it was fitted to, and its thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from embedder.training.thresholds import FPIR, pair_point
from likewise.arrays import Bools, Floats
from likewise.metrics.pairs import pair_distances
from likewise.metrics.rates import det_curve, equal_error_rate
from likewise.metrics.thresholds import allowed_within, threshold_within

_PAIRS = 200_000  # of each kind, at most
_AT_ONCE = 1024
_UNSEEN = "pictures of groups left out of trial trainings"
_LEFT_OUT = "held-out pictures, each with its own group left out"

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


def thresholds(
    references: tuple[Floats, Labels],
    queries: tuple[Floats, Labels],
    strangers: Floats | None,
    seed: int,
) -> dict[str, dict[str, Any]]:
    """The operating points of a model: `eer` for pairs and `default` for searches.

    Args:
        references: The training pictures' vectors and labels.
        queries: The held-out pictures' vectors and labels.
        strangers: Distances of pictures of unseen groups to their nearest reference, m; where
            None, held-out pictures with their own group left out stand for such.
        seed: Draws the pairs.
    """
    same, different = pair_distances(queries[0], queries[1].tolist(), _PAIRS, seed)
    own, other = _nearest_by_side(references, queries)
    unknown = other if strangers is None else strangers
    threshold = threshold_within(unknown, allowed_within(FPIR, len(unknown)))
    known = np.isfinite(own)
    false = int(np.sum(unknown <= threshold))
    missed = int(np.sum(known & ~((own <= threshold) & (own < other))))
    return {
        "eer": pair_point(same, different, len(queries[1])),
        "default": {
            "threshold": threshold,
            "fpir": false / len(unknown),
            "fnir": missed / max(int(known.sum()), 1),
            "unknown": len(unknown),
            "false": false,
            "known": int(known.sum()),
            "missed": missed,
            "references": len(references[1]),
            "measured_on": f"{len(unknown)} {_LEFT_OUT if strangers is None else _UNSEEN}",
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
