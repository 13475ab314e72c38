"""Nearest groups by cells: whatever is left out, the answer equals brute force to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.gallery import Gallery
from index.search import by_group, by_group_cells, division
from index.search.by_group import GroupedVectors
from index.search.by_group_cells import nearest_pruned
from index.search.cells import Cells
from index.search.checked import LONGEST
from index.search.group_cells import GroupCells
from index.search.nearest_groups import NONE
from likewise.metrics.groups import rows_by_group
from tests.index.search.material import GROUPS, SHAPES, filled
from tests.index.search.test_by_group import by_definition

PARTS = ("own", "other", "nearest", "closer")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells pay however few vectors there are, and groups of three are not small."""
    monkeypatch.setattr(division, "FROM", 1)
    monkeypatch.setattr(division, "_REPAID", 0)
    monkeypatch.setattr(division, "_VISITS", 0)
    monkeypatch.setattr(division, "measured_gain", lambda *_: 9.0)
    monkeypatch.setattr(by_group_cells, "_SHARE", 1.0)
    monkeypatch.setattr(by_group_cells, "_SMALL", 2)


def grouped(stored: np.ndarray, codes: np.ndarray) -> tuple[GroupedVectors, list[np.ndarray]]:
    groups = list(rows_by_group([f"{code:04}" for code in codes]).values())
    return GroupedVectors(filled(stored), groups), groups


def agree(
    stored: np.ndarray, codes: np.ndarray, queries: np.ndarray, own: np.ndarray, skip: np.ndarray
) -> float:
    """Compare with brute force, some queries alone too; the share that cells answered."""
    vectors, groups = grouped(stored, codes)
    columns = np.unique(codes)
    own = np.where(own == NONE, NONE, np.searchsorted(columns, own))
    found, expected = (
        vectors.search(queries, own, skip),
        by_definition(stored, groups, queries, own, skip),
    )
    for part in PARTS:
        np.testing.assert_array_equal(getattr(found, part), getattr(expected, part), part)
    for at in range(0, len(queries), 7):
        one = slice(at, at + 1)
        alone = vectors.search(queries[one], own[one], skip[one])
        for part in PARTS:
            np.testing.assert_array_equal(getattr(alone, part), getattr(expected, part)[one], part)
    return answered(vectors, queries, own, skip)


def answered(
    vectors: GroupedVectors, queries: np.ndarray, own: np.ndarray, skip: np.ndarray
) -> float:
    [by_cells] = vectors._ways(len(queries))
    hidden = vectors._grouped.hidden(skip)
    return 1 - float(by_cells.search(queries, own, hidden)[1].mean())


@pytest.mark.costly
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    dim=st.sampled_from([1, 2, 30]),
    count=st.integers(1, 200),
    scale=st.sampled_from([1e-30, 1e-19, 1e-6, 1.0, 1e6, LONGEST / 100]),
    shape=st.sampled_from(sorted(SHAPES)),
    groups=st.sampled_from(sorted(GROUPS)),
)
def test_every_shape_and_scale_agrees_with_brute_force(
    seed, dim, count, scale, shape, groups
) -> None:
    rng = np.random.default_rng(seed)
    everything = (SHAPES[shape](rng, count + 40, dim).astype(np.float64) * scale).astype(np.float32)
    stored, strangers = everything[:count], everything[count:]
    codes = GROUPS[groups](rng, count)
    references = rng.integers(0, count, 60)
    others = np.concatenate([rng.choice(codes, 30), np.full(10, NONE)])
    queries = np.concatenate([stored[references], strangers])
    own = np.concatenate([codes[references], others])
    skip = np.concatenate([references[:50], np.full(50, NONE)])
    agree(stored, codes, queries, own, skip)


