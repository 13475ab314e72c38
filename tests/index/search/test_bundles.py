"""Search by bundles: whatever is looked at as one, the answer equals brute force to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.search import bundles as bundles_module
from index.search import by_bundles, division
from index.search.bundles import Bundles, numbered, tight
from index.search.by_bundles import candidates
from index.search.checked import LONGEST
from index.search.exact import ExactIndex
from tests.index.search.material import GROUPS, SHAPES, agree, as_ids, filled, unit


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few bundles are found for a query that some need more, and some more than there are."""
    monkeypatch.setattr(by_bundles, "FEW", 2)
    monkeypatch.setattr(by_bundles, "MANY", 9)


def bundled(stored: np.ndarray, codes: np.ndarray) -> ExactIndex:
    """An index that searches by bundles, whether they pay or not."""
    vectors = filled(stored)
    vectors.divided().bundles = Bundles(stored, numbered(codes))
    return vectors


def groups(rng: np.random.Generator, count: int, of_each: int, radius: float) -> np.ndarray:
    """Groups of rows around random points at about 1.4 from each other, one after the other."""
    centres = unit(rng.normal(size=(count, 30)))
    around = unit(rng.normal(size=(count * of_each, 30))) * radius
    vectors: np.ndarray = (np.repeat(centres, of_each, axis=0) + around).astype(np.float32)
    return vectors


@pytest.mark.costly
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    dim=st.sampled_from([1, 2, 30]),
    count=st.integers(1, 300),
    scale=st.sampled_from([1e-30, 1e-19, 1e-6, 1.0, 1e6, LONGEST / 100]),
    shape=st.sampled_from(sorted(SHAPES)),
    codes=st.sampled_from(sorted(GROUPS)),
    k=st.sampled_from([1, 2, 5, 40]),
)
def test_every_shape_scale_and_bundling_agrees_with_brute_force(
    brute_force, seed, dim, count, scale, shape, codes, k
) -> None:
    rng = np.random.default_rng(seed)
    made = SHAPES[shape](rng, count + 40, dim).astype(np.float64) * scale
    stored, queries = np.split(made.astype(np.float32), [count])
    vectors = bundled(stored, GROUPS[codes](rng, count))
    agree(vectors, np.concatenate([queries, stored[:10]]), min(k, count), brute_force)


