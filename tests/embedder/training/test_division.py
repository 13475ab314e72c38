"""Which pictures validate a training."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.data.dataset import Dataset
from embedder.data.splits import split
from embedder.errors import DatasetError
from embedder.training.division import divided, enrolled

SHARE = 1 / 12  # of both recipes


def people(*sizes: int) -> Dataset:
    """So many different pictures of each label."""
    labels = [str(label) for label, size in enumerate(sizes) for _ in range(size)]
    images = np.arange(len(labels), dtype=np.uint16).reshape(-1, 1, 1).view(np.uint8)
    return Dataset([str(row) for row in range(len(labels))], labels, images, "people")


@pytest.mark.parametrize(("each", "held"), [(10, 2), (20, 2), (4, 2), (60, 5)])
def test_few_pictures_of_a_label_still_make_pairs(each, held):
    training, validation = divided(people(*[each] * 40), SHARE, seed=0)
    assert set(Counter(validation.labels).values()) == {held}
    assert set(Counter(training.labels).values()) == {each - held}


def test_labels_of_fewer_than_four_pictures_are_fitted_to_whole():
    training, validation = divided(people(3, 10, 1, 4), SHARE, seed=0)
    assert Counter(validation.labels) == {"1": 2, "3": 2}
    assert Counter(training.labels) == {"0": 3, "1": 8, "2": 1, "3": 2}


def test_two_pictures_of_each_label_are_held_out_by_whole_labels():
    training, validation = divided(people(*[2] * 40), SHARE, seed=0)
    assert set(Counter(validation.labels).values()) == {2}
    assert len(set(validation.labels)) == 8  # a fifth of the labels
    assert not {*training.labels} & {*validation.labels}


def test_a_picture_of_two_labels_is_not_held_out_and_trained_on():
    dataset = people(*[2] * 10)
    images = np.concatenate([dataset.images, dataset.images[:1]])  # of label 0, once more as 9
    twice = Dataset([*dataset.ids, "again"], [*dataset.labels, "9"], images)
    for seed in range(20):
        training, validation = divided(twice, SHARE, seed)
        assert not {*training.contents} & {*validation.contents}


def test_one_held_out_picture_of_each_unseen_label_becomes_a_reference():
    chosen, asked = enrolled(["a"], ["b", "a", "c", "b", "c", "b"])
    assert (chosen.tolist(), asked.tolist()) == ([0, 2], [1, 3, 4, 5])
    assert [len(rows) for rows in enrolled(["a", "b"], ["b", "a"])] == [0, 2]


@given(st.lists(st.integers(18, 60), min_size=2, max_size=5), st.integers(0, 5))
def test_a_share_that_makes_pairs_divides_as_it_always_did(sizes, seed):
    dataset = people(*sizes)
    assert [part.ids for part in divided(dataset, SHARE, seed)] == [
        part.ids for part in split(dataset, SHARE, seed)
    ]


@given(st.lists(st.integers(1, 30), min_size=2, max_size=6), st.integers(0, 5))
def test_both_parts_have_pairs_or_the_data_is_refused(sizes, seed):
    dataset = people(*sizes)
    of_four, of_two = (sum(size >= least for size in sizes) for least in (4, 2))
    # Two labels are held out whole, which leaves one with a pair and another.
    if of_four >= 2 or (of_two >= 3 and len(sizes) >= 4):
        training, validation = divided(dataset, SHARE, seed)
        for part in (training, validation):
            assert len(set(part.labels)) > 1
            assert max(Counter(part.labels).values()) > 1
        assert sorted(training.ids + validation.ids, key=int) == dataset.ids
    else:
        with pytest.raises(
            DatasetError, match="at least 4 different pictures of each of 2 labels, or 2 of"
        ):
            divided(dataset, SHARE, seed)


def test_where_the_share_leaves_too_few_to_train_with_the_share_is_named():
    images = np.arange(20, dtype=np.uint8).reshape(20, 1, 1)
    shoes = Dataset(list(map(str, range(20))), ["a", "b"] * 10, images, "shoes")
    with pytest.raises(DatasetError, match=r"hold out 0\.97 of 'shoes' leaves too few"):
        divided(shoes, 0.97, seed=0)  # of ten pictures of a label 9.7, so all ten
