"""A tutorial's Siamese network, trained in Keras, through every command on MNIST."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from click.testing import CliRunner

import likewise
from cli import main
from tests.likewise.server.conftest import png
from tests.likewise.server.processes import serving_process

pytestmark = pytest.mark.slow
IMAGE = "mnist/test/00000"  # a 7


class Trained(NamedTuple):
    """A network of two inputs, its file, and what was imported from it."""

    siamese: Any
    file: Path
    model: Path


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Trained:
    keras = pytest.importorskip("keras")
    folder = tmp_path_factory.mktemp("tutorial")
    keras.utils.set_random_seed(0)
    siamese = two_inputs(keras, base_network(keras))
    siamese.compile("rmsprop", contrastive_loss(keras))
    pixels, labels = digits("mnist/train", 6000)
    first, second, same = pairs(labels)
    images = pixels / np.float32(255)
    siamese.fit([images[first], images[second]], same, batch_size=128, epochs=2, verbose=0)
    siamese.save(folder / "siamese.keras")
    run("import", folder / "siamese.keras", "--out", folder / "m", "--pixels", "0..1", "--as-is")
    return Trained(siamese, folder / "siamese.keras", folder / "m")


@pytest.fixture(scope="module")
def gallery(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("journey") / "digits.gallery"
    result = run("build", path, "mnist/train", "--model", trained.model)
    assert "measured on the gallery itself" in result.stderr
    return path


def base_network(keras):
    layers = [keras.Input((28, 28)), keras.layers.Flatten()]
    for _ in range(2):
        layers += [keras.layers.Dense(128, activation="relu"), keras.layers.Dropout(0.1)]
    return keras.Sequential([*layers, keras.layers.Dense(128, activation="relu")])


def two_inputs(keras, base):
    def distance(pair):
        return keras.ops.norm(pair[0] - pair[1], axis=1, keepdims=True)

    left, right = keras.Input((28, 28)), keras.Input((28, 28))
    gap = keras.layers.Lambda(distance, output_shape=(1,))([base(left), base(right)])
    return keras.Model([left, right], gap)


def contrastive_loss(keras):
    def loss(same, gap):
        apart = keras.ops.maximum(1 - gap, 0)
        return keras.ops.mean(same * gap**2 + (1 - same) * apart**2)

    return loss


def digits(data, count):
    records = list(islice(likewise.records(data), count))
    labels = np.array([int(str(record.label)) for record in records])
    return np.stack([record.pixels() for record in records]), labels


def pairs(labels):
    """A pair of one digit and a pair of two for each picture: places, and whether it is one."""
    random = np.random.default_rng(0)
    places = [np.flatnonzero(labels == digit) for digit in range(10)]
    first, second = np.repeat(np.arange(len(labels)), 2), []
    for label in labels:
        other = (label + random.integers(1, 10)) % 10
        second += [random.choice(places[label]), random.choice(places[other])]
    return first, np.array(second), np.tile(np.array([1, 0], np.float32), len(labels))


def run(*arguments):
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result


def rows(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_pair_accuracy_is_that_of_keras_to_one_in_ten_thousand(trained):
    pixels, labels = digits("mnist/test", 10_000)
    first, second, same = pairs(labels)
    images = pixels / np.float32(255)
    in_keras = trained.siamese.predict([images[first], images[second]], verbose=0)[:, 0]
    vectors = likewise.Embedder.load(trained.model).embed(pixels)
    in_likewise = np.linalg.norm(vectors[first] - vectors[second], axis=1)
    accuracies = [np.mean((gaps < 0.5) == same) for gaps in (in_keras, in_likewise)]
    assert min(accuracies) > 0.8
    assert abs(accuracies[0] - accuracies[1]) <= 1e-4


def test_the_model_file_gives_one_fingerprint(trained, tmp_path):
    again = likewise.adopt(trained.file, tmp_path / "m", pixels="0..1", as_is=True)
    assert again.fingerprint == likewise.Embedder.load(trained.model).fingerprint


def test_a_picture_gets_one_answer_from_the_commands_and_over_http(gallery):
    [row] = rows(run("check", gallery, IMAGE))
    [nearest] = rows(run("query", gallery, IMAGE, "-k", 1))
    assert nearest["neighbours"][0]["label"] == "7"
    picture, headers = png(next(likewise.records(IMAGE))), {"Content-Type": "image/png"}
    with serving_process(gallery) as client:
        answer = client.post(f"/v1/check?id={IMAGE}", content=picture, headers=headers)
    assert answer.json()["rows"] == [row]


def test_it_is_calibrated_and_evaluated_on_other_pictures(gallery, tmp_path):
    calibrated = json.loads(run("calibrate", gallery, "mnist/test", "--fpir", "0.1").stdout)
    assert calibrated["false"] <= 0.1 * 10_000  # each digit is an unknown without its own group
    run("evaluate", gallery, "mnist/test", "--allow-overlap", "--out", tmp_path / "report")
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    figures = report["identification"]
    assert figures["FPIR at the threshold"]["events"] == calibrated["false"]  # the same pictures
    assert figures["rank-1"]["value"] > 0.7


def test_the_gallery_is_sound_and_names_its_model(gallery, trained):
    run("doctor", gallery)
    assert likewise.Embedder.load(trained.model).fingerprint in run("info", gallery).stdout


@pytest.mark.filterwarnings("ignore:At the threshold")  # after two epochs it may miss most
def test_thresholds_measured_at_the_import_go_into_each_gallery(trained, tmp_path):
    model = likewise.adopt(
        trained.file, tmp_path / "m", pixels="0..1", as_is=True, data="mnist/test"
    )
    assert set(model.operating_points) == {"default", "eer"}
    pictures = islice(likewise.records("mnist/train"), 50)
    with likewise.build(tmp_path / "g", pictures, model) as matcher:
        default = matcher.gallery.points["default"]
        assert matcher.gallery.points.default == "default"
    assert default.threshold == model.operating_points["default"]["threshold"]
