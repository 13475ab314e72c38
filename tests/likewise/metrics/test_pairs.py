"""Pairs drawn at random, and their distances by explicit loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likewise.distance import between
from likewise.metrics.pairs import (
    distances_between,
    distances_of,
    drawn_distances,
    exact_distances,
    pair_distances,
)


def test_pair_distances_are_those_of_the_rows_by_an_explicit_loop():
    embeddings = np.array([[0, 0], [3, 4], [0, 1]], dtype=np.float32)
    same, different = pair_distances(embeddings, ["a", "a", "b"], pairs=50, seed=0)
    assert set(same) == {5.0}  # √(3² + 4²)
    assert sorted(set(different)) == pytest.approx([1.0, np.sqrt(3**2 + 3**2)])


def test_the_distance_of_a_pair_is_the_one_that_a_comparison_gives(rng):
    embeddings = rng.normal(size=(40, 7)).astype(np.float32)
    pairs = rng.integers(0, 40, (200, 2))
    compared = [between(embeddings[a], embeddings[b]) for a, b in pairs]
    assert distances_of(embeddings, pairs).tolist() == compared


def test_near_vectors_are_told_apart_however_long_they_are(rng):
    far = 300 * np.eye(1, 8, dtype=np.float32)
    gaps = np.zeros((5000, 8), np.float32)
    gaps[:, 1] = rng.uniform(0.05, 0.08, 5000)
    expected = gaps[:, 1][None]
    np.testing.assert_allclose(distances_between(far, far + gaps), expected, rtol=1e-6)


def test_labels_without_any_same_pair_are_refused():
    with pytest.raises(ValueError, match="3 images of 3 labels"):
        pair_distances(np.eye(3, dtype=np.float32), ["a", "b", "c"], pairs=10, seed=0)
    with pytest.raises(ValueError, match=r"1 image of 1 label\."):
        pair_distances(np.eye(1, dtype=np.float32), ["a"], pairs=10, seed=0)


def test_exact_distances_are_those_of_the_rows_however_many_fit_in_memory(rng, monkeypatch):
    first, second = (rng.normal(size=(n, 5)).astype(np.float32) for n in (7, 9))
    a, b = rng.integers(0, 7, 50), rng.integers(0, 9, 50)
    expected = np.linalg.norm(first[a].astype(np.float64) - second[b], axis=1)
    monkeypatch.setattr("likewise.metrics.pairs._VALUES_AT_ONCE", 8 * 5)  # eight pairs
    np.testing.assert_array_equal(exact_distances(first, a, second, b), expected.astype(np.float32))


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=12), st.integers(0, 5))
def test_drawn_pairs_are_of_one_group_and_of_two_and_never_a_row_with_itself(labels, seed):
    places = 2.0 ** np.arange(len(labels))  # each difference of two belongs to one pair alone
    genuine, impostor = drawn_distances(
        labels, places[:, None].astype(np.float32).__getitem__, most=200, seed=seed
    )
    rows = range(len(labels))
    pairs = [(a, b) for a in rows for b in rows if a < b]
    same = {abs(places[a] - places[b]) for a, b in pairs if labels[a] == labels[b]}
    other = {abs(places[a] - places[b]) for a, b in pairs if labels[a] != labels[b]}
    assert set(genuine.tolist()) <= same
    assert set(impostor.tolist()) <= other
    assert (len(genuine) > 0, len(impostor) > 0) == (bool(same), bool(other))
