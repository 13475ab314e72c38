"""How good the distances are: verification, identification, open-set and retrieval metrics.

Pure NumPy on distances that were measured elsewhere; smaller is closer, `distance <= threshold` is
a match. Terms are those of ISO/IEC 19795-1. Every function says its formula and where it is from.

Does not search, does not choose thresholds (`thresholds`) and does not draw (`likewise.report`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from likewise.arrays import Bools, Doubles, Floats, Indices, Ints, Reals
from likewise.metrics.intervals import smallest_rate
from likewise.metrics.limits import Limits
from likewise.metrics.thresholds import Mated, largest_threshold


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Two rates as functions of the threshold.

    Attributes:
        thresholds: Reals, ascending, `(t,)`.
        false: Share of what should not match that is within each, `(t,)`: FMR or FPIR.
        missed: Share of what should match that is not, `(t,)`: FNMR or FNIR.
    """

    thresholds: Doubles
    false: Doubles
    missed: Doubles

    def thinned(self, points: int) -> Curve:
        """Keep about so many points, as far apart along the curve as can be, both ends included."""
        steps = np.abs(np.diff(self.false)) + np.abs(np.diff(self.missed))
        along = np.concatenate([[0.0], np.cumsum(steps)])
        kept = np.unique(np.searchsorted(along, np.linspace(0, along[-1], points)))
        return Curve(self.thresholds[kept], self.false[kept], self.missed[kept])


# ------------------------------------------------------------ verification: one to one


def det_curve(same: Reals, different: Reals) -> Curve:
    """Count FMR and FNMR at every distance that occurs.

    FMR(t) = share of different pairs with d <= t, FNMR(t) = share of same pairs with d > t: the
    detection error tradeoff of Martin et al., "The DET curve", Eurospeech 1997.

    Args:
        same: Reals of pairs of one label, `(p,)`, p >= 1.
        different: Reals of pairs of two labels, `(q,)`, q >= 1.

    Raises:
        ValueError: If either is empty.

    Example:
        >>> curve = det_curve(np.array([0.1, 0.4]), np.array([0.3, 0.8]))
        >>> curve.thresholds.tolist(), curve.false.tolist(), curve.missed.tolist()
        ([0.1, 0.3, 0.4, 0.8], [0.0, 0.5, 0.5, 1.0], [0.5, 0.5, 0.0, 0.0])
    """
    _some(same, "same pairs")
    _some(different, "different pairs")
    thresholds = np.unique(np.concatenate([same, different])).astype(np.float64)
    matched = _count(different, thresholds) / len(different)
    return Curve(thresholds, matched, (len(same) - _count(same, thresholds)) / len(same))


def equal_error_rate(curve: Curve) -> tuple[float, float]:
    """Find where both rates of a curve are nearest to each other (ISO/IEC 19795-1, EER).

    Returns:
        The mean of both rates there, and the threshold; of several the smallest.

    Example:
        >>> equal_error_rate(det_curve(np.array([0.1, 0.2, 0.9]), np.array([0.3, 0.8, 0.95])))
        (0.3333333333333333, 0.3)
    """
    best = int(np.argmin(np.abs(curve.false - curve.missed)))
    return float(curve.false[best] + curve.missed[best]) / 2, float(curve.thresholds[best])


def fnmr_at_fmr(same: Reals, different: Reals, fmr: float) -> float | None:
    """Share of same pairs missed at the largest threshold with at most this FMR (ISO/IEC 19795-1).

    Returns:
        None where the different pairs are too few to support the rate (3 / n).

    Example:
        >>> fnmr_at_fmr(np.array([0.1, 0.4]), np.linspace(0.3, 1, 10), fmr=0.5)
        0.0
    """
    if smallest_rate(len(different)) > fmr:
        return None
    return float(np.mean(same > largest_threshold(different, fmr)))


