"""Measure a head on held-out pictures, and its thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from embedder.training.division import enrolled
from embedder.training.thresholds import Labels, nearest, pair_point, point_among
from embedder.transfer.head import Head
from embedder.transfer.row_file import Features
from embedder.transfer.vectors import AT_ONCE, Vectors
from likewise.arrays import Floats, Indices, Reals
from likewise.metrics.pairs import pair_distances
from likewise.metrics.rates import det_curve, equal_error_rate

_PAIRS = 200_000  # pairs of each kind, at most
_UNSEEN = "pictures of groups left out of trial trainings"
_LEFT_OUT = "held-out pictures, each with its own group left out"


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Queries and references after a division; every field of rows is among the features.

    Attributes:
        fitted: Rows of the training pictures.
        fitted_labels: Their labels.
        held: Rows of the held-out pictures.
        held_labels: Their labels.
        references: Rows of the training pictures, and of one held-out picture of each label that
            they lack, r.
        reference_labels: Their labels, `(r,)`.
        queries: Rows of the other held-out pictures, n.
        query_labels: Their labels, `(n,)`.
    """

    fitted: Indices
    fitted_labels: list[str]
    held: Indices
    held_labels: list[str]
    references: Indices
    reference_labels: Labels
    queries: Indices
    query_labels: Labels

    @classmethod
    def of(cls, labels: Sequence[str], parts: tuple[Indices, Indices]) -> Sides:
        """Choose references and queries.

        Args:
            labels: Those of all pictures.
            parts: Rows of the training pictures and of the held-out ones.
        """
        fitted, held = ([labels[row] for row in rows.tolist()] for rows in parts)
        chosen, asked = enrolled(fitted, held)
        names = np.array(held)
        return cls(
            parts[0],
            fitted,
            parts[1],
            held,
            np.concatenate([parts[0], parts[1][chosen]]),
            np.concatenate([np.array(fitted), names[chosen]]),
            parts[1][asked],
            names[asked],
        )


def nearest_right(sides: Sides, features: Features, head: Head | None) -> float:
    """The share of queries whose nearest reference has their label.

    Args:
        sides: References and queries.
        features: Features of all pictures.
        head: Maps features to vectors; None where a vector is the features at length 1.
    """
    references = Vectors(features, sides.references, head)
    queries = Vectors(features, sides.queries, head)
    right = 0
    for start in range(0, len(queries), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        places = _nearest_places(references, queries[part])
        right += int(np.sum(sides.reference_labels[places] == sides.query_labels[part]))
    return right / len(queries)


def _nearest_places(references: Vectors, queries: Floats) -> Indices:
    """The position of each query's nearest reference."""
    least = np.full(len(queries), np.inf, np.float32)
    places = np.zeros(len(queries), np.int64)
    for start in range(0, len(references), AT_ONCE):
        distances, within = nearest(references[start : start + AT_ONCE], queries)
        nearer = distances < least
        least[nearer], places[nearer] = distances[nearer], start + within[nearer]
    return places


def seen_figures(
    sides: Sides, features: Features, head: Head | None, seed: int
) -> dict[str, float]:
    """Rank-1 and EER of held-out pictures.

    Args:
        sides: References and queries.
        features: As for `nearest_right`.
        head: As for `nearest_right`.
        seed: Draws the pairs.
    """
    same, different = _pairs(sides, features, head, seed)
    return {
        "rank1": nearest_right(sides, features, head),
        "eer": equal_error_rate(det_curve(same, different)).rate,
    }


def thresholds(
    sides: Sides, features: Features, head: Head, strangers: Floats | None, seed: int
) -> dict[str, dict[str, Any]]:
    """The operating points of a model: `eer` for pairs and `default` for searches.

    Args:
        sides: References and queries.
        features: As for `nearest_right`.
        head: The head.
        strangers: Distances of pictures of unseen groups to their nearest reference, m; where
            None, queries with their own group left out stand for such.
        seed: Draws the pairs.
    """
    same, different = _pairs(sides, features, head, seed)
    references, queries = (
        Vectors(features, rows, head).together() for rows in (sides.references, sides.queries)
    )
    words = _UNSEEN
    if strangers is None:
        strangers, words = _own_left_out(sides, references, queries), _LEFT_OUT
    return {
        "eer": pair_point(same, different, len(sides.held)),
        "default": point_among(
            references,
            sides.reference_labels,
            queries,
            sides.query_labels,
            strangers,
            f"{len(strangers)} {words}",
        ),
    }


def _pairs(sides: Sides, features: Features, head: Head | None, seed: int) -> tuple[Reals, Reals]:
    """Distances of pairs of held-out pictures, of one label and of two."""
    held = Vectors(features, sides.held, head).together()
    return pair_distances(held, sides.held_labels, _PAIRS, seed)


def _own_left_out(sides: Sides, references: Floats, queries: Floats) -> Floats:
    """Distances to the nearest reference of another group."""
    others = np.empty(len(queries), np.float32)
    for label in np.unique(sides.query_labels):
        rows = sides.query_labels == label
        others[rows], _ = nearest(references[sides.reference_labels != label], queries[rows])
    return others
