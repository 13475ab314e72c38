"""One-to-one figures, each beside a case worked by hand and an independent implementation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import roc_curve

from likewise.metrics.rates import (
    count_within,
    det_curve,
    equal_error_rate,
    fmr,
    fnmr,
    fnmr_at_fmr,
    pair_accuracy,
)

COARSE = st.integers(0, 12).map(lambda n: np.float32(n / 8))  # exact, with many ties
DISTANCES = hnp.arrays(np.float32, st.integers(1, 40), elements=COARSE)


@pytest.mark.costly
@given(same=DISTANCES, different=DISTANCES)
def test_the_det_curve_is_scikit_learns_roc_curve(same, different):
    curve = det_curve(same, different)
    truth = np.repeat([1, 0], [len(same), len(different)])
    fpr, tpr, index = roc_curve(truth, -np.concatenate([same, different]), drop_intermediate=False)
    np.testing.assert_array_equal(-index[1:], curve.thresholds)  # its first point is at infinity
    np.testing.assert_allclose(curve.false, fpr[1:])
    np.testing.assert_allclose(1 - curve.missed, tpr[1:])


def test_equality_with_a_threshold_is_judged_in_float64():
    distances = np.array([0.1], np.float32)  # a little more than 0.1
    stored = float(distances[0])
    assert (fmr(distances, stored), fnmr(distances, stored)) == (1, 0)
    assert (fmr(distances, 0.1), fnmr(distances, 0.1)) == (0, 1)
    assert pair_accuracy(distances, distances, 0.1) == 0.5
    assert (
        pair_accuracy(distances, np.array([1.0], np.float32), 0.1) == 0.5
    )  # the same pair is missed


def test_both_rates_are_a_third_at_the_equal_error_rate():
    # Within 0.3 lie two of three same pairs and one of three different ones.
    curve = det_curve(np.array([0.1, 0.2, 0.9]), np.array([0.3, 0.8, 0.95]))
    index = curve.thresholds.tolist().index(0.3)
    assert (curve.false[index], curve.missed[index]) == pytest.approx((1 / 3, 1 / 3))
    rate, threshold = equal_error_rate(curve)
    assert rate == pytest.approx(1 / 3)
    assert threshold == 0.3


def test_a_distance_equal_to_the_threshold_is_accepted():
    curve = det_curve(np.array([0.5]), np.array([0.5]))
    assert (curve.thresholds.tolist(), curve.false.tolist(), curve.missed.tolist()) == (
        [0.5],
        [1.0],
        [0.0],
    )


@pytest.mark.costly
@given(same=DISTANCES, different=DISTANCES)
def test_rates_agree_with_counting_pair_by_pair(same, different):
    curve = det_curve(same, different)
    for threshold, false, missed in zip(curve.thresholds, curve.false, curve.missed, strict=True):
        assert false == fmr(different, threshold)
        assert false == sum(d <= threshold for d in different) / len(different)
        assert missed == pytest.approx(fnmr(same, threshold))
        assert missed == pytest.approx(sum(d > threshold for d in same) / len(same))


def test_the_eer_agrees_with_scikit_learns_roc():
    rng = np.random.default_rng(0)
    same, different = rng.normal(0.4, 0.1, 4000), rng.normal(0.8, 0.1, 4000)
    truth = np.repeat([1, 0], 4000)
    fpr, tpr, _ = roc_curve(truth, -np.concatenate([same, different]), drop_intermediate=False)
    index = np.argmin(np.abs(fpr - (1 - tpr)))
    rate = equal_error_rate(det_curve(same, different)).rate
    assert rate == pytest.approx((fpr[index] + 1 - tpr[index]) / 2)


def test_fnmr_is_read_at_the_largest_threshold_whose_fmr_is_not_too_large():
    different = np.linspace(0.5, 1.49, 100)  # 0.5, 0.51, … : three within 0.52
    same = np.array([0.1, 0.52, 0.525, 0.6])
    assert fnmr_at_fmr(same, different, 0.03) == 1 / 4  # up to just below 0.53, only 0.6 is missed


def test_a_rate_below_what_the_pairs_support_is_not_given():
    assert fnmr_at_fmr(np.ones(9), np.ones(299), 0.01) is None  # 3 / 299 is above 0.01


def test_pair_accuracy_weighs_both_kinds_the_same():
    assert pair_accuracy(np.array([0.4, 0.5, 0.6, 0.7]), np.array([0.8]), 0.5) == 0.75  # ½ and 1
    # 1 of 1 same pairs right, 1 of 4 different pairs right.
    assert pair_accuracy(np.array([0.2]), np.array([0.9, 0.1, 0.1, 0.1]), 0.5) == (1 + 0.25) / 2


def test_rates_of_nothing_are_refused():
    with pytest.raises(ValueError, match="same pairs"):
        det_curve(np.empty(0), np.ones(1))
    with pytest.raises(ValueError, match="different pairs"):
        det_curve(np.ones(1), np.empty(0))


def test_a_thinned_curve_keeps_both_ends(rng):
    curve = det_curve(rng.random(500), rng.random(500) + 0.5)
    thin = curve.thinned(20)
    assert len(thin.thresholds) <= 21
    assert (thin.thresholds[0], thin.thresholds[-1]) == (curve.thresholds[0], curve.thresholds[-1])


def test_a_distance_equal_to_the_threshold_is_within_it():
    distances = np.array([0.5, 0.5, 1.0, 2.0], np.float32)
    assert count_within(distances, np.array([0.4, 0.5, 1.0, 3.0])).tolist() == [0, 2, 3, 4]
