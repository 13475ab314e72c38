"""The bootstrap by image against known spreads and the intervals for independent trials."""

from __future__ import annotations

import math

import numpy as np
import pytest

from likewise.metrics.bootstrap import bootstrap, bootstrap_by_image
from likewise.metrics.intervals import clopper_pearson


def test_a_mean_is_bounded_as_its_standard_error_says(rng) -> None:
    values = rng.normal(size=400)
    [(low, high)] = bootstrap(lambda times: [np.average(values, weights=times)], [400])
    error = values.std() / math.sqrt(400)
    assert (low, high) == pytest.approx(
        (values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=0.15 * error
    )


def test_draws_that_do_not_allow_a_figure_are_passed_over() -> None:
    def shares(times):
        return [times[0] / times[:2].sum() if times[:2].sum() else math.nan, math.nan]

    [(low, high), never] = bootstrap(shares, [3])
    assert (low, high) == (0.0, 1.0)
    assert np.isnan(never).all()


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