def tiles(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors in a plane, and the tile that each is in, which is its group: 25 of them."""
    places = rng.random((count, 2)) * 5
    vectors = (places @ rng.normal(size=(2, 30))).astype(np.float32)
    row, column = np.floor(places).astype(np.int64).T
    return vectors, row * 5 + column


def test_groups_side_by_side_are_found_by_looking_at_few_cells(rng, monkeypatch) -> None:
    monkeypatch.setattr(by_group_cells, "_SHARE", 0.3)
    stored, codes = tiles(rng, 2000)
    asked = np.arange(0, 2000, 5)
    assert agree(stored, codes, stored[asked], codes[asked], asked) > 0.9


def test_queries_that_bounds_do_not_help_are_scanned(rng, monkeypatch) -> None:
    monkeypatch.setattr(by_group_cells, "_SHARE", 0.3)
    stored, codes = tiles(rng, 1000)
    far = rng.normal(size=(50, 30)).astype(np.float32) * 1000  # about as far from all groups
    queries = np.concatenate([stored[:100], far])
    own = np.concatenate([codes[:100], np.full(50, NONE)])
    assert 0 < agree(stored, codes, queries, own, np.full(150, NONE)) < 1


def test_more_candidates_than_allowed_are_scanned(rng, monkeypatch) -> None:
    monkeypatch.setattr(by_group_cells, "_MOST", 3)
    stored = rng.normal(size=(300, 30)).astype(np.float32)
    codes = rng.integers(0, 5, 300)
    assert agree(stored, codes, stored[:50], codes[:50], np.arange(50)) == 0


def test_where_most_queries_are_given_up_the_others_are_not_tried(rng, monkeypatch) -> None:
    monkeypatch.setattr(by_group_cells, "_SHARE", 0.0)
    monkeypatch.setattr(by_group, "_TRIED", 10)
    tried = []

    def counting(cells, queries, own, hidden):
        tried.append(len(queries))
        return nearest_pruned(cells, queries, own, hidden)

    monkeypatch.setattr(by_group, "nearest_pruned", counting)
    stored, codes = rng.normal(size=(200, 5)).astype(np.float32), np.arange(200) % 7
    vectors, groups = grouped(stored, codes)
    found = vectors.search(stored[:100], codes[:100])
    expected = by_definition(stored, groups, stored[:100], codes[:100], np.full(100, NONE))
    np.testing.assert_array_equal(found.other, expected.other)
    assert tried == [10]


def test_bounds_hold_whatever_cells_the_vectors_are_in(rng) -> None:
    stored, codes = tiles(rng, 400)
    vectors, groups = grouped(stored, codes)
    cells = Cells(
        vectors._grouped.different,
        rng.normal(size=(9, 30)).astype(np.float32),
        rng.integers(0, 9, 400),
    )
    hidden = vectors._grouped.hidden(np.arange(100))
    found, given_up = nearest_pruned(
        GroupCells(cells, vectors._grouped), stored[:100], codes[:100], hidden
    )
    expected = by_definition(stored, groups, stored[:100], codes[:100], np.arange(100))
    for part in PARTS:
        np.testing.assert_array_equal(getattr(found, part), getattr(expected, part), part)
    assert not given_up.any()


def test_a_vector_of_several_groups_is_near_to_each_of_them(rng) -> None:
    corners = rng.normal(size=(40, 30)).astype(np.float32)
    stored = corners[np.arange(400) % 40]  # ten equal ones of each
    codes = np.arange(400) // 40 + np.arange(400) % 3 * 10  # of up to 30 groups
    asked = np.arange(0, 400, 3)
    agree(stored, codes, stored[asked], codes[asked], asked)


def test_the_answers_follow_references_that_come_and_go(rng, tmp_path) -> None:
    stored, codes = tiles(rng, 600)
    ids = np.array([f"r{row:03}" for row in range(600)], object)
    labels = np.array([f"{code}" for code in codes], object)
    with Gallery.create(tmp_path / "g", dim=30, fingerprint="3f") as gallery:
        gallery.add(ids[:500].tolist(), stored[:500], labels[:500].tolist())
        here = np.arange(500)
        for change in ("none", "remove", "add"):
            if change == "remove":
                gallery.remove(ids[:500:7].tolist())
                here = np.delete(here, np.s_[::7])
            if change == "add":
                gallery.add(ids[500:].tolist(), stored[500:], labels[500:].tolist())
                here = np.concatenate([here, np.arange(500, 600)])
            names, own, near = gallery.nearest_by_group(
                stored[here], labels[here].tolist(), skip=ids[here].tolist()
            )
            groups = [np.flatnonzero(labels[here] == name) for name in names]
            expected = by_definition(stored[here], groups, stored[here], own, np.arange(len(here)))
            for part in PARTS:
                np.testing.assert_array_equal(getattr(near, part), getattr(expected, part), part)


def test_no_queries_find_nothing(rng) -> None:
    stored, codes = tiles(rng, 50)
    vectors, _ = grouped(stored, codes)
    assert vectors._ways(5)
    found = vectors.search(stored[:0], codes[:0])
    assert [len(getattr(found, part)) for part in PARTS] == [0] * 4
