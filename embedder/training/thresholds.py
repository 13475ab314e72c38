"""The thresholds that a model brings along, measured on pictures that its training did not see.

`eer` judges pairs: it is where FMR and FNMR are equal. `default` judges searches, in which a
picture of no group has a whole gallery to come near to: of pictures made to be of no group, at
most a share is matched, or the least share that so few can show. Galleries take the latter until
they are calibrated themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from likewise.arrays import Floats, Indices
from likewise.metrics.intervals import smallest_rate
from likewise.metrics.pairs import distances_between, exact_distances
from likewise.metrics.rates import det_curve, equal_error_rate, fmr, fnmr
from likewise.metrics.thresholds import allowed_within, threshold_within

Labels = npt.NDArray[np.str_]
Point = dict[str, Any]

FPIR = 0.02  # share of the made pictures, some of which are good digits by chance
_AT_ONCE = 2_000_000  # distances, 8 MB


def pair_point(same: npt.NDArray[Any], different: npt.NDArray[Any], images: int) -> Point:
    """Measure the threshold at the EER.

    Args:
        same: Distances of pairs of one label.
        different: Distances of pairs of two labels.
        images: How many pictures the pairs were drawn from.

    Returns:
        `threshold`, both error rates at it, and what they were measured on, as plain JSON.

    Example:
        >>> pair_point(np.array([0.1, 0.2, 0.9]), np.array([0.3, 0.8, 0.95]), images=4)["fmr"]
        0.3333333333333333
    """
    threshold = equal_error_rate(det_curve(same, different)).threshold
    return {
        "threshold": threshold,
        "fmr": fmr(different, threshold),
        "fnmr": fnmr(same, threshold),
        "measured_on": f"{same.size + different.size} pairs of {images} validation images",
    }


def search_point(
    references: Floats,
    reference_labels: Labels,
    known: Floats,
    known_labels: Labels,
    unknown: Floats,
    *,
    fpir: float = FPIR,
    made: str = "outliers made of them",
) -> Point:
    """Measure the largest threshold within which at most a share of the unknown are matched.

    Args:
        references: Vectors of the groups' references, `(r, dim)`.
        reference_labels: Their labels, `(r,)`.
        known: Vectors of the same groups, not seen in training, `(n, dim)`.
        known_labels: Their labels, `(n,)`.
        unknown: Vectors of no group, not seen in training, `(m, dim)`, at least 1 / `fpir`.
        fpir: The share.
        made: What the unknown are, in words.

    Returns:
        `threshold`, the FPIR and the FNIR at it with the counts behind them (`false` of `unknown`
        matched, `missed` of `known` beyond it or nearest to another group), and the number of
        references, as plain JSON.
    """
    strangers, _ = nearest(references, unknown)
    words = (
        f"{len(known)} validation images and {len(unknown)} {made}, "
        f"among {len(references)} training images"
    )
    return point_among(references, reference_labels, known, known_labels, strangers, words, fpir)


def point_among(
    references: Floats,
    reference_labels: Labels,
    known: Floats,
    known_labels: Labels,
    strangers: Floats,
    measured_on: str,
    fpir: float = FPIR,
) -> Point:
    """Measure the point of `search_point` where the distances of the unknown are there already.

    Args:
        references: Vectors of the groups' references, `(r, dim)`.
        reference_labels: Their labels, `(r,)`.
        known: Vectors of the same groups, not seen in training, `(n, dim)`.
        known_labels: Their labels, `(n,)`.
        strangers: Distance of each unknown to its nearest reference, `(m,)`, float32.
        measured_on: What it is measured on, in words.
        fpir: Share of the unknown that may be matched.
    """
    target = min(1.0, max(fpir, smallest_rate(len(strangers))))
    threshold = threshold_within(strangers, allowed_within(target, len(strangers)))
    distances, places = nearest(references, known)
    right = (distances <= threshold) & (reference_labels[places] == known_labels)
    false, missed = int(np.sum(strangers <= threshold)), int(np.sum(~right))
    return {
        "threshold": threshold,
        "fpir": false / len(strangers),
        "fnir": missed / len(known),
        "unknown": len(strangers),
        "false": false,
        "known": len(known),
        "missed": missed,
        "measured_on": measured_on,
    }


def nearest(references: Floats, queries: Floats) -> tuple[Floats, Indices]:
    """Distance to the nearest reference and its position, each `(n,)`.

    Args:
        references: Vectors, `(r, dim)`.
        queries: Vectors, `(n, dim)`.
    """
    places = np.empty(len(queries), np.int64)
    step = max(1, _AT_ONCE // len(references))
    for start in range(0, len(queries), step):
        rows = slice(start, start + step)
        places[rows] = distances_between(queries[rows], references).argmin(axis=1)
    return exact_distances(queries, np.arange(len(queries)), references, places), places
