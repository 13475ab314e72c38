"""Which recipe is chosen for pictures where the user names none."""

import numpy as np
import pytest
from click.testing import CliRunner

from cli import main
from embedder.data.dataset import Dataset
from embedder.data.sources import load
from likewise.recipe_choice import choose_recipe


def pictures(count, shape, groups=20, kind="noise"):
    """Pictures of noise, or of black strokes on white."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, *shape), np.uint8)
    if kind == "drawn":
        images = np.where(images < 40, 20, 250).astype(np.uint8)
    labels = [str(row % groups) for row in range(count)]
    return Dataset(list(map(str, range(count))), labels, images)


def test_the_digits_are_trained_from_nothing():
    choice = choose_recipe(load("mnist/test"))
    assert (choice.name, choice.settings) == ("default", {})


def test_many_drawings_of_many_groups_are_turned_too():
    choice = choose_recipe(pictures(1000, (105, 105), groups=100, kind="drawn"))
    assert (choice.name, choice.settings) == ("default", {"turned": True, "batch": 192})
    assert choice.sentence == (
        "Recipe: default --turned --batch 192, because there are 1000 pictures, all of them "
        "drawings, of 100 groups."
    )


def test_drawings_of_few_groups_are_not_turned():
    assert choose_recipe(pictures(1000, (105, 105), kind="drawn")).settings == {}


def test_small_grey_pictures_are_trained_from_nothing():
    assert choose_recipe(pictures(1000, (48, 48))).name == "default"


@pytest.mark.parametrize(
    ("count", "shape", "reason"),
    [
        (999, (28, 28), "there are only 999 pictures"),
        (1000, (32, 32, 3), "the pictures are in colour"),
        (1000, (112, 92), "the pictures look like photographs"),
    ],
)
def test_few_pictures_and_photographs_are_fitted_to(count, shape, reason):
    choice = choose_recipe(pictures(count, shape))
    assert choice.name == "transfer"
    assert reason in choice.sentence


def test_grey_pictures_that_are_stored_in_colour_are_grey():
    grey = pictures(1000, (32, 32))
    images = np.repeat(grey.images[..., None], 3, axis=3)
    assert choose_recipe(Dataset(grey.ids, grey.labels, images)).name == "default"


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["--recipe", "transfer", "--turned"], "--turned"),
        (["--recipe", "default", "--flip"], "--flip"),
        (["--recipe", "tutorial", "--steps", "9"], "--steps"),
        (["--epochs", "3", "--flip"], "--epochs"),
    ],
)
def test_an_option_that_the_recipe_does_not_have_is_refused(words, option, tmp_path):
    words = ["train", "mnist/test", "--out", str(tmp_path / "model"), *words]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert f"has no {option}" in result.stderr
