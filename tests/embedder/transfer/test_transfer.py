"""From labelled pictures and a backbone to a model: one network, resumable, measured."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cli import main
from embedder.data.sources import Dataset
from embedder.errors import ModelError
from embedder.manifest import write_manifest
from embedder.model import Embedder
from embedder.training.division import division
from embedder.transfer.features import FeatureCache
from embedder.transfer.fitting import fit_heads
from embedder.transfer.head import Head
from embedder.transfer.network import with_head
from embedder.transfer.settings import TransferRecipe
from embedder.transfer.train import transfer
from embedder.transfer.views import views_of

pytestmark = pytest.mark.costly  # seconds of embedding
RECIPE = TransferRecipe(backbone="digits", dim=16, views=1, steps=150, groups=8, validation=0.3)


@pytest.fixture(scope="module")
def stripes() -> Dataset:
    """Twelve groups of eight grey pictures: stripes of a direction and a width, on black."""
    rng = np.random.default_rng(0)
    across = np.arange(28)
    images, labels = [], []
    for group in range(12):
        angle, width = group % 4 * np.pi / 4, 2 + group // 4 * 2
        wave = np.cos(angle) * across[:, None] + np.sin(angle) * across
        for _ in range(8):
            shade = 127 + 100 * np.sign(np.sin(wave / width + rng.uniform(0, 6)))
            picture = np.clip(shade + rng.normal(0, 20, (28, 28)), 0, 255).astype(np.uint8)
            picture[[0, -1]] = picture[:, [0, -1]] = 0
            images.append(picture)
            labels.append(f"stripes {group}")
    return Dataset(list(map(str, range(len(labels)))), labels, np.array(images), "stripes")


@pytest.fixture(scope="module")
def model(stripes, tmp_path_factory) -> Embedder:
    return transfer(stripes, tmp_path_factory.mktemp("models") / "stripes", RECIPE)


def test_backbone_and_head_are_one_network_that_gives_what_both_give(stripes) -> None:
    backbone = Embedder.load("digits")
    head = Head.of_components(np.random.default_rng(0).normal(size=(90, 64)).astype("f4"), 8)
    network = with_head((backbone.path / "model.tflite").read_bytes(), head)
    from embedder.runtime.litert import LiteRT

    prepared = backbone.prepare(stripes.images)
    whole = LiteRT(network, 8, None).run(prepared)
    np.testing.assert_allclose(whole, head.embed(backbone.embed(prepared)), atol=1e-6)


def test_a_model_opens_and_gives_the_same_alone_and_in_batches_to_the_bit(model, stripes) -> None:
    again = Embedder.load(model.path)
    prepared = again.prepare(stripes.images)
    together = again.embed(prepared)
    assert together.shape == (96, 16)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([again.embed(picture[None]) for picture in prepared])
    assert np.array_equal(alone, together)


def rank1(vectors, labels, first, second) -> float:
    """The share of the rows `second` whose nearest row of `first` has its label."""
    gaps = np.linalg.norm(vectors[second, None].astype(np.float64) - vectors[first], axis=2)
    nearest = first[gaps.argmin(axis=1)]
    return float(np.mean(np.array(labels)[nearest] == np.array(labels)[second]))


def test_model_json_says_what_was_fitted_and_what_that_gained(model, stripes, tmp_path) -> None:
    digits = Embedder.load("digits")
    assert model.metadata["origin"]["backbone"] == digits.fingerprint
    assert model.metadata["recipe"] == RECIPE.described()
    figures = model.metadata["figures"]["validation"]
    assert figures["images"] == 24  # two of each of twelve groups
    assert figures["unseen_groups"]["groups"] == 12
    first, second = division(stripes, 0.3, 0)
    features, _ = FeatureCache(tmp_path / "features", {}, resume=False).fill(
        stripes, digits, RECIPE
    )
    own = features[np.arange(96), np.zeros(96, int)]  # the pictures' own, not their views'
    (head,) = fit_heads(features, stripes.labels, RECIPE, [first])  # the model's is fitted to all
    of_head, of_backbone = (
        rank1(vectors, stripes.labels, first, second) for vectors in (head.embed(own), own)
    )
    assert figures["rank1"] == pytest.approx(of_head)
    assert figures["of_backbone"]["rank1"] == pytest.approx(of_backbone)
    point = model.operating_points["default"]
    assert (point["unknown"], point["known"]) == (72, 24)  # each of 96 - 24 in a trial without it
    assert point["false"] <= 3  # 3 / 72 is the least rate that so many can show


def test_the_same_training_twice_has_the_same_fingerprint(model, stripes, tmp_path) -> None:
    again = transfer(stripes, tmp_path / "again", RECIPE)
    other = transfer(stripes, tmp_path / "other", RECIPE.changed(seed=1))
    assert again.fingerprint == model.fingerprint != other.fingerprint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "other"]


class Cut(Exception):
    """A training is cut off."""


def test_a_training_that_was_cut_off_goes_on_and_computes_no_feature_twice(
    model, stripes, tmp_path
) -> None:
    def cut(count):
        if count:
            raise Cut

    with pytest.raises(Cut):
        transfer(stripes, tmp_path / "m", RECIPE, progress=cut)
    with pytest.raises(ModelError, match="continue it with --resume"):
        transfer(stripes, tmp_path / "m", RECIPE)
    with pytest.raises(ModelError, match="was started with seed = 0, not 1"):
        transfer(stripes, tmp_path / "m", RECIPE.changed(seed=1), resume=True)
    counts: list[int] = []
    resumed = transfer(stripes, tmp_path / "m", RECIPE, resume=True, progress=counts.append)
    assert (counts[0], sum(counts)) == (32, 96)  # the first 32 were there
    assert resumed.fingerprint == model.fingerprint


def test_another_directory_in_the_place_of_an_unfinished_training_is_left_alone(tmp_path) -> None:
    (tmp_path / "m.training").mkdir()
    (tmp_path / "m.training" / "photo.jpg").touch()
    with pytest.raises(ModelError, match="something else is there"):
        FeatureCache(tmp_path / "m.training", {}, resume=True)


def test_a_backbone_with_ends_of_its_own_is_refused(model, stripes, tmp_path) -> None:
    import shutil

    shutil.copytree(model.path, tmp_path / "quantised")
    ends = {"shape": [28, 28], "channels": "rgb", "layout": "hwc", "scale": [1], "offset": [0]}
    more = {"input_type": "float32", "input_quantisation": None, "output": 0, "unit": True}
    written = {**ends, **more, "output_quantisation": None, "batch": 1}
    manifest = json.loads((tmp_path / "quantised" / "model.json").read_text())
    write_manifest(tmp_path / "quantised", {**manifest, "ends": written})
    recipe = RECIPE.changed(backbone=str(tmp_path / "quantised"))
    with pytest.raises(ModelError, match="no head can be put onto it"):
        transfer(stripes, tmp_path / "m", recipe)


@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3), (1, 1), (3, 2, 3)])
def test_views_are_parts_of_the_picture(shape, rng) -> None:
    picture = rng.integers(0, 256, shape, np.uint8)
    first, *views = views_of(picture, 5, True, rng)
    assert first is picture
    for view in views:
        assert view.dtype == np.uint8
        assert view.ndim == picture.ndim
        for side, whole in zip(view.shape[:2], shape[:2], strict=True):
            assert 0.75 * whole - 1 <= side <= whole


@pytest.fixture(scope="module")
def folder(stripes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for id, label, image in zip(stripes.ids, stripes.labels, stripes.images, strict=True):
        (folder / label).mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / label / f"{id}.png")
    return folder


def run(*arguments):
    return CliRunner().invoke(main, ["train", *map(str, arguments), "--recipe", "transfer"])


def test_the_command_says_what_the_training_gained_and_what_comes_next(folder, tmp_path) -> None:
    out = tmp_path / "m"
    done = run(folder, "--out", out, "--backbone", "digits", "--steps", 40, "--validation", 0.3)
    assert done.exit_code == 0, done.stderr
    assert "On 24 held-out pictures: " in done.stderr
    assert "each left out of a trial training" in done.stderr
    assert "of 72 unknown pictures match (FPIR " in done.stderr
    assert f"Next: likewise build GALLERY {folder} --model {out}" in done.stderr
    gallery = str(tmp_path / "g")
    built = CliRunner().invoke(main, ["build", gallery, str(folder), "--model", str(out)])
    assert built.exit_code == 0, built.stderr
    checked = CliRunner().invoke(main, ["check", gallery, str(folder / "stripes 0")])
    assert {json.loads(line)["label"] for line in checked.stdout.splitlines()} == {"stripes 0"}


@pytest.mark.parametrize(
    ("recipe", "option"),
    [("transfer", ["--epochs", "3"]), ("tutorial", ["--steps", "3"]), ("default", ["--flip"])],
)
def test_an_option_of_other_recipes_is_wrong_usage(folder, tmp_path, recipe, option) -> None:
    command = ["train", str(folder), "--out", str(tmp_path / "m"), "--recipe", recipe, *option]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 2
    assert f"The recipe {recipe} has no {option[0]}" in done.stderr


def test_a_backbone_that_is_no_model_is_named(folder, tmp_path) -> None:
    done = run(folder, "--out", tmp_path / "m", "--backbone", tmp_path / "nothing")
    assert done.exit_code == 1
    assert "There is no model" in done.stderr
