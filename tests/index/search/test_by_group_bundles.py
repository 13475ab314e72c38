"""Nearest groups by bundles: whatever is looked at as one, the answer equals brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.search import bundles as bundles_module
from index.search import by_group_bundles, division
from index.search.bundles import Bundles, numbered
from index.search.by_group import GroupedVectors
from index.search.by_group_bundles import GroupBundles, nearest_bundled
from index.search.checked import LONGEST
from index.search.nearest_groups import NONE
from likewise.metrics.groups import rows_by_group
from tests.index.search.material import GROUPS, SHAPES, filled, unit
from tests.index.search.test_by_group import by_definition
from tests.index.search.test_by_group_cells import PARTS


def grouped(stored: np.ndarray, codes: np.ndarray) -> tuple[GroupedVectors, list[np.ndarray]]:
    groups = list(rows_by_group([f"{code:04}" for code in codes]).values())
    return GroupedVectors(filled(stored), groups), groups


@pytest.mark.costly
@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    dim=st.sampled_from([1, 2, 30]),
    count=st.integers(1, 200),
    scale=st.sampled_from([1e-30, 1e-19, 1e-6, 1.0, 1e6, LONGEST / 100]),
    shape=st.sampled_from(sorted(SHAPES)),
    groups=st.sampled_from(sorted(GROUPS)),
    halves=st.integers(1, 3),
    many=st.sampled_from([2, 30, 1000]),
)
def test_every_shape_and_scale_agrees_with_brute_force(
    seed, dim, count, scale, shape, groups, halves, many
) -> None:
    rng = np.random.default_rng(seed)
    everything = (SHAPES[shape](rng, count + 40, dim).astype(np.float64) * scale).astype(np.float32)
    stored, strangers = everything[:count], everything[count:]
    codes = numbered(GROUPS[groups](rng, count))
    references = rng.integers(0, count, 60)
    others = np.concatenate([rng.choice(codes, 30), np.full(10, NONE)])
    queries = np.concatenate([stored[references], strangers])
    own = np.concatenate([codes[references], others])
    skip = np.concatenate([references[:50], np.full(50, NONE)])

    vectors, places = grouped(stored, codes)
    spans = vectors._grouped
    shared = spans.only == len(spans.sizes)
    every = np.arange(len(spans.only))
    keys = np.where(shared, len(every) * 9 + every, spans.only * 9 + every % halves)
    divided = GroupBundles(Bundles(spans.different, numbered(keys)), spans)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(by_group_bundles, "MANY", many)
        patch.setattr(by_group_bundles, "FEW", 7)
        found, given_up = nearest_bundled(divided, queries, own, spans.hidden(skip))
    expected = by_definition(stored, places, queries, own, skip)
    for part in PARTS:
        np.testing.assert_array_equal(
            getattr(found, part)[~given_up], getattr(expected, part)[~given_up], part
        )


def tight_groups(
    rng: np.random.Generator, count: int, of_each: int
) -> tuple[np.ndarray, np.ndarray]:
    centres = unit(rng.normal(size=(count, 30)))
    around = unit(rng.normal(size=(count * of_each, 30))) * 0.1
    stored: np.ndarray = (np.repeat(centres, of_each, axis=0) + around).astype(np.float32)
    return stored, np.repeat(np.arange(count), of_each)


@pytest.fixture
def paying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bundles pay however few vectors there are."""
    gains = iter([1.0, 9.0])  # of cells, then of bundles
    monkeypatch.setattr(division, "FROM", 1)
    monkeypatch.setattr(division, "_REPAID", 0)
    monkeypatch.setattr(division, "measured_gain", lambda *_: next(gains))


def test_tight_groups_and_their_pictures_left_out_are_found(rng, paying) -> None:
    stored, codes = tight_groups(rng, 60, 10)
    vectors, groups = grouped(stored, codes)
    vectors._grouped.vectors.divided().groups = lambda: codes
    asked = np.arange(0, 600, 3)
    own = np.where(asked % 2, codes[asked], (codes[asked] + 1) % 60)  # half of them misnamed
    skip = np.where(asked % 2, asked, NONE)
    for part in (slice(None), slice(5, 6), slice(6, 7)):
        found = vectors.search(stored[asked[part]], own[part], skip[part])
        expected = by_definition(stored, groups, stored[asked[part]], own[part], skip[part])
        for name in PARTS:
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)
    [by_bundles] = vectors._ways(1)
    hidden = vectors._grouped.hidden(skip)
    assert not by_bundles.search(stored[asked], own, hidden)[1].any()


def test_a_query_of_a_large_group_is_left_to_others(rng, monkeypatch) -> None:
    monkeypatch.setattr(by_group_bundles, "MOST", 9)
    stored, codes = tight_groups(rng, 20, 10)
    vectors, _ = grouped(stored, codes)
    divided = GroupBundles(Bundles(vectors._grouped.different, codes), vectors._grouped)
    own = np.array([0, NONE, 3])
    given_up = nearest_bundled(divided, stored[:3], own, np.full(3, NONE))[1]
    assert given_up.tolist() == [True, False, True]


def test_groups_that_make_no_bundles_are_searched_otherwise(rng, monkeypatch, paying) -> None:
    stored, codes = tight_groups(rng, 60, 10)
    vectors, groups = grouped(stored, codes)
    vectors._grouped.vectors.divided().groups = lambda: codes
    vectors._grouped.vectors.divided().make(vectors._grouped.vectors.stored)
    monkeypatch.setattr(bundles_module, "MOST", 9)
    found = vectors.search(stored[::7], codes[::7])
    expected = by_definition(stored, groups, stored[::7], codes[::7], np.full(86, NONE))
    assert vectors._ways(1) == []
    np.testing.assert_array_equal(found.other, expected.other)