def pair_accuracy(same: Reals, different: Reals, threshold: float) -> float:
    """Share of pairs that the threshold judges rightly, both kinds weighing the same.

    The tutorial's figure (keras.io, "Image similarity estimation using a Siamese Network with a
    contrastive loss") at a threshold of 0.5: (1 - FNMR + 1 - FMR) / 2.

    Example:
        >>> pair_accuracy(np.array([0.1, 0.5]), np.array([0.6, 0.4]), threshold=0.5)
        0.75
    """
    return float(np.mean(same <= threshold) + np.mean(different > threshold)) / 2


# ------------------------------------------------------------ identification: one to many


def ranks(distances: Reals, own: Ints) -> Indices:
    """Give the rank of each query's own group: 1 + the other groups that are at most as far.

    Args:
        distances: To the nearest reference of each group, `(n, g)`.
        own: Column of each query's group, `(n,)`.

    Example:
        >>> ranks(np.array([[0.2, 0.5], [0.2, 0.1]]), np.array([0, 0])).tolist()
        [1, 2]
    """
    nearest = np.take_along_axis(distances, own[:, None], axis=1)
    return np.asarray(np.count_nonzero(distances <= nearest, axis=1), np.int64)


def rank_rate(found: Ints, k: int) -> float:
    """Share of mated queries whose group is among the k nearest (ISO/IEC 19795-1, rank-k rate).

    Example:
        >>> rank_rate(np.array([1, 1, 2, 7]), 5)
        0.75
    """
    return float(np.mean(found <= k))


def identification_curve(mated: Mated, unknown: Reals) -> Curve:
    """Count FPIR and FNIR at every distance that occurs.

    FPIR(t) = share of non-mated queries whose nearest reference is within t. FNIR(t) = share of
    mated queries whose nearest reference is of another group, or beyond t. 1 - FNIR over FPIR is
    the detection and identification rate of Phillips, Grother, Micheals, "Evaluation Methods in
    Face Recognition", Handbook of Face Recognition, 2011.

    Example:
        >>> mated = Mated(np.float32([0.25, 0.5]), np.float32([1, 0.4]), ["a", "b"])
        >>> curve = identification_curve(mated, np.float32([0.125, 0.75]))
        >>> curve.false.tolist(), curve.missed.tolist()
        ([0.5, 0.5, 1.0], [1.0, 0.5, 0.5])
    """
    _some(mated.own, "mated queries")
    _some(unknown, "non-mated queries")
    found = mated.own[mated.own < mated.other]
    thresholds = np.unique(np.concatenate([found, unknown])).astype(np.float64)
    matched = _count(unknown, thresholds) / len(unknown)
    return Curve(thresholds, matched, (len(mated) - _count(found, thresholds)) / len(mated))


def fnir_at_fpir(mated: Mated, unknown: Floats, fpir: float) -> float | None:
    """Share of mated queries missed at the largest threshold with at most this FPIR.

    A wrong group within the threshold is a miss (ISO/IEC 19795-1).

    Returns:
        None where the non-mated queries are too few to support the rate (3 / n).
    """
    if smallest_rate(len(unknown)) > fpir:
        return None
    return float(np.mean(mated.missed(Limits(largest_threshold(unknown, fpir)))))


def auroc(known: Reals, unknown: Reals) -> float:
    """Probability that a known query comes nearer than an unknown one, ties counting half.

    The area under the ROC curve as Mann and Whitney's statistic (Hanley and McNeil, Radiology 143
    (1982), 29-36).

    Example:
        >>> auroc(np.array([0.1, 0.2]), np.array([0.2, 0.9]))  # 1 + 1 + half + 1 of 4
        0.875
    """
    _some(known, "known queries")
    _some(unknown, "unknown queries")
    ordered = np.sort(unknown)
    nearer = np.searchsorted(ordered, known, "left") + np.searchsorted(ordered, known, "right")
    return 1 - float(nearer.mean()) / (2 * len(unknown))


