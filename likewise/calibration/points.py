"""The operating point that searched queries give: by FPIR, by FMR or by cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from likewise.calibration.searched import Searched
from likewise.metrics.limits import Limits
from likewise.metrics.thresholds import (
    Cost,
    counts_behind,
    largest_threshold,
    limits_by_group,
    measured_at,
    require_support,
    threshold_for_cost,
    threshold_for_fpir,
)


def point_for_fpir(searched: Searched, target: float, per_group: bool) -> dict[str, Any]:
    """At most the wanted share of unknowns matches; if asked, for each group that has enough."""
    kinds = searched.kinds
    limits = Limits(threshold_for_fpir(list(kinds.values()), target))
    if per_group:
        limits = limits_by_group(searched.pool, target, limits.threshold)
    groups = {"group_thresholds": dict(limits.groups)} if limits.groups else {}
    return _point("fpir", target, limits, searched) | groups


def point_for_fmr(searched: Searched, target: float) -> dict[str, Any]:
    """At most the wanted share of pairs matches.

    The rate is that of pairs; FPIR and FNIR of a search at the same threshold stay beside it.
    """
    assert searched.pairs is not None
    distances = searched.pairs.distances
    require_support("an FMR", target, len(distances), "pairs of two groups")
    limits = Limits(largest_threshold(distances, target))
    false = int((distances.astype(np.float64) <= limits.threshold).sum())
    counted = counts_behind(false, len(distances))
    counted["interval"] = list(searched.pairs.interval(limits.threshold))
    return _point("fmr", target, limits, searched) | counted


def point_for_cost(searched: Searched, cost: Cost) -> dict[str, Any]:
    """What false matches and misses cost together is least."""
    limits = Limits(threshold_for_cost(searched.mated, searched.pool, cost))
    point = _point("cost", None, limits, searched)
    return point | {
        "cost_false_match": cost.false_match,
        "cost_miss": cost.miss,
        "share_unknown": cost.share_unknown,
        "expected_cost": float(cost.expected(point["fpir"], point["fnir"])),
    }


def _point(rate: str, target: float | None, limits: Limits, searched: Searched) -> dict[str, Any]:
    measured = measured_at(limits, searched.mated, searched.kinds)
    return {"threshold": limits.threshold, "rate": rate, "target": target, **measured}
