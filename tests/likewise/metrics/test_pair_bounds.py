"""Weighted pairs against the same pairs repeated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likewise.metrics.pair_bounds import Pairs, _equal_error, verification_bounds
from likewise.metrics.rates import det_curve, equal_error_rate, fnmr_at_fmr, pair_accuracy

IMAGES = 6


@st.composite
def pairs(draw):
    """Up to 20 pairs of six images, at distances of which some are equal."""
    images = st.tuples(st.integers(0, IMAGES - 1), st.integers(0, IMAGES - 1))
    drawn = draw(st.lists(st.tuples(images, st.integers(0, 9)), min_size=1, max_size=20))
    distances = np.array([distance / 8 for _, distance in drawn])
    return Pairs.of(distances, np.array([both for both, _ in drawn]))


def repeated(pairs, times):
    """The distances of pairs, each as often as both its images together."""
    return np.repeat(pairs.distances, times[pairs.first] * times[pairs.second])


TIMES = st.lists(st.integers(0, 3), min_size=IMAGES, max_size=IMAGES).map(np.array)


@pytest.mark.costly
@given(same=pairs(), different=pairs(), times=TIMES)
def test_figures_of_counted_pairs_are_those_of_repeated_pairs(same, different, times):
    known, others = same.counted(times), different.counted(times)
    a, b = repeated(same, times), repeated(different, times)
    if not len(a) or not len(b):
        return
    assert known.within(0.5) == pytest.approx(np.mean(a <= 0.5))
    assert (1 - others.within(0.5) + known.within(0.5)) / 2 == pytest.approx(
        pair_accuracy(a, b, 0.5)
    )
    missed = 1 - known.within(others.first_too_many(0.3), "left")
    least = np.sort(b)[int(0.3 * len(b) + 1e-9)]  # the first distance that would be one too many
    assert missed == pytest.approx(np.mean(a >= least))
    every = np.unique(np.concatenate([same.distances, different.distances]))
    places = [np.searchsorted(kind.distances, every, "right") for kind in (same, different)]
    rate, _ = _equal_error(known, others, every, *places)
    assert rate == pytest.approx(equal_error_rate(det_curve(a, b))[0])


@pytest.fixture
def drawn(rng):
    """1,000 pairs of each kind among 200 images on a line, and how far apart they are."""
    spots = np.concatenate([rng.normal(0, 1, 100), rng.normal(3, 1, 100)])

    def pairs(first, second):
        return Pairs.of(np.abs(spots[first] - spots[second]), np.stack([first, second], axis=1))

    left, right = rng.integers(0, 100, (2, 1000))
    return pairs(left, (left + rng.integers(1, 100, 1000)) % 100), pairs(left, right + 100)


def test_each_interval_holds_the_figure_of_the_pairs_as_they_are(drawn):
    same, different = drawn
    a, b = same.distances, different.distances
    bounds = verification_bounds(same, different, 200, [0.1], [1.5])
    eer = equal_error_rate(det_curve(a, b))
    missed = fnmr_at_fmr(a, b, 0.1)
    assert missed is not None
    for value, ends in (
        (eer.rate, [bounds.eer]),
        (eer.threshold, [bounds.eer_threshold]),
        (missed, bounds.fnmr_at_fmr),
        (np.mean(b <= 1.5), bounds.fmr),
        (np.mean(a > 1.5), bounds.fnmr),
        (pair_accuracy(a, b, 1.5), bounds.accuracy),
    ):
        [(low, high)] = ends
        assert low < value < high


def test_pairs_that_share_images_are_bounded_more_widely_than_as_many_trials(drawn):
    same, different = drawn
    [(low, high)] = verification_bounds(same, different, 200, [], [1.5]).fnmr
    share = np.mean(same.distances > 1.5)
    naive = 2 * 1.96 * np.sqrt(share * (1 - share) / 1000)
    assert high - low > 1.5 * naive
