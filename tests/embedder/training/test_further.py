"""Going on from a model with pictures of one's own."""

import numpy as np
import pytest

from embedder.data.dataset import Dataset
from embedder.data.sources import load
from embedder.errors import DatasetError, ModelError
from embedder.model import Embedder
from embedder.training.division import divided
from embedder.training.fitting import Labelled
from embedder.training.further import EPOCHS, KEPT, STEPS, further_recipe, mixed, sampled
from embedder.training.recipes import RECIPES
from likewise.further import _mixed_in
from likewise.training import train


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Sixty digits with a bar under them, as no digit of MNIST has it, in folders."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("own")
    digits = load("mnist/test").subset(range(60))
    for row, (label, image) in enumerate(zip(digits.labels, digits.images, strict=True)):
        barred = image.copy()
        barred[25:27, 4:24] = 255
        (folder / label).mkdir(exist_ok=True)
        Image.fromarray(barred).save(folder / label / f"{row}.png")
    return folder


def test_it_goes_on_for_a_few_epochs_by_smaller_steps_and_keeps_the_last():
    shipped = Embedder.load()
    earlier, recipe = shipped.metadata["recipe"], further_recipe(shipped)
    assert (recipe.epochs, recipe.steps, recipe.kept) == (EPOCHS, STEPS, "last")
    assert recipe.learning_rate == pytest.approx(earlier["learning_rate"] / 5)
    assert (recipe.network, recipe.dim) == (earlier["network"], shipped.dim)


def test_the_recipe_of_an_earlier_version_lacks_settings_and_gets_todays():
    earlier = Embedder.load()
    earlier.metadata = {**earlier.metadata, "recipe": {"name": "default", "margin": 1.1}}
    recipe = further_recipe(earlier)
    assert (recipe.margin, recipe.batch) == (1.1, RECIPES["default"].batch)


def test_a_model_whose_recipe_names_a_number_of_pairs_that_it_never_drew_goes_on():
    earlier = Embedder.load()
    recipe = {**earlier.metadata["recipe"], "pairs_per_image": 3}
    earlier.metadata = {**earlier.metadata, "recipe": recipe}
    assert further_recipe(earlier).pairs_per_image == 1


def test_own_pictures_are_repeated_until_three_of_ten_are_own():
    own = Labelled(np.zeros((5, 2, 2), np.uint8), list("ababa"))
    kept = Labelled(np.ones((70, 2, 2), np.uint8), ["c"] * 70)
    pixels, labels = mixed(own, kept)
    assert len(pixels) == len(labels) == 30 + 70  # 30 of 100 are own: each of the 5 six times
    assert labels[:6] == list("ababaa")
    assert not pixels[:30].any()


def test_of_a_large_training_a_sample_is_kept_and_of_a_small_one_all():
    small = load("mnist/test").subset(range(50))
    assert sampled(small, seed=0) is small
    large = load("mnist/train")
    first, again, other = (sampled(large, seed) for seed in (0, 0, 1))
    assert len(first) == KEPT
    assert first.ids == again.ids != other.ids


@pytest.mark.parametrize(("shared", "left"), [(100, 100), (199, 0)])
def test_a_picture_that_is_ones_own_and_kept_is_not_trained_on_and_held_out(shared, left):
    kept = load("mnist/test").subset(range(200), "kept")
    own = load("mnist/test").subset([*range(200, 300), *range(shared)], "own")
    said: list[str] = []
    recipe = further_recipe(Embedder.load())
    mixed_in = _mixed_in(kept, own, recipe, said.append)
    assert said[0] == f"own holds {shared} of the 200 pictures of kept too."
    assert len(mixed_in or []) == left  # one alone cannot be divided
    sets = [own] if mixed_in is None else [own, mixed_in]
    parts = [divided(pictures, recipe.validation, recipe.seed) for pictures in sets]
    fitted, held = (
        {c for part in side for c in part.contents} for side in zip(*parts, strict=True)
    )
    assert not fitted & held


def test_a_model_without_a_network_of_likewise_is_refused(tmp_path, fake):
    fake.metadata["format"] = "imported"
    with pytest.raises(ModelError, match="holds no network that likewise trained"):
        further_recipe(fake)


def test_a_head_on_another_model_is_to_be_trained_again(fake):
    fake.metadata["recipe"] = {"name": "transfer"}
    with pytest.raises(ModelError, match="Train again on its pictures and yours together"):
        further_recipe(fake)


def test_the_recipe_digits_is_refused_for_other_labels(tmp_path):
    from embedder.training.train import train as fit

    images = np.zeros((8, 28, 28), np.uint8)
    cats = Dataset([str(row) for row in range(8)], ["3", "cat"] * 4, images, "pets")
    with pytest.raises(DatasetError, match=r"labelled 0 to 9, but 'pets' has the label 'cat'"):
        fit(cats, tmp_path / "model", RECIPES["digits"])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"keep": "mnist/train"}, "`keep` goes with `start`"),
        ({"start": Embedder.load(), "recipe": "default"}, "that model's recipe"),
        ({"start": Embedder.load(), "size": 40}, "that model's size"),
    ],
)
def test_what_does_not_go_together_is_refused_before_pictures_are_read(settings, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        train("nowhere", tmp_path / "model", **settings)


@pytest.mark.slow
def test_a_model_learns_digits_of_ones_own_and_keeps_the_old_ones(own, tmp_path, monkeypatch):
    monkeypatch.setattr("embedder.training.further.KEPT", 2400)
    said: list[str] = []
    model = train(str(own), tmp_path / "mine", start=Embedder.load(), epochs=2, tell=said.append)
    further = model.metadata["figures"]["further"]
    (mine, old), (mine_now, old_now) = (list(further[when].values()) for when in further)
    assert (mine["pictures"], old["pictures"]) == (mine_now["pictures"], old_now["pictures"])
    assert mine_now["right"] > mine["right"]
    assert old_now["nearest_right"] >= old["nearest_right"] - 0.01
    assert model.fingerprint != Embedder.load().fingerprint
    assert model.metadata["from"]["fingerprint"] == Embedder.load().fingerprint
    assert model.metadata["from"]["kept"]["name"] == "mnist/train"
