"""Retrieval metrics, beside a case worked by hand and beside scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score

from likewise.metrics.retrieval import map_at_r, precision_at_1, r_precision, recall_at_k

HITS = hnp.arrays(bool, st.tuples(st.integers(1, 6), st.integers(8, 12)))


def test_retrieval_of_a_case_worked_by_hand():
    relevant = np.array([[True, False, True, True], [False, False, True, False]])
    sizes = np.array([3, 2])
    assert precision_at_1(relevant).tolist() == [1, 0]
    assert recall_at_k(relevant, 3).tolist() == [1, 1]
    assert r_precision(relevant, sizes).tolist() == [pytest.approx(2 / 3), 0]
    assert map_at_r(relevant, sizes).tolist() == [pytest.approx((1 + 2 / 3) / 3), 0]


@pytest.mark.costly
@given(relevant=HITS, size=st.integers(1, 8))
def test_map_at_r_is_scikit_learns_average_precision_times_the_share_found(relevant, size):
    result = map_at_r(relevant, np.full(len(relevant), size))
    for hits, value in zip(relevant[:, :size], result, strict=True):
        ranked = -np.arange(size)  # nearer scores higher; scikit-learn divides by what was found
        expected = average_precision_score(hits, ranked) * hits.sum() / size if hits.any() else 0
        assert value == pytest.approx(expected)


@pytest.mark.costly
@given(relevant=HITS, size=st.integers(1, 8))
def test_r_precision_is_the_mean_of_the_r_nearest(relevant, size):
    result = r_precision(relevant, np.full(len(relevant), size))
    np.testing.assert_allclose(result, relevant[:, :size].mean(axis=1))
