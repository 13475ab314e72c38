"""One to one: are two pictures of one group? On random pairs of the pictures that are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from likewise.arrays import Floats, Indices, Reals
from likewise.evaluation.figures import Figure, bounded, over_draws
from likewise.metrics.pair_bounds import Pairs, verification_bounds
from likewise.metrics.pairs import distances_of, drawn_pairs
from likewise.metrics.rates import (
    Curve,
    det_curve,
    equal_error_rate,
    fmr,
    fnmr,
    fnmr_at_fmr,
    pair_accuracy,
)

FMRS = (0.01, 0.001, 0.0001)
PAIRS = 50_000  # of each kind and draw
TUTORIAL_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Verification:
    """Figures of pairs, and what is needed to draw them.

    Attributes:
        figures: As they stand in `report.json`.
        same: Reals of all same pairs, ascending.
        different: Of all different ones, ascending.
        det: FMR and FNMR over the threshold.
    """

    figures: Figure
    same: Reals
    different: Reals
    det: Curve


def verification(
    vectors: Floats, labels: Sequence[str], threshold: float, *, seed: int, draws: int
) -> Verification:
    """Measure on all pairs drawn, each once, and say how far the draws and the images decide.

    Args:
        vectors: Of the n labelled pictures, `(n, dim)`.
        labels: n; at least two, one of them twice.
        threshold: That of the operating point.
        seed: Of the first draw.
        draws: How often pairs are drawn.
    """
    drawn = [drawn_pairs(labels, PAIRS, seed + turn) for turn in range(draws)]
    parts = [(distances_of(vectors, a), distances_of(vectors, b)) for a, b in drawn]
    same, different = (
        _once(np.concatenate(rows), np.concatenate(distances), len(labels))
        for rows, distances in zip(zip(*drawn, strict=True), zip(*parts, strict=True), strict=True)
    )
    bounds = verification_bounds(
        same, different, len(labels), FMRS, [threshold, TUTORIAL_THRESHOLD]
    )
    judged = [(same.distances, different.distances), *parts]  # all pairs, then those of each draw
    curves = [det_curve(*both) for both in judged]
    rates, thresholds = zip(*map(equal_error_rate, curves), strict=True)

    def figure(values: Sequence[float | None], ends: tuple[float, float]) -> Figure | None:
        value, *of_draws = values
        if value is None:
            return None
        return bounded(value, ends, len(labels)) | over_draws(of_draws)

    figures = {
        "same pairs": len(same.distances),
        "different pairs": len(different.distances),
        "draws": draws,
        "EER": figure(rates, bounds["EER"][0]),
        "EER threshold": figure(thresholds, bounds["EER"][1]),
        **{
            f"FNMR at FMR {100 * rate:g} %": figure(
                [fnmr_at_fmr(*both, rate) for both in judged], ends
            )
            for rate, ends in zip(FMRS, bounds["FNMR at FMR"], strict=True)
        },
        "FMR at the threshold": figure([fmr(b, threshold) for _, b in judged], bounds["FMR"][0]),
        "FNMR at the threshold": figure([fnmr(a, threshold) for a, _ in judged], bounds["FNMR"][0]),
        f"pair accuracy at {TUTORIAL_THRESHOLD:g}": figure(
            [pair_accuracy(*both, TUTORIAL_THRESHOLD) for both in judged], bounds["accuracy"][1]
        ),
    }
    return Verification(figures, same.distances, different.distances, curves[0])


def _once(rows: Indices, distances: Reals, images: int) -> Pairs:
    """All pairs of several draws, each once: of few pictures most are drawn again and again."""
    first, second = np.minimum(rows[:, 0], rows[:, 1]), np.maximum(rows[:, 0], rows[:, 1])
    _, once = np.unique(first * images + second, return_index=True)
    return Pairs.of(distances[once], rows[once])
