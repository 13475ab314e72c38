"""Identification figures (one to many): ranks, FPIR and FNIR, AUROC, OSCR, confusion.

Smaller is closer, `distance <= threshold` is a match. Terms are those of ISO/IEC 19795-1. Every
function names its formula and its source.

Does not search (`likewise.queries`) and does not choose thresholds (`thresholds`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from likewise.arrays import Floats, Indices, Ints, Reals
from likewise.metrics.intervals import smallest_rate
from likewise.metrics.limits import Limits
from likewise.metrics.rates import Curve, count_within, require_distances
from likewise.metrics.searches import Mated
from likewise.metrics.thresholds import largest_threshold


def rank_rate(ranks: Ints, k: int) -> float:
    """Share of mated queries whose group is among the k nearest (ISO/IEC 19795-1, rank-k rate).

    Args:
        ranks: Rank of each query's own group, `(n,)`, from 1 on.
        k: >= 1.

    Example:
        >>> rank_rate(np.array([1, 1, 2, 7]), 5)
        0.75
    """
    return float(np.mean(ranks <= k))


def identification_curve(mated: Mated, unknown: Reals) -> Curve:
    """Count FPIR and FNIR at every distance that occurs.

    FPIR(t) = share of non-mated queries whose nearest reference is within t. FNIR(t) = share of
    mated queries whose nearest reference is of another group, or beyond t. 1 - FNIR over FPIR is
    the detection and identification rate of Phillips, Grother, Micheals, "Evaluation Methods in
    Face Recognition", Handbook of Face Recognition, 2011.

    Args:
        mated: Searches of m mated queries, m >= 1.
        unknown: Distance of each non-mated query to its nearest reference, `(n,)`, n >= 1.

    Example:
        >>> mated = Mated(np.float32([0.25, 0.5]), np.float32([1, 0.4]), ["a", "b"])
        >>> curve = identification_curve(mated, np.float32([0.125, 0.75]))
        >>> curve.false.tolist(), curve.missed.tolist()
        ([0.5, 0.5, 1.0], [1.0, 0.5, 0.5])
    """
    require_distances(mated.own, "mated queries")
    require_distances(unknown, "non-mated queries")
    thresholds = np.unique(np.concatenate([mated.found, unknown])).astype(np.float64)
    matched = count_within(unknown, thresholds) / len(unknown)
    return Curve(
        thresholds, matched, (len(mated) - count_within(mated.found, thresholds)) / len(mated)
    )


def fnir_at_fpir(mated: Mated, unknown: Floats, fpir: float) -> float | None:
    """Share of mated queries missed at the largest threshold with at most this FPIR.

    A wrong group within the threshold is a miss (ISO/IEC 19795-1).

    Args:
        mated: Searches of m mated queries, m >= 1.
        unknown: Distance of each non-mated query to its nearest reference, `(n,)`.
        fpir: Above 0 and below 1.

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

    Args:
        known: Distance of each known query to its nearest reference, `(m,)`, m >= 1.
        unknown: Distance of each unknown query to its nearest reference, `(n,)`, n >= 1.

    Example:
        >>> auroc(np.array([0.1, 0.2]), np.array([0.2, 0.9]))  # 1 + 1 + half + 1 of 4
        0.875
    """
    require_distances(known, "known queries")
    require_distances(unknown, "unknown queries")
    ordered = np.sort(unknown)
    nearer = np.searchsorted(ordered, known, "left") + np.searchsorted(ordered, known, "right")
    return 1 - float(nearer.mean()) / (2 * len(unknown))


def oscr(mated: Mated, unknown: Reals) -> float:
    """Area under the correct classification rate over the false positive rate.

    CCR(t) = share of mated queries whose nearest reference is of their group and within t, FPR(t) =
    share of unknown queries within t; with the mean over ties (Dhamija, Günther, Boult, "Reducing
    Network Agnostophobia", NeurIPS 2018).

    Args:
        mated: Searches of m mated queries, m >= 1.
        unknown: Distance of each unknown query to its nearest reference, `(n,)`, n >= 1.

    Example:
        >>> mated = Mated(np.float32([0.25, 0.5]), np.float32([1, 0.4]), ["a", "b"])
        >>> oscr(mated, np.float32([0.125, 0.75]))  # one of two is found, before one of two unknown
        0.25
    """
    found = mated.found
    return auroc(found, unknown) * len(found) / len(mated) if len(found) else 0.0


def confusion(
    labels: Sequence[str], answers: Sequence[str | None], most: int = 200
) -> tuple[list[str | None], Indices, int]:
    """Count the answers for the queries of each group.

    Args:
        labels: The queries' groups, n.
        answers: The group that each query was matched with, n; None for no match.
        most: Groups that are counted, those with the most wrong answers.

    Returns:
        The g names in order, None last where it occurs; the counts, `(g, g)`: rows are the
        queries' groups, columns the answers; and how many groups are left out.

    Example:
        >>> names, counts, left_out = confusion(["a", "a", "b"], ["a", "b", None])
        >>> names, counts.tolist(), left_out
        (['a', 'b', None], [[1, 1, 0], [0, 0, 1], [0, 0, 0]], 0)
    """
    pairs = Counter(zip(labels, answers, strict=True))
    wrong: Counter[str] = Counter(dict.fromkeys([*labels, *filter(None, answers)], 0))
    for (label, answer), count in pairs.items():
        if answer != label:
            wrong[label] += count
            if answer is not None:
                wrong[answer] += count
    kept = sorted(sorted(wrong), key=lambda name: -wrong[name])[:most]
    names: list[str | None] = [*sorted(kept)]
    names += [None] * (None in answers)
    place = {name: row for row, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), np.int64)
    for (label, answer), count in pairs.items():
        if label in place and answer in place:
            counts[place[label], place[answer]] = count
    return names, counts, len(wrong) - len(kept)
