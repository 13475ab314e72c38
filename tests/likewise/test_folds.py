"""References in folds, each searched among the others."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.gallery import Gallery
from likewise.calibration.calibrate import calibrate
from likewise.calibration.summary import command
from likewise.folds import Folds, fold_of, near_copies

DIM = 8


@pytest.fixture
def small(tmp_path):
    with Gallery.create(tmp_path / "few.gallery", dim=DIM, fingerprint="0123456789ab") as gallery:
        yield gallery


def fill(gallery, count, each, copied=0):
    """`count` groups of `each` references, the first `copied` of which have a near copy."""
    random = np.random.default_rng(0)
    centres = np.repeat(random.normal(size=(count, DIM)), each, axis=0)
    vectors = (centres + random.normal(0, 0.2, centres.shape)).astype(np.float32)
    labels = [f"g{row // each}" for row in range(count * each)]
    gallery.add([f"r{row}" for row in range(len(labels))], vectors, labels)
    copies = [f"copy{row}" for row in range(copied)]
    gallery.add(copies, vectors[:copied] + np.float32(1e-4), labels[:copied])


def test_each_reference_is_searched_once_among_those_of_other_folds(small):
    fill(small, 20, 3)
    folds = Folds.of(small)
    seen = []
    for rows, searched in folds.searched():
        for at, row in enumerate(rows.tolist()):
            gaps = np.linalg.norm(folds.vectors.astype(np.float64) - folds.vectors[row], axis=1)
            others = folds.fold != folds.fold[row]
            own = np.array([label == folds.labels[row] for label in folds.labels])
            assert (others & own).sum() == 2  # of three, each among the other two
            assert searched.near.own[at] == np.float32(gaps[others & own].min())
            assert searched.near.other[at] == np.float32(gaps[others & ~own].min())
        seen += rows.tolist()
    assert sorted(seen) == list(range(60))


def test_near_copies_are_in_one_fold_and_one_of_them_is_searched(small):
    fill(small, 10, 10, copied=7)
    folds = Folds.of(small)
    assert (len(folds.labels), len(folds.asked)) == (107, 100)
    assert folds.not_searched() == ["Not searched: 7 references with a near copy that was."]
    for row in range(107):
        gaps = np.linalg.norm(folds.vectors - folds.vectors[row], axis=1)
        assert len(set(folds.fold[gaps < 1e-3])) == 1


def test_a_group_that_lies_in_one_fold_has_no_mate_and_is_an_unknown_all_the_same(small):
    fill(small, 10, 1)
    for rows, searched in Folds.of(small).searched():
        assert len(searched.mated) == 0
        assert len(searched.left_out) == len(rows)
        assert len(searched.strangers) == 0


@given(st.lists(st.integers(0, 60), min_size=1, max_size=40), st.integers(0, 3))
def test_copies_of_copies_are_copies(values, bound):
    vectors = np.array(values, np.float32)[:, None]
    first = near_copies(vectors, bound)
    order = np.argsort(values, kind="stable")
    for left, right in pairwise(order):
        # On a line, neighbours are of one set just where their gap is within the bound.
        assert (first[left] == first[right]) == (abs(values[right] - values[left]) <= bound)
    assert (first <= np.arange(len(values))).all()


@pytest.mark.parametrize("bound", [0.0, 1e-7])
def test_equal_vectors_are_copies_under_every_bound(bound):
    vectors = np.random.default_rng(1).normal(size=(200, 64)).astype(np.float32)
    first = near_copies(np.concatenate([vectors, vectors, vectors]), bound)
    assert first.tolist() == [*range(200)] * 3


def test_vectors_that_differ_in_their_last_bit_are_no_copies_where_equal_ones_alone_are():
    vectors = np.full((40, 64), 1000, np.float32)
    vectors[1::2, 0] = np.nextafter(vectors[0, 0], np.float32(np.inf))
    assert near_copies(vectors, 0.0).tolist() == [0, 1] * 20


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=60))
def test_a_group_is_dealt_to_as_many_folds_as_it_can_be(labels):
    fold = fold_of(np.arange(len(labels)), labels)
    for name in set(labels):
        own = fold[[label == name for label in labels]]
        assert len(set(own)) == min(len(own), 10)


def test_searched_together_the_references_keep_their_order(small):
    fill(small, 12, 4, copied=3)
    folds = Folds.of(small)
    counts: list[int] = []
    together = folds.together(counts.append)
    assert sum(counts) == len(folds.asked) == 48
    for rows, searched in folds.searched():
        places = np.searchsorted(folds.asked, rows)
        assert together.near.own[places].tolist() == searched.near.own.tolist()
        assert together.near.other[places].tolist() == searched.near.other.tolist()
        assert together.columns[places].tolist() == searched.columns.tolist()


def test_the_neighbours_of_a_reference_are_the_nearest_of_other_folds(small):
    fill(small, 12, 4, copied=3)
    folds = Folds.of(small)
    gaps = np.linalg.norm(folds.vectors.astype(np.float64) - folds.vectors[0], axis=1)
    others = np.flatnonzero(folds.fold != folds.fold[0])
    nearest = folds.neighbours(0, 3)
    assert [each.id for each in nearest] == [
        folds.ids[row] for row in others[np.argsort(gaps[others])][:3]
    ]
    assert [each.distance for each in nearest] == np.sort(gaps[others])[:3].astype("f4").tolist()


def test_the_threshold_is_that_of_the_searches_among_other_folds(matcher, references):
    made = calibrate(matcher, cross_validate=True, fpir=0.05)
    point = made.point
    folds = Folds.of(matcher.gallery)
    nearest = np.concatenate([searched.near.other for _, searched in folds.searched()])
    assert point.queries == len(nearest) == len(folds.asked)
    assert point.false == (nearest <= point.threshold).sum() <= 0.05 * len(nearest)
    assert matcher.gallery.points.default == made.name == "fpir-0.05"
    assert command("g", made.name, point) == "likewise calibrate g --cross-validate --fpir 0.05"


def test_other_pictures_are_refused(matcher, queries):
    with pytest.raises(ValueError, match="leave out other pictures"):
        calibrate(matcher, queries, cross_validate=True, fpir=0.05)
