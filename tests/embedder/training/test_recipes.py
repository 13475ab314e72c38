"""Recipes and their limits."""

import numpy as np
import pytest

from embedder.training.batches import BalancedImages
from embedder.training.recipes import RECIPES
from embedder.training.turned import with_turned


def test_settings_that_are_none_leave_the_recipe_as_it_is():
    assert RECIPES["default"].changed(epochs=None, seed=None) == RECIPES["default"]


def test_the_tutorial_is_kept_to_the_letter():
    tutorial = RECIPES["tutorial"]
    assert (tutorial.epochs, tutorial.batch, tutorial.margin) == (20, 128, 1.0)
    assert (tutorial.network, tutorial.optimizer) == ("dense", "rmsprop")
    assert tutorial.pairs_per_image == 1


@pytest.mark.parametrize("name", ["epochs", "batch", "margin", "learning_rate", "pairs_per_image"])
def test_a_setting_of_zero_is_refused(name):
    expected = rf"`{name}` must be above 0( and at most 10?)?\. Received: 0"
    with pytest.raises(ValueError, match=expected):
        RECIPES["default"].changed(**{name: 0})


@pytest.mark.parametrize("name", ["margin", "learning_rate", "outliers", "composites"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e9])
def test_a_setting_without_bounds_is_refused(name, value):
    with pytest.raises(ValueError, match=rf"`{name}` must be .* Received: {value}"):
        RECIPES["default"].changed(**{name: value})


def test_a_validation_share_of_everything_is_refused():
    with pytest.raises(ValueError, match=r"between 0 and 1. Received: 1.0"):
        RECIPES["default"].changed(validation=1.0)


@pytest.mark.parametrize("made", ["outliers", "composites"])
def test_made_pictures_are_refused_where_pairs_are_drawn(made):
    with pytest.raises(ValueError, match="0 for a recipe that draws pairs"):
        RECIPES["tutorial"].changed(**{made: 0.2})


@pytest.mark.parametrize("name", ["default", "digits"])
def test_a_number_of_pairs_is_refused_where_every_pair_of_a_batch_is_taken(name):
    with pytest.raises(ValueError, match=r"for the recipe tutorial.* Received: 9\. Leave it out"):
        RECIPES[name].changed(pairs_per_image=9)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_averaging_over_less_than_nothing_or_over_everything_is_refused(share):
    with pytest.raises(ValueError, match=rf">= 0 and below 1\. Received: {share}"):
        RECIPES["default"].changed(averaging=share)


def test_an_epoch_of_few_images_is_lengthened_to_its_share_of_the_steps():
    recipe = RECIPES["default"].changed(steps=60, batch=8)  # 30 epochs: 2 batches in each
    images = np.zeros((8, 4, 4), np.uint8)
    assert len(BalancedImages(images, ["a", "b"] * 4, recipe)) == 2


def test_an_epoch_of_many_images_is_as_long_as_they_are():
    recipe = RECIPES["default"].changed(batch=10)  # 600 steps: at least 20 in an epoch
    images = np.zeros((400, 4, 4), np.uint8)
    assert len(BalancedImages(images, ["a", "b"] * 200, recipe)) == 40


def test_turned_images_make_an_epoch_no_longer():
    recipe = RECIPES["default"].changed(epochs=1, batch=10, turned=True)
    images, labels = with_turned(np.zeros((40, 4, 4), np.uint8), ["a", "b"] * 20)
    assert len(BalancedImages(images, labels, recipe)) == 4


def test_who_names_the_epochs_gets_no_more_than_these():
    assert RECIPES["default"].changed(epochs=2).steps == 0
    assert RECIPES["default"].changed(epochs=2, steps=50).steps == 50


@pytest.mark.parametrize("settings", [{"steps": 5}, {"turned": True}])
def test_steps_and_turned_groups_are_refused_where_pairs_are_drawn(settings):
    with pytest.raises(ValueError, match="for recipes that do not draw pairs"):
        RECIPES["tutorial"].changed(**settings)


@pytest.mark.parametrize(
    ("name", "value"), [("steps", -1), ("size", 1025), ("seed", -1), ("seed", 2**32)]
)
def test_steps_sizes_and_seeds_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=rf"`{name}` must be from 0 to .* Received: {value}"):
        RECIPES["default"].changed(**{name: value})