def oscr(mated: Mated, unknown: Reals) -> float:
    """Area under the correct classification rate over the false positive rate.

    CCR(t) = share of mated queries whose nearest reference is of their group and within t, FPR(t) =
    share of unknown queries within t; with the mean over ties (Dhamija, Günther, Boult, "Reducing
    Network Agnostophobia", NeurIPS 2018).

    Example:
        >>> mated = Mated(np.float32([0.25, 0.5]), np.float32([1, 0.4]), ["a", "b"])
        >>> oscr(mated, np.float32([0.125, 0.75]))  # one of two is found, before one of two unknown
        0.25
    """
    found = mated.own[mated.own < mated.other]
    return auroc(found, unknown) * len(found) / len(mated) if len(found) else 0.0


def confusion(
    labels: Sequence[str], said: Sequence[str | None]
) -> tuple[list[str | None], Indices]:
    """Count what was said of the queries of each group.

    Returns:
        Names in order, None last where it occurs, and the counts, rows for what is true and columns
        for what was said.

    Example:
        >>> names, counts = confusion(["a", "a", "b"], ["a", "b", None])
        >>> names, counts.tolist()
        (['a', 'b', None], [[1, 1, 0], [0, 0, 1], [0, 0, 0]])
    """
    every = {*labels, *said}
    names: list[str | None] = [*sorted(name for name in every if name is not None)]
    names += [None] * (None in every)
    place = {name: at for at, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), np.int64)
    np.add.at(counts, ([place[name] for name in labels], [place[name] for name in said]), 1)
    return names, counts


# ------------------------------------------------------------ retrieval


def precision_at_1(relevant: Bools) -> Doubles:
    """Whether the nearest reference is of the query's group, 0 or 1 for each query.

    Args:
        relevant: Whether each reference is of the query's group, nearest first, `(n, m)`.
    """
    return relevant[:, 0].astype(np.float64)


def recall_at_k(relevant: Bools, k: int) -> Doubles:
    """Whether any of the k nearest is of the query's group (Jégou, Douze, Schmid, PAMI 33 (2011)).

    Example:
        >>> recall_at_k(np.array([[False, True], [False, False]]), 2).tolist()
        [1.0, 0.0]
    """
    return np.asarray(relevant[:, :k].any(axis=1), np.float64)


def r_precision(relevant: Bools, sizes: Ints) -> Doubles:
    """Share of the group among the R nearest, for each query; R is the group's size.

    Musgrave, Belongie, Lim, "A Metric Learning Reality Check", ECCV 2020.

    Args:
        relevant: `(n, m)`, nearest first, m at least the largest size.
        sizes: References of each query's group, R, `(n,)`, >= 1.

    Example:
        >>> r_precision(np.array([[True, False, True]]), np.array([2])).tolist()
        [0.5]
    """
    counted = relevant & _first(relevant, sizes)
    return np.asarray(counted.sum(axis=1) / sizes, np.float64)


def map_at_r(relevant: Bools, sizes: Ints) -> Doubles:
    """Mean over the R nearest of the precision at each that is of the group, 0 at the others.

    MAP@R = 1/R · Σ P(i) for those i <= R that are relevant (Musgrave, Belongie, Lim, ECCV 2020);
    arguments as for `r_precision`.

    Example:
        >>> map_at_r(np.array([[True, False, True]]), np.array([3])).tolist()  # (1 + 2/3) / 3
        [0.5555555555555555]
    """
    counted = relevant & _first(relevant, sizes)
    so_far = np.cumsum(counted, axis=1) / np.arange(1, relevant.shape[1] + 1)
    return np.asarray((so_far * counted).sum(axis=1) / sizes, np.float64)


def _first(relevant: Bools, sizes: Ints) -> Bools:
    inside: Bools = np.arange(relevant.shape[1]) < sizes[:, None]
    return inside


# ------------------------------------------------------------ inside


def _count(distances: Reals, thresholds: Doubles) -> npt.NDArray[np.intp]:
    """Count the distances that are at most each threshold."""
    return np.searchsorted(np.sort(distances), thresholds, side="right")


def _some(values: Reals, what: str) -> None:
    if not len(values):
        raise ValueError(f"Expected at least one distance of {what}. Received none.")
