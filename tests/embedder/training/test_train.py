"""Training, from labelled pictures to a saved model."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from embedder.data.sources import Dataset, load
from embedder.errors import DatasetError, ModelError
from embedder.model import Embedder
from embedder.training.recipes import RECIPES
from tests.eventually import eventually


@pytest.fixture(scope="module")
def digits():
    return load("mnist/train").subset(range(1200), "digits")


def quick(name, **settings):
    return RECIPES[name].changed(**{"epochs": 2, "batch": 64, "validation": 0.2, **settings})


@pytest.fixture(
    scope="module", params=[pytest.param("default", marks=pytest.mark.slow), "tutorial"]
)
def trained(request, digits, tmp_path_factory):
    from embedder.training.train import train

    out = tmp_path_factory.mktemp("models") / request.param
    return train(digits, out, quick(request.param, epochs=4), preprocessing="digit2")


def test_a_training_leaves_a_whole_model_and_nothing_else(trained):
    names = {file.name for file in trained.path.iterdir()}
    pictures = {"history.json", "history.png", "pairs.png"}
    assert names == {"model.json", "model.tflite", "base.keras"} | pictures
    assert [file.name for file in trained.path.parent.iterdir()] == [trained.path.name]


def test_the_loss_falls(trained):
    epochs = json.loads((trained.path / "history.json").read_text())["epochs"]
    assert epochs[-1]["loss"] < epochs[0]["loss"]


def test_same_digits_come_out_nearer_than_different_ones(trained):
    from likewise.metrics.pairs import pair_distances

    test = load("mnist/test").subset(range(600))
    same, different = pair_distances(trained.embed(test.images), test.labels, 3000, seed=0)
    assert np.median(same) < np.median(different) / 1.3


def test_the_stored_threshold_is_the_one_of_the_stored_eer(trained):
    point, figures = trained.operating_points["eer"], trained.metadata["figures"]["validation"]
    assert (point["fmr"] + point["fnmr"]) / 2 == pytest.approx(figures["eer"])


def test_only_a_training_with_outliers_measures_a_threshold_for_searches(trained):
    points = trained.operating_points
    assert ("default" in points) == (trained.metadata["recipe"]["outliers"] > 0)
    if "default" in points:
        point, figures = points["default"], trained.metadata["figures"]["validation"]
        assert (point["known"], point["unknown"]) == (figures["images"], 5000)
        assert point["false"] <= 100  # 2 % of 5000


@pytest.mark.slow
@pytest.mark.parametrize("name", ["default", "tutorial"])
def test_the_same_seed_gives_the_same_fingerprint_and_another_seed_another(name, digits, tmp_path):
    from embedder.training.train import train

    few = digits.subset(range(300), "few")
    fingerprints = [
        train(few, tmp_path / "model", quick(name, seed=seed)).fingerprint for seed in (7, 7, 8)
    ]
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]


SCRIPT = """
import sys
from embedder.data.sources import load
from embedder.training.recipes import RECIPES
from embedder.training.train import train
recipe = RECIPES["default"].changed(epochs=5, batch=64, validation=0.2)
digits = load("mnist/train").subset(range(1200), "digits")
print(train(digits, sys.argv[1], recipe, resume="resume" in sys.argv).fingerprint)
"""


@pytest.mark.slow
def test_a_killed_training_goes_on_from_its_last_epoch_to_the_same_model(tmp_path):
    def command(out, *more):
        return [sys.executable, "-c", SCRIPT, str(tmp_path / out), *more]

    whole = subprocess.check_output(command("whole"), text=True)
    killed = subprocess.Popen(command("killed"))
    history = tmp_path / "killed.training" / "history.json"
    eventually(history.exists, within=300)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    done = len(json.loads(history.read_text())["epochs"])
    assert 1 <= done < 5
    assert subprocess.check_output(command("killed", "resume"), text=True) == whole


@pytest.mark.slow
def test_a_training_that_stopped_early_does_not_go_on_when_it_is_resumed(tmp_path, monkeypatch):
    from embedder.training.batches import DrawnPairs
    from embedder.training.checkpoint import State
    from embedder.training.fitting import Labelled, fit
    from embedder.training.networks import base_network

    monkeypatch.setattr("embedder.training.checkpoint.VALIDATION_PAIRS", 100)
    pixels = np.random.default_rng(0).integers(0, 256, (12, 6, 6), np.uint8)
    pictures = Labelled(pixels, ["a", "b", "c"] * 4)
    recipe = quick("tutorial", epochs=9, patience=1, learning_rate=1e-9)  # nothing gets better
    for resumes in (False, True):
        state = State(tmp_path / "unfinished", recipe.described())
        if resumes:
            state.resume()
        batches = DrawnPairs(*pictures, recipe, len(state.epochs))
        fit(base_network("dense", (6, 6), 8), batches, pictures, recipe, state)
        assert [epoch["epoch"] for epoch in state.epochs] == [1, 2]  # the first, and the patience


def test_an_unfinished_training_is_not_lost_by_starting_anew(digits, tmp_path):
    from embedder.training.train import train

    (tmp_path / "model.training").mkdir()
    with pytest.raises(ModelError, match=r"unfinished training .* continue it with --resume"):
        train(digits, tmp_path / "model", quick("default"))
    (tmp_path / "model.training" / "a.png").touch()
    with pytest.raises(ModelError, match="something else is there"):
        train(digits, tmp_path / "model", quick("default"), resume=True)


def test_resuming_by_another_recipe_says_to_name_the_one_that_began(tmp_path):
    from embedder.training.checkpoint import State

    unfinished = tmp_path / "m.training"
    unfinished.mkdir()
    (unfinished / "transfer.json").write_text("{}")  # of the recipe transfer
    with pytest.raises(ModelError, match="name the recipe that it was started with"):
        State(unfinished, {"name": "default"}).resume()


def test_a_training_replaces_nothing_but_a_model(digits, tmp_path):
    from embedder.training.train import train

    (tmp_path / "gallery").mkdir()
    (tmp_path / "gallery" / "references.db").touch()
    with pytest.raises(ModelError, match="Expected a new directory or an earlier model"):
        train(digits, tmp_path / "gallery", quick("default"))
    assert (tmp_path / "gallery" / "references.db").exists()


def test_resuming_with_another_setting_is_refused_with_both_values(digits, tmp_path):
    from embedder.training.checkpoint import State

    state = State(tmp_path / "m.training", {"margin": 1.4})
    state.path.mkdir()
    (state.path / "history.json").write_text('{"settings": {"margin": 1.4}, "epochs": []}')
    with pytest.raises(ModelError, match=r"started with margin = 1.4, not 1.0"):
        State(state.path, {"margin": 1.0}).resume()


@pytest.mark.slow
def test_a_folder_of_colour_pictures_of_another_size_trains_the_same_way(tmp_path, rng):
    from embedder.training.train import train

    tints = {"red": (200, 40, 40), "green": (40, 200, 40), "blue": (40, 40, 200)}
    labels = [label for label in tints for _ in range(30)]
    noise = rng.integers(-40, 40, (90, 20, 33, 3))
    images = (np.array([tints[label] for label in labels])[:, None, None] + noise).astype(np.uint8)
    tinted = Dataset([str(i) for i in range(90)], labels, images, "tints")
    model = train(tinted, tmp_path / "model", quick("default", epochs=6, batch=30))
    assert Embedder.load(model.path).input_shape == (20, 33, 3)
    assert model.metadata["figures"]["validation"]["eer"] < 0.1


def test_pictures_of_one_label_cannot_be_trained_on(digits, tmp_path):
    from embedder.training.train import train

    ones = digits.subset([i for i, label in enumerate(digits.labels) if label == "1"], "ones")
    with pytest.raises(DatasetError, match="143 pictures of 1 label"):
        train(ones, tmp_path / "model", quick("default"))
    assert not (tmp_path / "model").exists()


@pytest.mark.slow
def test_the_tutorials_recipe_reaches_its_published_accuracy(tmp_path):
    from embedder.training.train import train

    digits = load("mnist/train")
    model = train(digits, tmp_path / "tutorial", RECIPES["tutorial"], preprocessing="digit2")
    # 0.968 is the tutorial's own figure, given to three digits: validation pairs, judged at a
    # distance of 0.5. Processors of different kinds train to different fourth digits.
    accuracy = model.metadata["figures"]["validation"]["pair_accuracy_at_0.5"]
    assert round(accuracy, 3) >= 0.968
    assert (model.path / "pairs.png").stat().st_size > 10_000
