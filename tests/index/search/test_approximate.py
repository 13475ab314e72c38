"""Approximate search: it may lose a match, never makes one, and keeps its promise on made sets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.search import scan
from index.search.approximate import Approximation
from index.search.promise import Lost, Measured, Promise, proves
from index.search.quantised import Quantised
from index.search.scan import Effort, NearLists
from tests.index.search.material import as_ids, clusters, filled


def approximate(stored: np.ndarray, slots: np.ndarray, effort: Effort) -> Approximation:
    promise = Promise(0.9, "both", len(stored), effort)
    return Approximation(promise, Quantised.train(stored, slots))


@pytest.mark.costly
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 999),
    dim=st.sampled_from([3, 8, 25]),
    scale=st.sampled_from([1e-12, 1.0, 1e9]),
    equal=st.booleans(),
    k=st.integers(1, 7),
    effort=st.builds(
        Effort, st.integers(1, 40), st.sampled_from([1.0, 2.0, 9.0]), st.integers(7, 64)
    ),
)
def test_what_is_found_has_its_exact_distance_and_order(seed, dim, scale, equal, k, effort) -> None:
    rng = np.random.default_rng(seed)
    stored = clusters(rng, 300, dim, 0.3) * np.float32(scale)
    if equal:
        stored[100:] = stored[rng.integers(0, 100, 200)]
    slots = np.cumsum(rng.integers(1, 4, 300))
    index, made = filled(stored), approximate(stored, slots, effort)
    queries = (stored[:20] * np.float32(1.01)).astype(np.float32)
    rows, distances = made.nearest(index.stored, slots, queries, k, as_ids, index.nearest)
    gaps = stored[rows].astype(np.float64) - queries[:, None]
    exact = np.sqrt((gaps**2).sum(axis=2)).astype(np.float32)
    np.testing.assert_array_equal(distances, exact)
    assert (distances >= index.nearest(queries, k, as_ids)[1]).all()
    for near, far in zip(as_ids(rows).tolist(), distances.tolist(), strict=True):
        assert list(zip(far, near, strict=True)) == sorted(zip(far, near, strict=True))
        assert len(set(near)) == k


def test_all_lists_and_candidates_find_what_exact_search_finds(rng) -> None:
    stored, slots = clusters(rng, 400, 8, 0.5), np.arange(400)
    index, made = filled(stored), approximate(stored, slots, Effort(64, np.inf, 400))
    queries = clusters(rng, 30, 8, 0.5)
    rows, distances = made.nearest(index.stored, slots, queries, 5, as_ids, index.nearest)
    expected = index.nearest(queries, 5, as_ids)
    np.testing.assert_array_equal(rows, expected[0])
    np.testing.assert_array_equal(distances, expected[1])


def test_a_query_that_finds_too_few_is_searched_exactly(rng) -> None:
    stored, slots = clusters(rng, 300, 8, 0.5), np.arange(300)
    index, made = filled(stored), approximate(stored, slots, Effort(1, 1.0, 64))
    assert made.coded is not None
    made.coded.lists.remove_ids(slots[2:])  # only two are left to be found
    rows, distances = made.nearest(index.stored, slots, stored[:9], 5, as_ids, index.nearest)
    np.testing.assert_array_equal(rows, index.nearest(stored[:9], 5, as_ids)[0])
    assert (distances[:, 0] == 0).all()


def test_slots_that_are_no_longer_stored_are_passed_over(rng) -> None:
    stored, slots = clusters(rng, 300, 8, 0.5), np.arange(300)
    made = approximate(stored, slots, Effort(64, np.inf, 300))
    kept = np.arange(300) % 2 == 1
    index = filled(stored[kept])
    asked = (index.stored, slots[kept], stored[:40], 5, as_ids, index.nearest)
    np.testing.assert_array_equal(made.nearest(*asked)[0], index.nearest(stored[:40], 5, as_ids)[0])


def test_parts_of_queries_find_the_same_as_all_together(rng, monkeypatch) -> None:
    stored, slots = clusters(rng, 2000, 16, 0.5), np.arange(2000)
    coded, queries = Quantised.train(stored, slots), clusters(rng, 50, 16, 0.5)
    near = NearLists.of(coded, queries, Effort(8, 4.0, 32))
    together = scan.candidates(coded, queries, near, 32)
    monkeypatch.setattr(scan, "_TABLES", 100)
    np.testing.assert_array_equal(scan.candidates(coded, queries, near, 32), together)


def test_lists_that_are_taken_for_empty_are_not_looked_at(rng) -> None:
    stored, slots = clusters(rng, 2000, 16, 0.5), np.arange(2000)
    coded = Quantised.train(stored, slots)
    empty = np.arange(coded.lists.nlist) % 2 == 0
    near = NearLists.of(coded, stored[:50], Effort(8, np.inf, 32), empty)
    assert (near.lists % 2 == 1).all()
    assert (near.counts == 8).all()
    hidden = {slot for number, held in coded.members() if empty[number] for slot in held.tolist()}
    assert not hidden & set(scan.candidates(coded, stored[:50], near, 32).ravel().tolist())


def test_a_reference_takes_at_most_60_bytes(rng) -> None:
    stored = rng.normal(size=(20_000, 64)).astype(np.float32)
    coded = Quantised.train(stored, np.arange(len(stored)))
    of_each = coded.lists.code_size + 8  # a code, and an id of 64 bits
    assert of_each == 64 // 2 * 4 // 8 + 8  # 32 parts of 4 bits
    lists = coded.lists.nlist * 64 * 4  # centroids of float32
    assert (of_each * len(stored) + lists) / len(stored) <= 60


def test_a_recall_is_proven_by_the_lower_end_of_its_interval() -> None:
    assert proves(1000, 1000, 0.996)  # 0.025 ** (1 / 1000) = 0.99632
    assert not proves(1000, 1000, 0.997)


def test_a_decision_differs_where_the_match_is_lost_or_of_another_group() -> None:
    lost = (Lost(0.2, 0.4, True), Lost(0.2, 0.3, False), Lost(0.5, None, False))
    measured = Measured(10, lost)
    assert measured.recall == 0.7
    assert measured.differing(0.1) == 0.0  # all are beyond it either way
    assert measured.differing(0.25) == 0.2  # the first two are matches that are not found
    assert measured.differing(0.45) == 0.1  # of the second a match of another group is
    assert measured.differing(0.5) == 0.2  # of the third nothing is
