"""Exact search: whatever FAISS proposes, the answer equals brute force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from index.search import exact as vectors_module
from index.search.checked import LONGEST
from index.search.exact import ExactIndex
from likewise import parallel
from tests.index.search.material import as_ids, clusters, filled, unit


def agree(stored: np.ndarray, queries: np.ndarray, k: int, brute_force: Callable[..., Any]) -> None:
    rows, distances = filled(stored).nearest(queries, k, as_ids)
    ids = [str(i) for i in range(len(stored))]
    names, expected = brute_force(stored, ids, queries, k)
    assert as_ids(rows).tolist() == names
    np.testing.assert_array_equal(distances, expected)


@pytest.mark.costly
@pytest.mark.parametrize("count", [1, 19, 20, 300], ids=lambda count: f"{count} queries")
def test_search_agrees_with_brute_force(rng, brute_force, count: int) -> None:
    stored = unit(rng.normal(size=(2000, 16)))
    agree(stored, unit(rng.normal(size=(count, 16))), 5, brute_force)


@pytest.mark.costly
@pytest.mark.parametrize("radius", [0.5, 0.05, 1e-3, 1e-5, 1e-7])
def test_tight_clusters_are_ordered_exactly(rng, brute_force, radius: float) -> None:
    everything = clusters(rng, 2100, 32, radius)
    agree(everything[:2000], everything[2000:], 5, brute_force)


def test_one_query_against_many_vectors_is_exact(rng, brute_force) -> None:
    """FAISS takes another way here, which rounds as coarsely as its way with many queries."""
    everything = clusters(rng, 20_001, 8, 1e-3)
    agree(everything[:20_000], everything[20_000:], 5, brute_force)


@pytest.mark.costly
def test_thousands_of_queries_take_the_way_over_matrix_products(rng) -> None:
    everything = clusters(rng, 8000, 64, 0.01)
    vectors = filled(everything[:5000])
    at_once = vectors.nearest(everything[5000:], 5, as_ids)
    for start in range(0, 3000, 600):
        rows, distances = vectors.nearest(everything[5000 + start :][:7], 5, as_ids)
        np.testing.assert_array_equal(rows, at_once[0][start : start + 7])
        np.testing.assert_array_equal(distances, at_once[1][start : start + 7])


def test_duplicates_are_ordered_by_id_even_beyond_k(rng, brute_force) -> None:
    stored = unit(rng.normal(size=(20, 8)))[rng.integers(0, 20, 3000)]  # each about 150 times
    agree(stored, np.concatenate([stored[:30], unit(rng.normal(size=(5, 8)))]), 5, brute_force)


def test_all_vectors_equal_gives_the_first_ids(brute_force) -> None:
    agree(np.full((500, 3), 0.3, np.float32), np.full((2, 3), 0.3, np.float32), 4, brute_force)


def test_an_identical_vector_is_at_exactly_zero(rng) -> None:
    stored = (rng.normal(size=(1000, 64)) * 1000).astype(np.float32)
    rows, distances = filled(stored).nearest(stored, 1, as_ids)
    assert rows[:, 0].tolist() == list(range(1000))
    assert not distances.any()


@pytest.mark.parametrize("scale", [1e-30, 1e-19, 1e-6, 1e6, LONGEST / 100])
def test_very_short_and_very_long_vectors_are_exact(rng, brute_force, scale: float) -> None:
    stored = (rng.normal(size=(200, 8)) * scale).astype(np.float32)
    agree(stored, (rng.normal(size=(30, 8)) * scale).astype(np.float32), 3, brute_force)


def test_k_may_be_all_there_is(rng, brute_force) -> None:
    stored = unit(rng.normal(size=(40, 4)))
    agree(stored, stored[:3], 40, brute_force)


few = st.integers(-2, 2).map(float)  # so few values that equal distances are the rule


@pytest.mark.costly
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_search_agrees_with_brute_force_where_distances_tie(brute_force, data) -> None:
    stored = data.draw(
        hnp.arrays(np.float32, st.tuples(st.integers(1, 80), st.just(2)), elements=few)
    )
    queries = data.draw(hnp.arrays(np.float32, (3, 2), elements=few))
    agree(stored, queries, data.draw(st.integers(1, len(stored))), brute_force)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 3))
def test_within_finds_all_up_to_the_radius_and_no_others(brute_force, seed, radius) -> None:
    rng = np.random.default_rng(seed)
    stored = rng.integers(-2, 3, size=(50, 2)).astype(np.float32)
    [(rows, distances)] = filled(stored).within(stored[:1], radius, as_ids)
    names, expected = brute_force(stored, [str(i) for i in range(50)], stored[:1], 50)
    inside = int((expected[0].astype(float) <= radius).sum())
    assert as_ids(rows).tolist() == names[0][:inside]
    np.testing.assert_array_equal(distances, expected[0][:inside])


def test_within_includes_equality() -> None:
    vectors = filled(np.array([[3, 4]], np.float32))
    [(rows, distances)] = vectors.within(np.zeros((1, 2), np.float32), 5.0, as_ids)
    assert (rows.tolist(), distances.tolist()) == ([0], [5.0])


def test_no_queries_give_no_rows(rng) -> None:
    vectors = filled(unit(rng.normal(size=(30, 4))))
    rows, distances = vectors.nearest(np.empty((0, 4), np.float32), 3, as_ids)
    assert rows.shape == distances.shape == (0, 3)
    assert vectors.within(np.empty((0, 4), np.float32), 1.0, as_ids) == []


def test_queries_come_back_unchanged(rng) -> None:
    stored = unit(rng.normal(size=(30, 4)))
    queries = stored[:5].copy()
    filled(stored).nearest(queries, 3, as_ids)
    np.testing.assert_array_equal(queries, stored[:5])


def test_adding_vectors_never_increases_the_nearest_distance(rng) -> None:
    stored, queries = unit(rng.normal(size=(200, 8))), unit(rng.normal(size=(20, 8)))
    vectors = filled(stored[:50])
    before = vectors.nearest(queries, 1, as_ids)[1]
    vectors.append(stored[50:])
    assert (vectors.nearest(queries, 1, as_ids)[1] <= before).all()


def test_few_queries_are_searched_by_spans_of_the_vectors(rng, brute_force, monkeypatch) -> None:
    monkeypatch.setattr(vectors_module, "_SPAN", 100)
    monkeypatch.setattr(parallel, "count", lambda: 3)
    stored = unit(rng.normal(size=(40, 8)))[rng.integers(0, 40, 1000)]  # equal ones in every span
    agree(stored, np.concatenate([stored[:10], unit(rng.normal(size=(10, 8)))]), 5, brute_force)
    assert [span.stop - span.start for span in filled(stored)._spans(16)] == [333, 333, 334]


def counted(vectors: ExactIndex, monkeypatch) -> list[int]:
    """The number of queries of each range search, which finds all equal rows."""
    counts: list[int] = []
    reached = ExactIndex.reached

    def counting(self: ExactIndex, queries: np.ndarray, reach: np.ndarray) -> Any:
        counts.append(len(queries))
        return reached(self, queries, reach)

    monkeypatch.setattr(ExactIndex, "reached", counting)
    return counts


@pytest.mark.costly
@pytest.mark.parametrize("different", [1, 2, 7, 150])
def test_many_equal_vectors_are_ordered_by_id_without_finding_all_of_them_each_time(
    rng, brute_force, monkeypatch, different: int
) -> None:
    kinds = rng.integers(0, 3, (different, 4)).astype(np.float32)
    stored = kinds[rng.integers(0, different, 900)]
    queries = np.concatenate([stored[:300], rng.normal(size=(20, 4)).astype(np.float32)])
    vectors = filled(stored)
    counts = counted(vectors, monkeypatch)
    ids = [str(i) for i in range(len(stored))]
    for k in (1, 6, 80):
        rows, distances = vectors.nearest(queries, k, as_ids)
        names, expected = brute_force(stored, ids, queries, k)
        assert as_ids(rows).tolist() == names
        np.testing.assert_array_equal(distances, expected)
    if different < 8:  # others may have several vectors at one distance
        assert sum(counts) <= 3 * 2 * vectors_module._CROWDED


def test_rows_that_come_or_go_are_searched_beside_equal_ones(rng, brute_force) -> None:
    stored = np.repeat(rng.normal(size=(2, 4)).astype(np.float32), 200, axis=0)
    vectors = filled(stored)
    vectors.nearest(np.repeat(stored, 2, axis=0), 5, as_ids)  # from now on equals are one
    further = rng.normal(size=(3, 4)).astype(np.float32)
    vectors.append(further)
    rows, distances = vectors.nearest(further, 5, as_ids)
    everything = np.concatenate([stored, further])
    names, expected = brute_force(everything, [str(i) for i in range(403)], further, 5)
    assert as_ids(rows).tolist() == names
    np.testing.assert_array_equal(distances, expected)
