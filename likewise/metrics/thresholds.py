"""Choose thresholds for a target error rate, or for the least expected cost.

As ISO/IEC 19795-1 defines the rates of a search at a threshold t,

    FPIR(t) = non-mated queries that are matched / non-mated queries
    FNIR(t) = mated queries whose nearest reference is of another group or beyond t / mated queries

Does not search (`likewise.queries`) and does not store (`likewise.calibration`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from likewise.arrays import Floats
from likewise.errors import LikewiseError
from likewise.metrics.intervals import smallest_rate, trials_needed
from likewise.metrics.limits import Limits
from likewise.metrics.searches import Mated, NonMated


class CalibrationError(LikewiseError):
    """Too few distances to support the target; the text states how many suffice."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Costs of errors, and the share of unknown queries.

    The expected cost of a query is share_unknown · false_match · FPIR(t) + (1 − share_unknown) ·
    miss · FNIR(t): the detection cost function of NIST's evaluations of speaker recognition.

    Attributes:
        false_match: Cost of an unknown that is matched, > 0.
        miss: Cost of a known that is missed, > 0.
        share_unknown: Expected share of unknowns among the queries, above 0 and below 1.
    """

    false_match: float
    miss: float
    share_unknown: float

    def __post_init__(self) -> None:
        if not (_positive(self.false_match) and _positive(self.miss)):
            raise ValueError(
                f"Costs must be finite numbers > 0. Received: {self.false_match}, {self.miss}."
            )
        require_share("share_unknown", self.share_unknown)

    def expected(self, fpir: Any, fnir: Any) -> Any:
        """The expected cost of one query.

        Args:
            fpir: A rate, or an array of rates.
            fnir: The same shape.
        """
        unknown = self.share_unknown * self.false_match * fpir
        return unknown + (1 - self.share_unknown) * self.miss * fnir


# ------------------------------------------------------------ choosing


def largest_threshold(distances: Floats, target: float) -> float:
    """Find the largest threshold within which lies at most the share `target` of the distances.

    Args:
        distances: Distances of queries or pairs that should not match, `(n,)`, float32, n >= 1.
        target: Above 0 and below 1.

    Returns:
        A float32 value: the largest one below the distance that would be one too many. The
        largest distance where none is.

    Raises:
        CalibrationError: If more than the share has a distance of 0.
        ValueError: If `target` is out of range.

    Example:
        >>> distances = np.array([0.5, 0.25, 1.0, 0.75], dtype=np.float32)
        >>> largest_threshold(distances, 0.5)  # two of four may be within: 0.25 and 0.5
        0.7499999403953552
    """
    require_share("target", target)
    return _at_most(distances, allowed_within(target, len(distances)))


def allowed_within(target: float, trials: int) -> int:
    """The largest count whose share of the trials is at most `target`, as floats divide.

    Args:
        target: Share, above 0 and below 1.
        trials: >= 1.

    Example:
        >>> allowed_within(0.29, 100)  # 0.29 · 100 is a little less than 29
        29
    """
    near = int(target * trials)
    return next(n for n in range(min(trials, near + 1), -1, -1) if n / trials <= target)


def threshold_within(distances: Floats, allowed: int) -> float:
    """Find the largest threshold within which at most `allowed` of the distances lie.

    Args:
        distances: Distances of queries or pairs that should not match, `(n,)`, float32, n >= 1.
        allowed: Number of distances that may be within, >= 0.

    Returns:
        A float32 value >= 0; 0 also where more than `allowed` distances are 0.
    """
    if allowed >= len(distances):
        return float(distances.max())
    first_too_many = np.float32(np.partition(distances, allowed)[allowed])
    return float(np.nextafter(first_too_many, np.float32(0)))


def threshold_for_fpir(kinds: Sequence[NonMated], target: float) -> float:
    """Find the largest threshold whose FPIR is at most `target`.

    It is so for all non-mated queries together, and for each kind that has enough of them to
    support the target by itself, so that many of an easy kind do not cover up for a hard one.

    Args:
        kinds: Non-mated queries of each kind.
        target: Largest share of them that may match, in (0, 1).

    Returns:
        A distance, >= 0.

    Raises:
        CalibrationError: If there are too few non-mated queries to support the target.
        ValueError: If `target` is out of range.
    """
    require_share("target", target)
    pool = NonMated.pooled(kinds)
    require_support("A target FPIR", target, len(pool), "non-mated queries")
    judged = [pool, *(kind for kind in kinds if len(kind) >= trials_needed(target))]
    return min(largest_threshold(part.distances, target) for part in judged)


def limits_by_group(pool: NonMated, target: float, threshold: float) -> Limits:
    """Give each group its own threshold, where enough non-mated queries come nearest to it.

    Enough is what supports the target, 3 / target of them. At most the share `target` of those is
    matched. The other groups share one threshold, at most the general one, such that the FPIR of
    all together is at most `target` too.

    Args:
        pool: All non-mated queries.
        target: FPIR, above 0 and below 1.
        threshold: The general one.

    Raises:
        CalibrationError: If no group has enough.
    """
    labels = np.array(pool.labels, object)
    names, counts = np.unique(labels.astype(str), return_counts=True)
    enough = trials_needed(target)
    able = [str(name) for name, count in zip(names, counts, strict=True) if count >= enough]
    if not able:
        raise CalibrationError(
            f"Thresholds by group for {target:g} need at least {enough} non-mated queries that "
            f"come nearest to one group. Received: at most {counts.max(initial=0)}. "
            "Pass more pictures, set a larger target, or use one threshold for all groups."
        )
    own = {name: largest_threshold(pool.distances[labels == name], target) for name in able}
    used = sum(int((pool.distances[labels == name] <= own[name]).sum()) for name in able)
    rest = pool.distances[~np.isin(labels, able)]
    if len(rest):
        threshold = min(threshold, _at_most(rest, allowed_within(target, len(pool)) - used))
    return Limits(threshold, own)


def threshold_for_cost(mated: Mated, pool: NonMated, cost: Cost) -> float:
    """Find the threshold with the least expected cost; of equally good ones the smallest.

    Every distance that occurs is tried, and one that is below them all.

    Args:
        mated: Queries whose group is in the gallery.
        pool: Queries of no group of the gallery.
        cost: Price of each kind of error, and how often unknowns come.

    Returns:
        A distance, >= 0.

    Raises:
        CalibrationError: If there are no mated or no non-mated queries.

    Example:
        >>> mated = Mated(np.float32([0.1, 0.6]), np.float32([1, 1]), ["a", "b"])
        >>> strangers = NonMated(np.float32([0.5, 0.7]), ["a", "a"])
        >>> threshold_for_cost(mated, strangers, Cost(10, 1, 0.5))  # a miss is cheaper
        0.10000000149011612
        >>> threshold_for_cost(mated, strangers, Cost(1, 10, 0.5))
        0.6000000238418579
    """
    if not len(mated) or not len(pool):
        raise CalibrationError(
            "A threshold by cost needs queries of known and of unknown groups. "
            f"Received: {len(mated)} mated and {len(pool)} non-mated queries."
        )
    tried = np.unique(np.concatenate([mated.found, pool.distances]))
    if tried[0] > 0:
        tried = np.insert(tried, 0, np.nextafter(tried[0], np.float32(0)))
    fpir = np.searchsorted(np.sort(pool.distances), tried, side="right") / len(pool)
    fnir = 1 - np.searchsorted(np.sort(mated.found), tried, side="right") / len(mated)
    return float(tried[np.argmin(cost.expected(fpir, fnir))])


def require_support(subject: str, target: float, trials: int, trials_name: str) -> None:
    """Refuse a target below the smallest rate that the trials can support.

    Args:
        subject: What is asked for, to begin the error's sentence.
        target: The wanted rate, in (0, 1).
        trials: How many there are, >= 0.
        trials_name: What the trials are, in the plural.

    Raises:
        CalibrationError: If there are too few trials; the text states the number needed.
    """
    if smallest_rate(trials) <= target:
        return
    least = _rounded_up(smallest_rate(trials)) if trials else 1
    remedy = f", or set a target of at least {least:g}" if least < 1 else ""
    raise CalibrationError(
        f"{subject} of {target:g} needs at least {trials_needed(target)} {trials_name}, "
        f"3 / {target:g}. Received: {trials}. Pass more pictures{remedy}."
    )


def require_share(name: str, value: float) -> None:
    """Refuse what is no share of anything.

    Args:
        name: Name of the argument, for the error.
        value: The caller's.

    Raises:
        ValueError: If it is not above 0 and below 1.
    """
    if not 0 < value < 1:
        raise ValueError(f"`{name}` must be above 0 and below 1. Received: {value!r}.")


# ------------------------------------------------------------ inside


def _at_most(distances: Floats, allowed: int) -> float:
    """The largest float32 within which at most `allowed` distances lie."""
    if np.count_nonzero(distances == 0) > allowed:
        raise CalibrationError(
            f"Expected at most {allowed} unknown queries at a distance of 0, but there are "
            f"{np.count_nonzero(distances == 0)}: pictures of unknown groups are in the gallery, "
            "or the same picture has two labels. Remove them, or set a larger target."
        )
    return threshold_within(distances, allowed)


def _rounded_up(rate: float) -> float:
    """A rate in two digits that is no smaller."""
    unit = 10.0 ** (math.floor(math.log10(rate)) - 1)
    return float(f"{math.ceil(rate / unit - 1e-9) * unit:.2g}")


def _positive(value: float) -> bool:
    return math.isfinite(value) and value > 0
