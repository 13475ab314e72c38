"""Pictures are stretched, or cropped to their middle."""

from __future__ import annotations

import numpy as np
import pytest

from embedder.preprocessing.prepare import are_ready, prepare


@pytest.fixture
def wide():
    """Twenty columns, each of its own grey, ten high."""
    return np.tile(np.arange(0, 200, 10, dtype=np.uint8), (10, 1))


def test_stretching_keeps_the_edges_and_loses_the_aspect(wide):
    [row] = prepare([wide], "stretch", (10, 10))
    assert row[0, 0] < 20
    assert row[0, -1] > 170


def test_cropping_keeps_the_middle_at_its_own_aspect(wide):
    [row] = prepare([wide], "crop", (10, 10))
    assert np.array_equal(row, wide[:, 5:15])


@pytest.mark.parametrize("preprocessing", ["stretch", "crop"])
def test_a_picture_of_the_right_shape_comes_back_to_the_bit(preprocessing):
    pictures = np.random.default_rng(0).integers(0, 256, (3, 9, 7, 3), np.uint8)
    assert are_ready(pictures, preprocessing, (9, 7, 3)) == [True] * 3
    assert prepare(pictures, preprocessing, (9, 7, 3)) is pictures


@pytest.mark.parametrize("preprocessing", ["stretch", "crop"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (31, 17)])
def test_any_size_becomes_the_wanted_one(preprocessing, shape):
    assert prepare([np.zeros(shape, np.uint8)], preprocessing, (8, 6, 3)).shape == (1, 8, 6, 3)


@pytest.mark.parametrize("shape", [(29, 41), (41, 29), (29, 29)])
def test_a_side_that_a_division_does_not_give_back_is_cropped_all_the_same(shape):
    assert 29 - 224 * (29 / 224) < 0  # by a bit, and a box cannot begin outside of its picture
    whole = np.full(shape, 7, np.uint8)
    assert (prepare([whole], "crop", (224, 224)) == 7).all()
