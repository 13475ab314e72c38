"""Intervals against hand cases, SciPy and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from likewise.metrics.intervals import (
    clopper_pearson,
    quantile_bounds,
    smallest_rate,
    trials_needed,
)


def test_no_event_in_n_leaves_one_minus_the_nth_root_of_a_fortieth() -> None:
    low, high = clopper_pearson(0, 10)
    assert low == 0.0
    assert high == pytest.approx(1 - 0.025 ** (1 / 10), rel=1e-12)


def test_one_event_in_one_mirrors_none_in_one() -> None:
    assert clopper_pearson(1, 1) == pytest.approx((0.025, 1.0))  # P(X >= 1 | p) = p = 0.025
    assert clopper_pearson(0, 1) == pytest.approx((0.0, 0.975))


@pytest.mark.parametrize("trials", [1, 2, 7, 100, 4321, 1_000_000])
@pytest.mark.parametrize("share", [0.0, 1e-6, 1e-4, 0.01, 0.3, 0.5, 0.97, 1.0])
def test_the_interval_is_scipys(trials: int, share: float) -> None:
    events = round(share * trials)
    expected = binomtest(events, trials).proportion_ci(0.95, method="exact")
    assert clopper_pearson(events, trials) == pytest.approx(
        (expected.low, expected.high), rel=1e-7, abs=1e-12
    )


@given(st.integers(1, 10**6), st.data())
@settings(max_examples=50, deadline=None)
def test_each_end_has_just_the_tail_probability(trials: int, data: st.DataObject) -> None:
    events = data.draw(st.integers(1, trials))
    low, high = clopper_pearson(events, trials)
    assert 0 < low <= events / trials <= high <= 1
    assert binom.sf(events - 1, trials, low) == pytest.approx(0.025, rel=1e-5)
    if events < trials:
        assert binom.cdf(events, trials, high) == pytest.approx(0.025, rel=1e-5)


@pytest.mark.parametrize(("events", "trials"), [(-1, 5), (6, 5), (0, 0)])
def test_counts_that_cannot_be_are_refused(events: int, trials: int) -> None:
    with pytest.raises(ValueError, match=f"Received: {events} of {trials}"):
        clopper_pearson(events, trials)


@given(st.floats(1e-7, 1.0))
def test_as_many_trials_as_are_needed_support_the_rate_and_one_fewer_do_not(rate: float) -> None:
    needed = trials_needed(rate)
    assert smallest_rate(needed) <= rate
    assert needed == 1 or smallest_rate(needed - 1) > rate


def test_no_trials_support_no_rate() -> None:
    assert smallest_rate(0) == math.inf


@given(st.integers(1, 3000), st.floats(0.02, 0.98))
@settings(max_examples=50, deadline=None)
def test_a_quantile_lies_between_two_values_with_the_stated_probability(
    n: int, share: float
) -> None:
    low, high = quantile_bounds(np.arange(1, n + 1), share)  # the r-th value is r
    r, s = int(low or 0), int(high or n + 1)
    below = binom(n, share)
    assert below.cdf(r - 1) <= 0.025 + 1e-9 < below.cdf(r) + 2e-9  # no larger r would do
    assert below.cdf(s - 1) >= 0.975 - 1e-9 > below.cdf(s - 2) - 2e-9  # and no smaller s


def test_too_few_values_leave_a_quantile_open_above() -> None:
    # All n lie below it with probability 0.95 ** n, 0.0262 for 71 and 0.0249 for 72.
    assert quantile_bounds(np.arange(71.0), 0.95)[1] is None
    assert quantile_bounds(np.arange(72.0), 0.95)[1] == 71.0


def test_the_bounds_of_a_median_hold_it_in_19_of_20_samples() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(1000):
        low, high = quantile_bounds(rng.exponential(size=40), 0.5)
        assert low is not None
        assert high is not None
        held += low < math.log(2) < high  # the median of that distribution
    assert 935 <= held <= 985  # 950 or a little more; five standard deviations are 34
