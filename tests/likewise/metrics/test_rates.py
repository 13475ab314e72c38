"""Metrics, each beside a case worked by hand and beside an implementation that is not ours."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from likewise.metrics.rates import (
    auroc,
    confusion,
    det_curve,
    equal_error_rate,
    fnir_at_fpir,
    fnmr_at_fmr,
    identification_curve,
    map_at_r,
    oscr,
    pair_accuracy,
    precision_at_1,
    r_precision,
    rank_rate,
    ranks,
    recall_at_k,
)
from likewise.metrics.thresholds import Mated

COARSE = st.integers(0, 12).map(lambda n: np.float32(n / 8))  # exact, with many ties
DISTANCES = hnp.arrays(np.float32, st.integers(1, 40), elements=COARSE)
HITS = hnp.arrays(bool, st.tuples(st.integers(1, 6), st.integers(8, 12)))


@st.composite
def searches(draw):
    """Mated queries as searches find them, some with a wrong group nearest."""
    own = draw(DISTANCES)
    other = draw(hnp.arrays(np.float32, len(own), elements=COARSE))
    return Mated(own, other, ["a"] * len(own))


# ------------------------------------------------------------ verification


@given(same=DISTANCES, different=DISTANCES)
def test_the_det_curve_is_scikit_learns_roc_curve(same, different):
    curve = det_curve(same, different)
    truth = np.repeat([1, 0], [len(same), len(different)])
    fpr, tpr, at = roc_curve(truth, -np.concatenate([same, different]), drop_intermediate=False)
    np.testing.assert_array_equal(-at[1:], curve.thresholds)  # its first point is at infinity
    np.testing.assert_allclose(curve.false, fpr[1:])
    np.testing.assert_allclose(1 - curve.missed, tpr[1:])


def test_both_rates_are_a_third_at_the_equal_error_rate():
    # Within 0.3 lie two of three same pairs and one of three different ones.
    curve = det_curve(np.array([0.1, 0.2, 0.9]), np.array([0.3, 0.8, 0.95]))
    assert equal_error_rate(curve) == (pytest.approx(1 / 3), 0.3)


def test_fnmr_is_read_at_the_largest_threshold_whose_fmr_is_not_too_large():
    different = np.linspace(0.5, 1.49, 100)  # 0.5, 0.51, … : three within 0.52
    same = np.array([0.1, 0.52, 0.525, 0.6])
    assert fnmr_at_fmr(same, different, 0.03) == 1 / 4  # up to just below 0.53, only 0.6 is missed


def test_a_rate_below_what_the_pairs_support_is_not_given():
    assert fnmr_at_fmr(np.ones(9), np.ones(299), 0.01) is None  # 3 / 299 is above 0.01


def test_pair_accuracy_weighs_both_kinds_the_same():
    assert pair_accuracy(np.array([0.4, 0.5, 0.6, 0.7]), np.array([0.8]), 0.5) == 0.75  # ½ and 1


# ------------------------------------------------------------ identification


def test_a_group_that_ties_with_another_is_not_first():
    distances = np.array([[0.1, 0.1, 0.5], [0.3, 0.2, 0.1], [0.1, 0.2, 0.3]])
    assert ranks(distances, np.array([0, 0, 0])).tolist() == [2, 3, 1]
    assert rank_rate(np.array([2, 3, 1]), 1) == pytest.approx(1 / 3)


@given(mated=searches(), unknown=DISTANCES)
def test_the_identification_curve_counts_as_its_definition_says(mated, unknown):
    curve = identification_curve(mated, unknown)
    for at, false, missed in zip(curve.thresholds, curve.false, curve.missed, strict=True):
        right = [o <= at and o < x for o, x in zip(mated.own, mated.other, strict=True)]
        assert false == sum(d <= at for d in unknown) / len(unknown)
        assert missed == pytest.approx(1 - sum(right) / len(mated))


def test_a_wrong_group_within_the_threshold_is_a_miss():
    mated = Mated(np.float32([0.1, 0.3, 0.9]), np.float32([1, 0.2, 1]), ["a", "b", "c"])
    unknown = np.linspace(0.5, 1.49, 100).astype(np.float32)
    assert fnir_at_fpir(mated, unknown, 0.03) == pytest.approx(2 / 3)  # b is wrong, c too far


# ------------------------------------------------------------ unknown groups


@given(known=DISTANCES, unknown=DISTANCES)
def test_auroc_is_scikit_learns(known, unknown):
    truth = np.repeat([0, 1], [len(known), len(unknown)])
    assert auroc(known, unknown) == pytest.approx(
        roc_auc_score(truth, np.concatenate([known, unknown]))
    )


@given(mated=searches(), unknown=DISTANCES)
def test_oscr_is_the_area_that_the_trapezoids_under_its_curve_sum_to(mated, unknown):
    every = np.unique(np.concatenate([mated.own, unknown]))
    right = mated.own < mated.other
    ccr = [0, *(np.mean(right & (mated.own <= at)) for at in every)]
    fpr = [0, *(np.mean(unknown <= at) for at in every)]
    assert oscr(mated, unknown) == pytest.approx(np.trapezoid(ccr, fpr))


def test_where_every_query_finds_its_group_oscr_is_auroc():
    mated = Mated(np.float32([0.1, 0.7]), np.float32([2, 2]), ["a", "a"])
    unknown = np.float32([0.5, 0.9])
    assert oscr(mated, unknown) == auroc(mated.own, unknown) == 0.75


def test_the_confusion_counts_what_was_said_of_each_group():
    names, counts = confusion(["b", "a", "b"], ["a", "a", None])
    assert names == ["a", "b", None]
    assert counts.tolist() == [[1, 0, 0], [1, 0, 1], [0, 0, 0]]


# ------------------------------------------------------------ retrieval


def test_retrieval_of_a_case_worked_by_hand():
    relevant = np.array([[True, False, True, True], [False, False, True, False]])
    sizes = np.array([3, 2])
    assert precision_at_1(relevant).tolist() == [1, 0]
    assert recall_at_k(relevant, 3).tolist() == [1, 1]
    assert r_precision(relevant, sizes).tolist() == [pytest.approx(2 / 3), 0]
    assert map_at_r(relevant, sizes).tolist() == [pytest.approx((1 + 2 / 3) / 3), 0]


@given(relevant=HITS, size=st.integers(1, 8))
def test_map_at_r_is_scikit_learns_average_precision_times_the_share_found(relevant, size):
    found = map_at_r(relevant, np.full(len(relevant), size))
    for hits, value in zip(relevant[:, :size], found, strict=True):
        ranked = -np.arange(size)  # nearer scores higher; scikit-learn divides by what was found
        expected = average_precision_score(hits, ranked) * hits.sum() / size if hits.any() else 0
        assert value == pytest.approx(expected)


@given(relevant=HITS, size=st.integers(1, 8))
def test_r_precision_is_the_mean_of_the_r_nearest(relevant, size):
    found = r_precision(relevant, np.full(len(relevant), size))
    np.testing.assert_allclose(found, relevant[:, :size].mean(axis=1))


# ------------------------------------------------------------ refusals


def test_rates_of_nothing_are_refused():
    with pytest.raises(ValueError, match="same pairs"):
        det_curve(np.empty(0), np.ones(1))
    with pytest.raises(ValueError, match="unknown queries"):
        auroc(np.ones(1), np.empty(0))


def test_a_thinned_curve_keeps_both_ends(rng):
    curve = det_curve(rng.random(500), rng.random(500) + 0.5)
    thin = curve.thinned(20)
    assert len(thin.thresholds) <= 21
    assert (thin.thresholds[0], thin.thresholds[-1]) == (curve.thresholds[0], curve.thresholds[-1])
