"""Intervals of error rates from independent trials, and the smallest rate that n trials support.

For pairs that share images see `bootstrap`.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95
_RULE_OF_THREE = 3.0


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


def quantile_bounds(
    values: npt.ArrayLike, share: float, confidence: float = CONFIDENCE
) -> tuple[float | None, float | None]:
    """Bound a quantile by two of the values themselves, for any distribution.

    With a = 1 - confidence and X binomial of n trials with probability `share`, the ends are the
    r-th and the s-th smallest value, r the largest with P(X < r) <= a/2 and s the smallest with
    P(X < s) >= 1 - a/2 (David and Nagaraja, Order Statistics, 3rd edition, section 7.1).

    Args:
        values: `(n,)`, n >= 1, independent.
        share: Share of the distribution below the quantile, above 0 and below 1.
        confidence: Above 0 and below 1.

    Returns:
        Lower and upper end; None where n is too small for one: below the least value, or above the
        greatest, nothing was seen.

    Example:
        >>> quantile_bounds(range(1, 101), 0.5)  # P(X < 40) = 0.018, P(X < 61) = 0.982
        (40.0, 61.0)
        >>> quantile_bounds([1, 2, 3], 0.95)  # all three lie below it with probability 0.86
        (2.0, None)
    """
    ordered = np.sort(np.asarray(values, np.float64))
    trials, tail = len(ordered), (1 - confidence) / 2
    i = np.arange(trials)
    odds = np.log((trials - i) / (i + 1)) + math.log(share) - math.log1p(-share)
    steps = np.concatenate([[0.0], np.cumsum(odds)])
    below = np.cumsum(np.exp(trials * math.log1p(-share) + steps))[:-1]  # P(X < r), r from 1 on
    low = int(np.searchsorted(below, tail, side="right"))
    high = int(np.searchsorted(below, 1 - tail, side="left"))
    return (
        float(ordered[low - 1]) if low else None,
        float(ordered[high]) if high < trials else None,
    )


def smallest_rate(trials: int) -> float:
    """The smallest rate that n trials can support: 3/n, the rule of three.

    No event in n independent trials leaves, at 95 %, a true rate of up to about 3/n, as
    (1 - 3/n)ⁿ is about 0.05 (ISO/IEC 19795-1; Hanley and Lippman-Hand, JAMA 249 (1983), 1743).

    Example:
        >>> smallest_rate(300)
        0.01
    """
    return _RULE_OF_THREE / trials if trials else math.inf


def trials_needed(rate: float) -> int:
    """The least number of trials that supports a rate.

    Example:
        >>> trials_needed(0.01), trials_needed(0.07)
        (300, 43)
    """
    near = math.ceil(_RULE_OF_THREE / rate)  # the division may have been rounded up, or down
    return next(n for n in range(max(1, near - 1), near + 2) if smallest_rate(n) <= rate)


def _upper(events: int, trials: int, tail: float) -> float:
    """The p at which P(X <= events) is `tail`; by bisection."""
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
