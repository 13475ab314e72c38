"""Measure a head on held-out pictures of the groups that it was fitted to, and its thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from embedder.training.thresholds import nearest, pair_point, point_among
from embedder.transfer.vectors import AT_ONCE, Vectors
from likewise.arrays import Floats, Indices
from likewise.metrics.pairs import pair_distances
from likewise.metrics.rates import det_curve, equal_error_rate

_PAIRS = 200_000  # of each kind, at most
_UNSEEN = "pictures of groups left out of trial trainings"
_LEFT_OUT = "held-out pictures, each with its own group left out"

Labels = npt.NDArray[np.str_]


def nearest_right(
    references: Floats | Vectors,
    reference_labels: Labels,
    queries: Floats | Vectors,
    query_labels: Labels,
) -> float:
    """The share of queries whose nearest reference has their label.

    Args:
        references: `(r, dim)`, of length 1.
        reference_labels: r labels.
        queries: `(n, dim)`, of length 1, n >= 1.
        query_labels: n labels.
    """
    right = 0
    for start in range(0, len(queries), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        places = _nearest_places(references, queries[part])
        right += int(np.sum(reference_labels[places] == query_labels[part]))
    return right / len(queries)


def _nearest_places(references: Floats | Vectors, queries: Floats) -> Indices:
    """The position of each query's nearest reference."""
    least = np.full(len(queries), np.inf, np.float32)
    places = np.zeros(len(queries), np.int64)
    for start in range(0, len(references), AT_ONCE):
        distances, within = nearest(references[start : start + AT_ONCE], queries)
        nearer = distances < least
        least[nearer], places[nearer] = distances[nearer], start + within[nearer]
    return places


def seen_figures(
    references: tuple[Floats | Vectors, Labels], queries: tuple[Floats, Labels], seed: int
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
    words = _UNSEEN
    if strangers is None:
        strangers, words = _own_left_out(references, queries), _LEFT_OUT
    return {
        "eer": pair_point(same, different, len(queries[1])),
        "default": point_among(*references, *queries, strangers, f"{len(strangers)} {words}"),
    }


def _own_left_out(references: tuple[Floats, Labels], queries: tuple[Floats, Labels]) -> Floats:
    """Distances to the nearest reference of another group."""
    others = np.empty(len(queries[1]), np.float32)
    for label in np.unique(queries[1]):
        rows = queries[1] == label
        others[rows], _ = nearest(references[0][references[1] != label], queries[0][rows])
    return others
