"""The map: near neighbours stay near, groups stay apart, and added pictures are placed."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.manifold import TSNE, trustworthiness

from likewise.maps.layout import laid_out, middles, placed, sample

NEIGHBOURS = 12


@pytest.fixture(scope="module")
def digits():
    """600 scanned digits as raw pixels, 8 × 8, and what they are."""
    images, labels = load_digits(return_X_y=True)
    return images[:600].astype(np.float32), labels[:600]


@pytest.fixture(scope="module")
def places(digits):
    return laid_out(digits[0])


def blobs(seed, groups, size, dim=8):
    """Groups of spread 1 around corners that are at least 50 apart."""
    rng = np.random.default_rng(seed)
    corners = 50 * rng.permutation(np.eye(dim))[:groups]
    return np.concatenate([rng.normal(corner, 1, (size, dim)) for corner in corners]).astype("f4")


@pytest.mark.slow
def test_neighbours_are_kept_as_well_as_by_scikit_learns_tsne(digits, places):
    images, _ = digits
    theirs = TSNE(init="pca", random_state=0, max_iter=500).fit_transform(images)
    bar = trustworthiness(images, theirs, n_neighbors=NEIGHBOURS) - 0.02
    assert trustworthiness(images, places, n_neighbors=NEIGHBOURS) >= bar > 0.95


@pytest.mark.costly
def test_the_ten_digits_stand_apart(digits, places):
    _, labels = digits
    gaps = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    assert (labels[gaps.argmin(axis=1)] == labels).mean() > 0.95  # 0.97 by the raw pixels


def test_a_map_fills_the_unit_square_in_one_direction_and_is_in_its_middle(places):
    low, high = places.min(axis=0), places.max(axis=0)
    assert (high - low).max() == pytest.approx(1)
    np.testing.assert_allclose(low + high, 1)


@pytest.mark.costly
def test_the_same_vectors_give_the_same_map(digits):
    few = digits[0][:100]
    np.testing.assert_array_equal(laid_out(few), laid_out(few))


@pytest.mark.costly
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), groups=st.integers(2, 6), size=st.integers(10, 30))
def test_groups_that_are_far_apart_stay_apart(seed, groups, size):
    parts = laid_out(blobs(seed, groups, size)).reshape(groups, size, 2)
    for a, b in combinations(parts, 2):
        within = max(np.linalg.norm(part - part.mean(axis=0), axis=1).max() for part in (a, b))
        assert np.linalg.norm(a[:, None] - b[None], axis=2).min() > within / 2


@pytest.mark.costly
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), count=st.integers(1, 40), dim=st.integers(1, 5))
def test_an_equal_vector_lands_exactly_on_its_twin(seed, count, dim):
    vectors = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    places = laid_out(vectors)
    np.testing.assert_array_equal(placed(vectors, vectors, places), places)


def test_a_further_vector_lands_in_its_group():
    vectors, further = blobs(0, 4, 30), blobs(1, 4, 5)
    labels = np.repeat(range(4), 30)
    places = laid_out(vectors)
    gaps = np.linalg.norm(placed(further, vectors, places)[:, None] - places[None], axis=2)
    nearest = np.linalg.norm(further[:, None] - vectors[None], axis=2).argmin(axis=1)
    assert labels[gaps.argmin(axis=1)].tolist() == labels[nearest].tolist()


def test_a_vector_between_two_groups_lands_with_the_nearer_one():
    known = np.array([[0.0], [0.1], [10.0], [10.1]], np.float32)
    places = np.array([[0.0, 0.5], [0.01, 0.5], [1.0, 0.5], [0.99, 0.5]])
    [[x, _]] = placed(np.array([[5.0]], np.float32), known, places)
    assert 0 <= x <= 0.01  # 4.9 from the first group, 5 from the second


@pytest.mark.parametrize("count", range(6))
def test_of_very_few_vectors_there_is_a_map_too(count):
    places = laid_out(np.arange(count * 3, dtype=np.float32).reshape(count, 3))
    assert places.shape == (count, 2)
    assert ((places >= 0) & (places <= 1)).all()


def test_vectors_that_are_all_the_same_stand_in_the_middle():
    assert (laid_out(np.ones((50, 3), np.float32)) == 0.5).all()


def test_of_uneven_groups_about_as_many_are_drawn_of_each():
    labels = ["few"] * 3 + ["some"] * 50 + ["many"] * 5000
    drawn = [labels[row] for row in sample(labels, 103)]
    assert [drawn.count(name) for name in ("few", "some", "many")] == [3, 50, 50]


@pytest.mark.costly
@given(st.lists(st.sampled_from("abcdef")), st.integers(0, 30))
def test_a_sample_is_of_different_rows_and_as_large_as_can_be(labels, most):
    rows = sample(labels, most)
    assert len(set(rows.tolist())) == len(rows) == min(most, len(labels))
    assert sample(labels, most).tolist() == rows.tolist()


def test_a_name_stands_within_one_part_of_a_group_in_two():
    places = np.array([[0.0, 0.0]] * 2 + [[1.0, 1.0]] * 3)
    assert middles(places, ["a"] * 5) == {"a": (1.0, 1.0)}
