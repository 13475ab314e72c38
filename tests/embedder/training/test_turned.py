"""Turned pictures as groups of their own."""

import numpy as np
import pytest

from embedder.training.batches import BalancedImages
from embedder.training.recipes import RECIPES
from embedder.training.turned import with_turned


def test_four_turns_of_each_picture_are_four_groups():
    pictures = np.arange(2 * 9, dtype=np.uint8).reshape(2, 3, 3)
    turned, labels = with_turned(pictures, ["a", "b"])
    assert len(turned) == len(labels) == 8
    assert len(set(labels)) == 8
    np.testing.assert_array_equal(turned[:2], pictures)
    np.testing.assert_array_equal(turned[5], np.rot90(pictures[1], 2))


def test_pictures_that_are_not_square_are_turned_by_180_degrees_alone():
    pictures = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    turned, labels = with_turned(pictures, ["a"])
    assert labels == ["a", "a, 180°"]
    assert turned[1].tolist() == [[5, 4, 3], [2, 1, 0]]


@pytest.mark.parametrize("shape", [(5, 5), (5, 6)])
def test_an_epoch_with_turned_pictures_is_as_long_as_one_without(shape):
    pictures, labels = np.zeros((80, *shape), np.uint8), ["a", "b"] * 40
    recipe = RECIPES["default"].changed(epochs=1, batch=20, outliers=0)
    turned = BalancedImages(*with_turned(pictures, labels), recipe.changed(turned=True, epochs=1))
    assert len(turned) == len(BalancedImages(pictures, labels, recipe)) == 80 / 20


def test_colours_stay_as_they_are():
    pictures = np.zeros((1, 2, 2, 3), np.uint8)
    pictures[0, 0, 0] = 1, 2, 3
    turned, _ = with_turned(pictures, ["a"])
    assert turned[1, 1, 0].tolist() == [1, 2, 3]
