"""Verification (one to one): figures of random pairs of the queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from likewise.arrays import Floats, Indices, Reals
from likewise.evaluation.estimates import Estimate, Named, bounded
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
TUTORIAL_THRESHOLD = 0.5  # at which the tutorial counts pair accuracy


@dataclass(frozen=True, slots=True)
class VerificationFigures:
    """Figures of pairs: one to one.

    Attributes:
        same_pairs: Pairs of one label.
        different_pairs: Pairs of two labels.
        draws: How often pairs were drawn.
        eer: Equal error rate.
        eer_threshold: Threshold of the EER.
        fnmr_at_fmr: FNMR at the largest threshold with each FMR.
        fmr: FMR at the judged threshold.
        fnmr: FNMR at the judged threshold.
        pair_accuracy: Pair accuracy at `TUTORIAL_THRESHOLD`.
    """

    same_pairs: int
    different_pairs: int
    draws: int
    eer: Estimate
    eer_threshold: Estimate
    fnmr_at_fmr: Mapping[float, Estimate | None]
    fmr: Estimate
    fnmr: Estimate
    pair_accuracy: Estimate

    def named(self) -> Named:
        """The figures by the names of the report."""
        at_fmr = {f"FNMR at FMR {100 * rate:g} %": x for rate, x in self.fnmr_at_fmr.items()}
        return {
            "same pairs": self.same_pairs,
            "different pairs": self.different_pairs,
            "draws": self.draws,
            "EER": self.eer,
            "EER threshold": self.eer_threshold,
            **at_fmr,
            "FMR at the threshold": self.fmr,
            "FNMR at the threshold": self.fnmr,
            f"pair accuracy at {TUTORIAL_THRESHOLD:g}": self.pair_accuracy,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Verification:
    """Figures of pairs, and the data to plot them.

    Attributes:
        figures: All figures of pairs.
        same: Distances of all same pairs, ascending.
        different: Distances of all different pairs, ascending.
        det: FMR and FNMR over the threshold.
    """

    figures: VerificationFigures
    same: Reals
    different: Reals
    det: Curve


def verification(
    vectors: Floats, labels: Sequence[str], threshold: float, *, seed: int, draws: int
) -> Verification:
    """Measure on all pairs drawn, each once.

    Args:
        vectors: Embeddings of the n labelled pictures, `(n, dim)`.
        labels: n; at least two different ones, one of them twice.
        threshold: Threshold of the judged operating point.
        seed: Seed of the first draw.
        draws: How often pairs are drawn.
    """
    drawn = [drawn_pairs(labels, PAIRS, seed + turn) for turn in range(draws)]
    parts = [(distances_of(vectors, a), distances_of(vectors, b)) for a, b in drawn]
    same, different = (
        _once(np.concatenate(rows), np.concatenate(distances), len(labels))
        for rows, distances in zip(zip(*drawn, strict=True), zip(*parts, strict=True), strict=True)
    )
    judged = [(same.distances, different.distances), *parts]  # all pairs, then those of each draw
    curves = [det_curve(*both) for both in judged]
    figures = _figures(same, different, judged, curves, threshold, len(labels))
    return Verification(figures, same.distances, different.distances, curves[0])


def _figures(
    same: Pairs,
    different: Pairs,
    judged: Sequence[tuple[Reals, Reals]],
    curves: Sequence[Curve],
    threshold: float,
    images: int,
) -> VerificationFigures:
    bounds = verification_bounds(same, different, images, FMRS, [threshold, TUTORIAL_THRESHOLD])
    rates, thresholds = zip(*map(equal_error_rate, curves), strict=True)

    def estimate(values: Sequence[float], ends: tuple[float, float]) -> Estimate:
        return bounded(values[0], ends, images).over_draws(values[1:])

    at_fmr = {rate: [fnmr_at_fmr(*both, rate) for both in judged] for rate in FMRS}
    return VerificationFigures(
        same_pairs=len(same.distances),
        different_pairs=len(different.distances),
        draws=len(judged) - 1,
        eer=estimate(rates, bounds.eer),
        eer_threshold=estimate(thresholds, bounds.eer_threshold),
        fnmr_at_fmr={
            rate: _where_supported(values, ends, images)
            for (rate, values), ends in zip(at_fmr.items(), bounds.fnmr_at_fmr, strict=True)
        },
        fmr=estimate([fmr(b, threshold) for _, b in judged], bounds.fmr[0]),
        fnmr=estimate([fnmr(a, threshold) for a, _ in judged], bounds.fnmr[0]),
        pair_accuracy=estimate(
            [pair_accuracy(*both, TUTORIAL_THRESHOLD) for both in judged], bounds.accuracy[1]
        ),
    )


def _where_supported(
    values: Sequence[float | None], ends: tuple[float, float], images: int
) -> Estimate | None:
    """The figure of all pairs with its range over the draws; None where they are too few for it."""
    value, *of_draws = values
    return None if value is None else bounded(value, ends, images).over_draws(of_draws)


def _once(rows: Indices, distances: Reals, images: int) -> Pairs:
    """All pairs of several draws, each once: of few pictures most are drawn again and again."""
    first, second = np.minimum(rows[:, 0], rows[:, 1]), np.maximum(rows[:, 0], rows[:, 1])
    _, once = np.unique(first * images + second, return_index=True)
    return Pairs.of(distances[once], rows[once])
