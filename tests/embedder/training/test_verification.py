"""Error rates of one-to-one comparison, worked by hand and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from embedder.training.verification import (
    equal_error_rate,
    error_rates,
    pair_accuracy,
    pair_distances,
)

distances = arrays(np.float64, st.integers(1, 30), elements=st.sampled_from(np.arange(9) / 4))


def test_the_rates_of_a_hand_worked_case():
    # At 0.3: 1 of 3 different pairs accepted, 1 of 3 same pairs (0.9) rejected.
    thresholds, fmr, fnmr = error_rates(np.array([0.1, 0.2, 0.9]), np.array([0.3, 0.8, 0.95]))
    at = thresholds.tolist().index(0.3)
    assert (fmr[at], fnmr[at]) == pytest.approx((1 / 3, 1 / 3))


def test_a_distance_equal_to_the_threshold_is_accepted():
    thresholds, fmr, fnmr = error_rates(np.array([0.5]), np.array([0.5]))
    assert (thresholds.tolist(), fmr.tolist(), fnmr.tolist()) == ([0.5], [1.0], [0.0])


@given(distances, distances)
def test_rates_agree_with_counting_pair_by_pair(same, different):
    for threshold, fmr, fnmr in zip(*error_rates(same, different), strict=True):
        assert fmr == sum(d <= threshold for d in different) / len(different)
        assert fnmr == pytest.approx(sum(d > threshold for d in same) / len(same))


def test_the_eer_agrees_with_scikit_learns_roc():
    from sklearn.metrics import roc_curve

    rng = np.random.default_rng(0)
    same, different = rng.normal(0.4, 0.1, 4000), rng.normal(0.8, 0.1, 4000)
    truth = np.repeat([1, 0], 4000)
    fmr, tpr, _ = roc_curve(truth, -np.concatenate([same, different]), drop_intermediate=False)
    at = np.argmin(np.abs(fmr - (1 - tpr)))
    assert equal_error_rate(same, different).rate == pytest.approx((fmr[at] + 1 - tpr[at]) / 2)


def test_pair_accuracy_weighs_both_kinds_the_same():
    # 1 of 1 same pairs right, 1 of 4 different pairs right.
    assert pair_accuracy(np.array([0.2]), np.array([0.9, 0.1, 0.1, 0.1]), 0.5) == (1 + 0.25) / 2


def test_pair_distances_are_those_of_the_rows_by_an_explicit_loop():
    embeddings = np.array([[0, 0], [3, 4], [0, 1]], dtype=np.float32)
    same, different = pair_distances(embeddings, ["a", "a", "b"], pairs=50, seed=0)
    assert set(same) == {5.0}  # √(3² + 4²)
    assert sorted(set(different)) == pytest.approx([1.0, np.sqrt(3**2 + 3**2)])


def test_verification_without_any_same_pair_is_refused():
    with pytest.raises(ValueError, match="3 images of 3 labels"):
        pair_distances(np.eye(3, dtype=np.float32), ["a", "b", "c"], pairs=10, seed=0)
    with pytest.raises(ValueError, match="0 and 1"):
        equal_error_rate(np.array([]), np.array([1.0]))
