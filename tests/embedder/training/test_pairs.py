"""Pairs and balanced batches: who is compared with whom."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.training.pairs import balanced_batches, create_pairs, pair_positions

# At least two labels, one of them twice.
labels_that_pair = st.lists(st.sampled_from("abcd"), min_size=3, max_size=40).filter(
    lambda labels: 2 <= len(set(labels)) < len(labels)
)


@given(labels_that_pair, st.integers(0, 99))
def test_same_says_whether_both_labels_of_a_pair_are_equal(labels, seed):
    able = sum(1 for label in labels if labels.count(label) > 1)
    first, second, same = pair_positions(labels, min_equals=able // 2, seed=seed)
    assert [labels[i] == labels[j] for i, j in zip(first, second, strict=True)] == same.tolist()


@given(labels_that_pair, st.integers(0, 99))
def test_no_image_is_paired_with_itself(labels, seed):
    able = sum(1 for label in labels if labels.count(label) > 1)
    first, second, _ = pair_positions(labels, min_equals=able, seed=seed)
    assert not np.any(first == second)


def test_min_equals_pairs_of_the_60_hold_one_label_twice():
    images = np.arange(60, dtype=np.uint8).reshape(60, 1, 1)
    pairs, same = create_pairs(images, np.arange(60) % 3, min_equals=20, seed=4)
    assert pairs.shape == (60, 2, 1, 1)
    assert same.sum() == 20
    np.testing.assert_array_equal(pairs[:, 0], images)  # each image stands first once


def test_half_of_the_pairs_are_same_by_default():
    _, _, same = pair_positions(["a", "b"] * 10, pairs_per_image=3)
    assert same.sum() == 20 * 3 / 2


def test_where_few_images_share_their_label_all_of_them_make_same_pairs():
    labels = ["a", "a", *"bcdefghi"]  # 2 of 10 share one; half of the pairs would be 5
    first, second, same = pair_positions(labels)
    assert sorted(zip(first[same == 1], second[same == 1], strict=True)) == [(0, 1), (1, 0)]
    assert len(same) == 10


def test_a_missing_digit_does_not_matter():
    _, _, same = pair_positions([0, 0, 9, 9], min_equals=2)
    assert len(same) == 4


def test_more_same_pairs_than_the_labels_allow_are_refused_with_both_numbers():
    with pytest.raises(ValueError, match=r"from 0 to 2.*Received: 3"):
        pair_positions(["a", "a", "b"], min_equals=3)


def test_one_label_makes_no_different_pairs():
    with pytest.raises(ValueError, match="at least 2 labels"):
        pair_positions(["a", "a", "a"], min_equals=1)


def test_the_same_seed_draws_the_same_pairs_and_another_seed_others():
    labels = list("abc" * 30)
    drawn = [pair_positions(labels, seed=seed)[1].tolist() for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_every_label_of_a_balanced_batch_has_as_many_images():
    labels = ["a"] * 50 + ["b"] * 5 + ["c"] * 20
    for batch in balanced_batches(labels, batch=12, seed=3):
        assert Counter(labels[i] for i in batch) == {"a": 4, "b": 4, "c": 4}


def test_with_more_labels_than_room_each_label_present_still_has_two_images():
    labels = np.repeat(np.arange(100), 3)
    batch = next(balanced_batches(labels, batch=16, seed=0))
    assert set(Counter(labels[batch].tolist()).values()) == {2}


def test_an_epoch_of_equal_groups_shows_every_image_once():
    labels = list("ab" * 8)
    seen = np.concatenate(list(balanced_batches(labels, batch=4, seed=0)))
    assert sorted(seen) == list(range(16))