@pytest.mark.costly
@settings(max_examples=25, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_rows_that_come_and_go_are_searched_as_if_they_had_always_been_there(
    brute_force, data, seed
) -> None:
    rng = np.random.default_rng(seed)
    vectors = bundled(groups(rng, 20, 5, 0.1), np.repeat(np.arange(20), 5))
    for step in range(4):
        if data.draw(st.booleans(), label=f"add in step {step}"):
            near = vectors.stored[rng.integers(len(vectors), size=rng.integers(1, 9))]
            vectors.append(near + rng.normal(size=near.shape).astype(np.float32) * 0.05)
        else:
            kept = rng.random(len(vectors)) < 0.8
            left = vectors.stored[kept]
            vectors.flat.reset()
            vectors.flat.add(left)
            vectors.removed(kept)
        queries = np.concatenate([vectors.stored[-3:], rng.normal(size=(17, 30))])
        agree(vectors, queries.astype(np.float32), 4, brute_force)
        bundles = vectors.divided().bundles
        assert bundles is not None
        assert bundles.sizes.sum() == len(vectors)
        assert bundles.sizes.min() >= 1


def test_of_tight_groups_only_the_near_ones_are_computed(rng) -> None:
    stored = groups(rng, 60, 10, 0.1)
    bundles = Bundles(stored, np.repeat(np.arange(60), 10))
    found = candidates(bundles, stored, stored[::7], 5)
    assert not found.given_up.any()
    assert len(found.rows) <= 10 * len(stored[::7])  # each group is as near as 1, 0.2 wide


def test_queries_near_more_bundles_than_are_found_are_given_up(rng, brute_force) -> None:
    stored = groups(rng, 60, 4, 0.4)
    vectors, strangers = bundled(stored, np.repeat(np.arange(60), 4)), rng.normal(size=(30, 30))
    far = strangers.astype(np.float32) * 100  # about as far from all groups
    bundles = vectors.divided().bundles
    assert bundles is not None
    assert candidates(bundles, stored, far, 3).given_up.all()
    agree(vectors, far, 3, brute_force)


def test_more_neighbours_than_the_found_bundles_have_rows_are_searched_otherwise(
    rng, brute_force
) -> None:
    stored = groups(rng, 40, 2, 0.1)
    vectors = bundled(stored, np.repeat(np.arange(40), 2))
    agree(vectors, stored[:20], 80, brute_force)


def test_tight_groups_are_one_bundle_each(rng) -> None:
    stored, codes = groups(rng, 60, 10, 0.1), np.repeat(np.arange(60), 10)
    order = rng.permutation(600)
    bundle = tight(stored[order], codes[order])
    assert bundle is not None
    np.testing.assert_array_equal(bundle, codes[order])


def test_what_lies_far_from_its_group_and_what_has_none_is_alone(rng) -> None:
    stored, codes = groups(rng, 60, 10, 0.1), np.repeat(np.arange(60), 10)
    codes[3] = 20  # a picture of group 0 that has the label of group 20
    codes[599] = -1
    bundle = tight(stored, codes)
    assert bundle is not None
    sizes = np.bincount(bundle)[bundle]
    assert (sizes[3], sizes[599]) == (1, 1)
    assert (sizes[0], sizes[200], sizes[590]) == (9, 10, 9)


@pytest.mark.parametrize(
    ("radius", "codes"),
    [
        (0.1, np.full(600, -1)),  # no groups
        (0.1, np.arange(600)),  # groups of one
        (0.1, np.repeat(np.arange(300), 2)),  # of two, where a bundle is to save four rows
        (0.1, np.zeros(600, np.int64)),  # one group, larger than a bundle may be
        (1.0, np.repeat(np.arange(60), 10)),  # groups as wide as they lie apart
    ],
    ids=["none", "of one", "of two", "one large", "sprawling"],
)
def test_other_groups_make_no_bundles(rng, radius, codes) -> None:
    assert tight(groups(rng, 60, 10, radius), codes) is None


@pytest.mark.parametrize(
    ("gains", "used"),
    [([2.5, 2.6], True), ([2.5, 2.4], False), ([0.8, 2.1], True), ([0.8, 1.9], False)],
    ids=["more than cells", "less than cells", "cells do not pay", "nothing pays"],
)
def test_bundles_are_used_where_they_gain_most(rng, monkeypatch, gains, used) -> None:
    measured = iter(gains)  # of cells, then of bundles
    monkeypatch.setattr(division, "measured_gain", lambda *_: next(measured))
    monkeypatch.setattr(division, "FROM", 1)
    vectors = filled(groups(rng, 60, 10, 0.1))
    vectors.divided().groups = lambda: np.repeat(np.arange(60), 10)
    vectors.divided().make(vectors.stored)
    assert (vectors.divided().for_first(5) is not None) == used
    assert (vectors.divided().gain, vectors.divided().bundle_gain) == tuple(gains)
    assert (vectors.divided().cells is not None) == (gains[0] >= division.PAYING)


def test_bundles_are_made_anew_when_many_new_rows_are_alone(rng, monkeypatch) -> None:
    monkeypatch.setattr(division, "FROM", 1)
    monkeypatch.setattr(division, "_REPAID", 9)
    stored, codes = groups(rng, 80, 10, 0.1), np.repeat(np.arange(80), 10)
    vectors = filled(stored[:600])
    vectors.divided().groups = lambda: codes[: len(vectors)]
    gains = {"Cells": 1.0, "Bundles": 9.0}
    monkeypatch.setattr(
        division, "measured_gain", lambda find, _: gains[type(find.args[0]).__name__]
    )
    vectors.divided().make(vectors.stored)
    vectors.append(stored[600:700])
    bundles = vectors.divided().bundles
    assert bundles is not None
    assert len(bundles) == 60 + 100  # of 700 rows: still fewer than one for each four
    vectors.nearest(stored[:1], 1, as_ids)
    assert vectors.divided().bundles is bundles
    vectors.append(stored[700:])  # 260 of 800
    vectors.nearest(stored[:1], 1, as_ids)
    assert vectors.divided().bundles is None
    vectors.nearest(stored[:9], 1, as_ids)
    bundles = vectors.divided().bundles
    assert bundles is not None
    assert len(bundles) == 80


@pytest.mark.parametrize("way", ["flat", "cells"])
def test_another_way_that_was_chosen_uses_no_bundles(rng, monkeypatch, way) -> None:
    vectors = bundled(groups(rng, 60, 10, 0.1), np.repeat(np.arange(60), 10))
    monkeypatch.setattr(by_bundles, "candidates", None)  # would be called
    vectors.divided().way = way
    vectors.nearest(vectors.stored[:5], 2, as_ids)


def test_large_groups_are_left_in_rows_of_their_own(rng, monkeypatch) -> None:
    monkeypatch.setattr(bundles_module, "MOST", 9)
    assert tight(groups(rng, 60, 10, 0.1), np.repeat(np.arange(60), 10)) is None
