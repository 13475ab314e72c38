"""How sure a measured error rate is: intervals, and the smallest rate that n trials can support.

Pure NumPy. Does not measure rates (`calibration`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95
REPLICATES = 500  # of a bootstrap: the ends of its interval move by a few per cent of its width
_RULE_OF_THREE = 3.0

Ints = npt.NDArray[np.integer[Any]]
Bools = npt.NDArray[np.bool_]


def clopper_pearson(
    events: int, trials: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Bound a share by the exact interval of Clopper and Pearson, Biometrika 26 (1934), 404-413.

    With a = 1 - confidence the upper end is the p with P(X <= events | trials, p) = a/2, the lower
    end the p with P(X >= events | trials, p) = a/2, for X binomial. It covers the true share at
    least as often as it says, if the trials are independent.

    Args:
        events: How often it happened, `0 <= events <= trials`.
        trials: How often it could have, >= 1; a million is fine.
        confidence: Above 0 and below 1.

    Returns:
        Lower and upper end, in [0, 1].

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> low, high = clopper_pearson(0, 100)  # nothing happened: 1 - 0.025 ** (1 / 100)
        >>> low, round(high, 4)
        (0.0, 0.0362)
    """
    if not 0 <= events <= trials or trials < 1:
        raise ValueError(
            f"`events` must be from 0 to `trials`, which must be >= 1. "
            f"Received: {events} of {trials}."
        )
    if not 0 < confidence < 1:
        raise ValueError(f"`confidence` must be above 0 and below 1. Received: {confidence}.")
    tail = (1 - confidence) / 2
    return 1 - _upper(trials - events, trials, tail), _upper(events, trials, tail)


def smallest_rate(trials: int) -> float:
    """Give the smallest rate that n trials can support: 3/n, the rule of three.

    No event in n independent trials leaves, at 95 %, a true rate of up to about 3/n, as
    (1 - 3/n)ⁿ is about 0.05 (ISO/IEC 19795-1; Hanley and Lippman-Hand, JAMA 249 (1983), 1743).

    Example:
        >>> smallest_rate(300)
        0.01
    """
    return _RULE_OF_THREE / trials if trials else math.inf


def trials_needed(rate: float) -> int:
    """Give the least number of trials that supports a rate.

    Example:
        >>> trials_needed(0.01), trials_needed(0.07)
        (300, 43)
    """
    near = math.ceil(_RULE_OF_THREE / rate)  # the division may have been rounded up, or down
    return next(n for n in range(max(1, near - 1), near + 2) if smallest_rate(n) <= rate)


def bootstrap_by_image(
    events: Bools,
    first: Ints,
    second: Ints,
    *,
    confidence: float = CONFIDENCE,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> tuple[float, float]:
    """Bound the share of pairs at which something happened, where pairs share images.

    Such pairs are not independent trials, so images are drawn anew, with replacement, the first
    ones and the second ones each by themselves; a pair counts as often as both its images were
    drawn together. The ends are percentiles of the shares (Owen, The pigeonhole bootstrap, Annals
    of Applied Statistics 1 (2007), 386-411). It is never too narrow, and up to √3 times too wide
    where the pairs hardly depend on each other. Where nothing happened, or always, no resampling
    can say how sure that is: then the pairs are taken to be as many as the fewer of the images,
    and Clopper and Pearson's interval is given.

    Args:
        events: p bools, p >= 1.
        first: p numbers >= 0 of the pairs' first images.
        second: p numbers >= 0 of the pairs' second images; not related to those of the first.
        confidence: Above 0 and below 1.
        replicates: How often to draw.
        seed: The same seed gives the same interval.

    Example:
        >>> query, reference = np.repeat(np.arange(100), 100), np.tile(np.arange(100), 100)
        >>> low, high = bootstrap_by_image(query < 10, query, reference)  # all pairs of 10 queries
        >>> 0.02 < low < 0.07 and 0.13 < high < 0.18  # as if 10 of 100, not 1,000 of 10,000
        True
    """
    happened = np.flatnonzero(events)
    if len(happened) in (0, len(events)):
        fewest = min(len(np.unique(first)), len(np.unique(second)))
        return clopper_pearson(fewest if len(happened) else 0, fewest, confidence)
    rng = np.random.default_rng(seed)
    counts = int(first.max()) + 1, int(second.max()) + 1
    shares = []
    for _ in range(replicates):
        rows, columns = (
            np.bincount(rng.integers(0, count, count), minlength=count).astype(np.float32)
            for count in counts
        )
        weights = rows[first] * columns[second]
        total = float(weights.sum(dtype=np.float64))
        if total:  # a handful of images may leave no pair at all
            shares.append(float(weights[happened].sum(dtype=np.float64)) / total)
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(shares, [tail, 100 - tail]).tolist()
    return low, high


def _upper(events: int, trials: int, tail: float) -> float:
    """The p at which so few events, or fewer, have just the probability `tail`; by bisection."""
    if events == trials:
        return 1.0
    if events == 0:
        return -math.expm1(math.log(tail) / trials)
    low, high = events / trials, 1.0
    while low < (middle := (low + high) / 2) < high:
        if _log_at_most(events, trials, middle) > math.log(tail):
            low = middle
        else:
            high = middle
    return high


def _log_at_most(events: int, trials: int, p: float) -> float:
    """The logarithm of P(X <= events), for p above events / trials and below 1.

    From the term P(X = events) downwards each is the one before times i(1 - p) / ((n - i + 1)p),
    always less than 1. Ten standard deviations away, which are at most 5√n, nothing is left of it.
    """
    last = (
        math.lgamma(trials + 1)
        - math.lgamma(events + 1)
        - math.lgamma(trials - events + 1)
        + events * math.log(p)
        + (trials - events) * math.log1p(-p)
    )
    far = max(0, events - 50 - 5 * math.isqrt(trials))
    i = np.arange(events, far, -1, dtype=np.float64)
    ratios = i * (1 - p) / ((trials - i + 1) * p)
    return last + math.log1p(float(np.cumprod(ratios).sum()))
