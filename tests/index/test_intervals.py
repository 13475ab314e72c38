"""Intervals against hand cases, SciPy and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from index.intervals import bootstrap_by_image, clopper_pearson, smallest_rate, trials_needed


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


def test_pairs_of_images_of_their_own_are_bounded_as_independent_trials_are() -> None:
    events = np.arange(4000) < 200
    images = np.arange(4000)
    low, high = bootstrap_by_image(events, images, images)
    # The standard error of the weighted share is √3 times the binomial's where each pair has two
    # images of its own: a pair's weight is a product of two Poisson(1), of variance 3.
    width = 2 * 1.96 * math.sqrt(3 * 0.05 * 0.95 / 4000)
    assert low < 0.05 < high
    assert high - low == pytest.approx(width, rel=0.15)


def test_pairs_that_share_images_are_bounded_more_widely() -> None:
    query = np.repeat(np.arange(100), 100)
    events = query < 10  # ten of the hundred queries match all of their references, the others none
    reference = np.tile(np.arange(100), 100)
    low, high = bootstrap_by_image(events, query, reference)
    naive = clopper_pearson(1000, 10_000)
    by_query = clopper_pearson(10, 100)
    assert high - low > 5 * (naive[1] - naive[0])
    assert high - low == pytest.approx(by_query[1] - by_query[0], rel=0.25)


def test_a_bootstrap_repeats_itself_and_another_seed_does_not() -> None:
    events = np.arange(100) % 7 == 0
    images = np.arange(100)
    assert bootstrap_by_image(events, images, images) == bootstrap_by_image(events, images, images)
    assert bootstrap_by_image(events, images, images) != bootstrap_by_image(
        events, images, images, seed=1
    )


def test_where_nothing_happened_the_fewer_images_are_the_trials() -> None:
    first, second = np.repeat(np.arange(50), 20), np.arange(1000)
    assert bootstrap_by_image(np.zeros(1000, bool), first, second) == clopper_pearson(0, 50)
    assert bootstrap_by_image(np.ones(1000, bool), first, second) == clopper_pearson(50, 50)
