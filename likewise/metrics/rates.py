"""One-to-one figures: error rates of pairs at a threshold, and over all thresholds.

Smaller is closer, `distance <= threshold` is a match. Terms are those of ISO/IEC 19795-1. Every
function names its formula and its source.

Does not measure distances (`pairs`) and does not choose thresholds (`thresholds`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from likewise.arrays import Doubles, Reals
from likewise.metrics.intervals import smallest_rate
from likewise.metrics.thresholds import largest_threshold


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Two rates as functions of the threshold.

    Attributes:
        thresholds: Distances, ascending, `(t,)`.
        false: Share of what should not match that is within each, `(t,)`: FMR or FPIR.
        missed: Share of what should match that is not, `(t,)`: FNMR or FNIR.
    """

    thresholds: Doubles
    false: Doubles
    missed: Doubles

    def thinned(self, points: int) -> Curve:
        """Keep about `points` points, spread evenly along the curve, both ends included."""
        steps = np.abs(np.diff(self.false)) + np.abs(np.diff(self.missed))
        along = np.concatenate([[0.0], np.cumsum(steps)])
        chosen = np.unique(np.searchsorted(along, np.linspace(0, along[-1], points)))
        return Curve(self.thresholds[chosen], self.false[chosen], self.missed[chosen])


class EqualErrorRate(NamedTuple):
    """The point of a curve at which both rates are nearest to each other.

    Attributes:
        rate: Mean of both rates at `threshold`, in [0, 1].
        threshold: Largest distance that is a match there, Euclidean.
    """

    rate: float
    threshold: float


def det_curve(same: Reals, different: Reals) -> Curve:
    """Count FMR and FNMR at every distance that occurs.

    FMR(t) = share of different pairs with d <= t, FNMR(t) = share of same pairs with d > t: the
    detection error tradeoff of Martin et al., "The DET curve", Eurospeech 1997.

    Args:
        same: Distances of pairs of one label, `(p,)`, p >= 1.
        different: Distances of pairs of two labels, `(q,)`, q >= 1.

    Raises:
        ValueError: If either is empty.

    Example:
        >>> curve = det_curve(np.array([0.1, 0.4]), np.array([0.3, 0.8]))
        >>> curve.thresholds.tolist(), curve.false.tolist(), curve.missed.tolist()
        ([0.1, 0.3, 0.4, 0.8], [0.0, 0.5, 0.5, 1.0], [0.5, 0.5, 0.0, 0.0])
    """
    require_distances(same, "same pairs")
    require_distances(different, "different pairs")
    thresholds = np.unique(np.concatenate([same, different])).astype(np.float64)
    matched = count_within(different, thresholds) / len(different)
    return Curve(thresholds, matched, (len(same) - count_within(same, thresholds)) / len(same))


def equal_error_rate(curve: Curve) -> EqualErrorRate:
    """Find where both rates of a curve are nearest to each other (ISO/IEC 19795-1, EER).

    The threshold is one of the curve's, so the rate is one that a threshold attains; of several
    equally good thresholds it is the smallest.

    Example:
        >>> equal_error_rate(det_curve(np.array([0.1, 0.2, 0.9]), np.array([0.3, 0.8, 0.95])))
        EqualErrorRate(rate=0.3333333333333333, threshold=0.3)
    """
    best = int(np.argmin(np.abs(curve.false - curve.missed)))
    rate = float(curve.false[best] + curve.missed[best]) / 2
    return EqualErrorRate(rate, float(curve.thresholds[best]))


def fmr(different: Reals, threshold: float) -> float:
    """False match rate: share of different pairs within the threshold (ISO/IEC 19795-1).

    Args:
        different: Distances of pairs of two labels, `(q,)`, q >= 1.
        threshold: Largest distance that is a match, equality included.
    """
    return float(np.mean(_doubles(different) <= threshold))


def fnmr(same: Reals, threshold: float) -> float:
    """False non-match rate: share of same pairs beyond the threshold (ISO/IEC 19795-1).

    Args:
        same: Distances of pairs of one label, `(p,)`, p >= 1.
        threshold: Largest distance that is a match, equality included.
    """
    return float(np.mean(_doubles(same) > threshold))


def fnmr_at_fmr(same: Reals, different: Reals, rate: float) -> float | None:
    """Share of same pairs missed at the largest threshold with at most this FMR (ISO/IEC 19795-1).

    Args:
        same: Distances of pairs of one label, `(p,)`, p >= 1.
        different: Distances of pairs of two labels, `(q,)`, q >= 1.
        rate: The FMR, above 0 and below 1.

    Returns:
        None where the different pairs are too few to support the rate (3 / n).

    Example:
        >>> fnmr_at_fmr(np.array([0.1, 0.4]), np.linspace(0.3, 1, 10), rate=0.5)
        0.0
    """
    if smallest_rate(len(different)) > rate:
        return None
    return fnmr(same, largest_threshold(different, rate))


def pair_accuracy(same: Reals, different: Reals, threshold: float) -> float:
    """Share of pairs that the threshold judges rightly, both kinds weighing the same.

    The tutorial's figure (keras.io, "Image similarity estimation using a Siamese Network with a
    contrastive loss") at a threshold of 0.5: (1 - FNMR + 1 - FMR) / 2.

    Args:
        same: Distances of pairs of one label, `(p,)`, p >= 1.
        different: Distances of pairs of two labels, `(q,)`, q >= 1.
        threshold: Largest distance that is a match, equality included.

    Example:
        >>> pair_accuracy(np.array([0.1, 0.5]), np.array([0.6, 0.4]), threshold=0.5)
        0.75
    """
    within, beyond = _doubles(same) <= threshold, _doubles(different) > threshold
    return float(np.mean(within) + np.mean(beyond)) / 2


def count_within(distances: Reals, thresholds: Doubles) -> npt.NDArray[np.intp]:
    """Count the distances that are at most each threshold.

    Args:
        distances: `(n,)`, in any order.
        thresholds: `(t,)`.
    """
    return np.searchsorted(np.sort(distances), thresholds, side="right")


def require_distances(distances: Reals, what: str) -> None:
    """Refuse rates of nothing.

    Args:
        distances: `(n,)`.
        what: What they were measured of, for the error's text.

    Raises:
        ValueError: If there are none.
    """
    if not len(distances):
        raise ValueError(f"Expected at least one distance of {what}. Received none.")


def _doubles(distances: Reals) -> Doubles:
    """Distances to compare with a threshold: beside float32, NumPy would round that to float32."""
    doubles: Doubles = distances.astype(np.float64)
    return doubles
