"""Operating points for a target FPIR, a target FMR or the least cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from index.operating_point import OperatingPoint
from likewise.calibration.searches import Searches
from likewise.metrics.intervals import clopper_pearson, smallest_rate
from likewise.metrics.limits import Limits
from likewise.metrics.searches import Mated, NonMated
from likewise.metrics.thresholds import (
    Cost,
    largest_threshold,
    limits_by_group,
    require_support,
    threshold_for_cost,
    threshold_for_fpir,
)


def point_for_fpir(searches: Searches, target: float, per_group: bool) -> OperatingPoint:
    """The largest threshold at which at most the target share of unknowns matches.

    Args:
        searches: With enough non-mated queries for the target.
        target: FPIR, above 0 and below 1.
        per_group: Whether groups with enough non-mated queries have their own thresholds.

    Raises:
        CalibrationError: If there are too few non-mated queries.
    """
    kinds = searches.kinds
    limits = Limits(threshold_for_fpir(list(kinds.values()), target))
    if per_group:
        limits = limits_by_group(searches.pool, target, limits.threshold)
    return replace(measured_at(limits, searches.mated, kinds), rate="fpir", target=target)


def point_for_fmr(searches: Searches, target: float) -> OperatingPoint:
    """The largest threshold at which at most the target share of pairs of two groups matches.

    The measured rate is that of pairs; FPIR and FNIR of a search at the same threshold stay beside
    it.

    Args:
        searches: With pairs.
        target: FMR, above 0 and below 1.

    Raises:
        CalibrationError: If there are too few pairs.
    """
    assert searches.pairs is not None
    distances = searches.pairs.distances
    require_support("A target FMR", target, len(distances), "pairs of two groups")
    limits = Limits(largest_threshold(distances, target))
    false = int((distances.astype(np.float64) <= limits.threshold).sum())
    return replace(
        measured_at(limits, searches.mated, searches.kinds),
        rate="fmr",
        target=target,
        measured=false / len(distances),
        false=false,
        queries=len(distances),
        interval=list(searches.pairs.interval(limits.threshold)),
        smallest_rate=smallest_rate(len(distances)),
    )


def point_for_cost(searches: Searches, cost: Cost) -> OperatingPoint:
    """The threshold with the least expected cost.

    Args:
        searches: With mated and non-mated queries.
        cost: Costs of both errors, and the expected share of unknowns.

    Raises:
        CalibrationError: If there are no mated or no non-mated queries.
    """
    limits = Limits(threshold_for_cost(searches.mated, searches.pool, cost))
    point = measured_at(limits, searches.mated, searches.kinds)
    return replace(
        point,
        rate="cost",
        cost_false_match=cost.false_match,
        cost_miss=cost.miss,
        share_unknown=cost.share_unknown,
        expected_cost=float(cost.expected(point.fpir, point.fnir)),
    )


def measured_at(limits: Limits, mated: Mated, kinds: Mapping[str, NonMated]) -> OperatingPoint:
    """Measure both error rates of searches at a threshold.

    Args:
        limits: The threshold, and those of groups.
        mated: Queries of known groups; may be none.
        kinds: Non-mated queries by kind, at least one in all.

    Returns:
        The point with FPIR, FNIR (None without mated queries) and the counts behind them;
        `measured` is the FPIR.
    """
    false = {name: int(kind.matched(limits).sum()) for name, kind in kinds.items()}
    trials = sum(map(len, kinds.values()))
    missed = int(mated.missed(limits).sum())
    fpir = sum(false.values()) / trials
    return OperatingPoint(
        threshold=limits.threshold,
        measured=fpir,
        false=sum(false.values()),
        queries=trials,
        interval=list(clopper_pearson(sum(false.values()), trials)),
        smallest_rate=smallest_rate(trials),
        fpir=fpir,
        fnir=missed / len(mated) if len(mated) else None,
        missed=missed,
        mated=len(mated),
        unknown={
            name: {"queries": len(kind), "false": false[name]}
            for name, kind in kinds.items()
            if len(kind)
        },
        group_thresholds=dict(limits.groups),
    )
