"""The same picture is never on both sides of a split, whatever its id, label or place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.data.content import content_hash
from embedder.data.sources import Dataset
from embedder.data.splits import Overlap, overlap, split


def dataset(contents: list[int], labels: list[str] | None = None) -> Dataset:
    """Pictures of 2 x 2 that are equal where their number is."""
    pixels = np.array(contents, np.uint16)[:, None, None]
    images = np.broadcast_to(pixels, (len(contents), 1, 1)).copy().view(np.uint8)
    return Dataset([f"p{i}" for i in range(len(contents))], labels or ["x"] * len(contents), images)


def hashes(data: Dataset) -> set[bytes]:
    return {content_hash(image) for image in data.images}


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc")), min_size=1, max_size=60),
    st.floats(0, 1),
    st.integers(0, 5),
)
def test_the_two_sides_have_no_picture_in_common_and_lose_none(rows, share, seed):
    data = dataset([number for number, _ in rows], [label for _, label in rows])
    kept, held = split(data, share, seed)
    assert not hashes(kept) & hashes(held)
    assert sorted(kept.ids + held.ids) == sorted(data.ids)
    assert overlap(kept, held) == []


def test_each_label_gives_its_share():
    data = dataset(list(range(150)), ["a"] * 100 + ["b"] * 50)
    kept, held = split(data, 0.2, seed=0)
    assert (held.labels.count("a"), held.labels.count("b")) == (20, 10)
    assert (kept.labels.count("a"), kept.labels.count("b")) == (80, 40)


def test_neither_order_nor_ids_decide_where_a_picture_falls():
    data = dataset(list(range(40)))
    back = Dataset([f"q{i}" for i in range(40)], ["x"] * 40, np.array(data.images)[::-1].copy())
    assert hashes(split(data, 0.3, seed=7)[1]) == hashes(split(back, 0.3, seed=7)[1])


def test_another_seed_divides_otherwise_and_the_same_seed_alike():
    data = dataset(list(range(40)))
    first, again, other = (split(data, 0.5, seed)[0].ids for seed in (1, 1, 2))
    assert first == again != other


def test_a_share_outside_0_to_1_is_refused_with_its_value():
    with pytest.raises(ValueError, match=r"between 0 and 1. Received: 1.5"):
        split(dataset([1, 2]), 1.5, seed=0)


def test_an_overlap_names_both_ids():
    a, b = dataset([5, 6, 6]), dataset([1, 6, 5])
    assert overlap(a, b) == [Overlap("p1", "p1"), Overlap("p0", "p2")]


def test_the_hash_tells_shapes_apart_and_reads_through_strides():
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert content_hash(image) != content_hash(image.reshape(4, 3))
    assert content_hash(image[:, ::2]) == content_hash(image[:, ::2].copy())
    assert len(content_hash(image)) == 16


@pytest.mark.costly
def test_mnists_test_digits_are_not_among_its_training_digits():
    from embedder.data.sources import load

    train, test = load("mnist/train"), load("mnist/test")
    kept, held = split(train, 1 / 12, seed=0)
    assert len(kept) + len(held) == 60_000
    assert abs(len(held) - 5_000) <= 5  # each of ten labels is rounded for itself
    assert overlap(train, test) == []
