"""One-to-many figures, each beside a case worked by hand and an independent implementation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import roc_auc_score

from index.search.nearest_groups import NearestGroups
from likewise.arrays import Floats
from likewise.metrics.identification import (
    auroc,
    confusion,
    fnir_at_fpir,
    identification_curve,
    oscr,
    rank_rate,
)
from likewise.metrics.searches import Mated
from likewise.queries import GroupDistances

COARSE = st.integers(0, 12).map(lambda n: np.float32(n / 8))  # exact, with many ties
DISTANCES = hnp.arrays(np.float32, st.integers(1, 40), elements=COARSE)


@st.composite
def searches(draw):
    """Mated queries as searches find them, some with a wrong group nearest."""
    own = draw(DISTANCES)
    other = draw(hnp.arrays(np.float32, len(own), elements=COARSE))
    return Mated(own, other, ["a"] * len(own))


def test_a_group_that_ties_with_another_is_not_first():
    near = NearestGroups(
        own=np.array([0.1, 0.3, 0.1], np.float32),
        other=np.array([0.1, 0.1, 0.2], np.float32),
        nearest=np.array([1, 2, 1]),
        closer=np.array([1, 2, 0]),
    )
    searched = GroupDistances(["a", "b", "c"], np.array([0, 0, 0]), near)
    assert searched.ranks.tolist() == [2, 3, 1]
    assert searched.nearest.labels == ["a", "c", "a"]  # the first of equally near ones
    assert rank_rate(np.array([2, 3, 1]), 1) == pytest.approx(1 / 3)


@pytest.mark.costly
@given(mated=searches(), unknown=DISTANCES)
def test_the_identification_curve_counts_as_its_definition_says(mated, unknown):
    curve = identification_curve(mated, unknown)
    for at, false, missed in zip(curve.thresholds, curve.false, curve.missed, strict=True):
        right = [o <= at and o < x for o, x in zip(mated.own, mated.other, strict=True)]
        assert false == sum(d <= at for d in unknown) / len(unknown)
        assert missed == pytest.approx(1 - sum(right) / len(mated))


def floats(*values: float) -> Floats:
    return np.array(values, np.float32)


def test_a_wrong_group_within_the_threshold_is_a_miss():
    mated = Mated(floats(0.1, 0.3, 0.9), floats(1, 0.2, 1), ["a", "b", "c"])
    unknown = np.linspace(0.5, 1.49, 100).astype(np.float32)
    assert fnir_at_fpir(mated, unknown, 0.03) == pytest.approx(2 / 3)  # b is wrong, c too far


# ------------------------------------------------------------ unknown groups


@pytest.mark.costly
@given(known=DISTANCES, unknown=DISTANCES)
def test_auroc_is_scikit_learns(known, unknown):
    truth = np.repeat([0, 1], [len(known), len(unknown)])
    assert auroc(known, unknown) == pytest.approx(
        roc_auc_score(truth, np.concatenate([known, unknown]))
    )


@pytest.mark.costly
@given(mated=searches(), unknown=DISTANCES)
def test_oscr_is_the_area_that_the_trapezoids_under_its_curve_sum_to(mated, unknown):
    every = np.unique(np.concatenate([mated.own, unknown]))
    right = mated.own < mated.other
    ccr = [0, *(np.mean(right & (mated.own <= at)) for at in every)]
    fpr = [0, *(np.mean(unknown <= at) for at in every)]
    assert oscr(mated, unknown) == pytest.approx(np.trapezoid(ccr, fpr))


def test_where_every_query_finds_its_group_oscr_is_auroc():
    mated = Mated(floats(0.1, 0.7), floats(2, 2), ["a", "a"])
    unknown = floats(0.5, 0.9)
    assert oscr(mated, unknown) == auroc(mated.own, unknown) == 0.75


def test_the_confusion_counts_the_answers_of_each_group():
    names, counts, left_out = confusion(["b", "a", "b"], ["a", "a", None])
    assert left_out == 0
    assert names == ["a", "b", None]
    assert counts.tolist() == [[1, 0, 0], [1, 0, 1], [0, 0, 0]]


def test_of_very_many_groups_those_with_the_most_wrong_answers_are_counted():
    labels = [f"{row:05}" for row in range(10_000)]
    answers = [*labels[:-3], "09999", "09999", "00000"]  # three wrong: for 09997, 09998, 09999
    names, counts, left_out = confusion(labels, answers, most=4)
    assert names == ["00000", "09997", "09998", "09999"]
    assert counts.tolist() == [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1], [1, 0, 0, 0]]
    assert left_out == 9_996


def test_rates_of_nothing_are_refused():
    with pytest.raises(ValueError, match="unknown queries"):
        auroc(np.ones(1), np.empty(0))
