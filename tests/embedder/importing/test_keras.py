"""Keras files: the base is found and rebuilt, and gives the same embeddings."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from embedder.errors import ImportOptionError, ModelError
from embedder.importing.adopt import adopt
from embedder.importing.options import ImportOptions
from embedder.model import Embedder
from tests.embedder.importing.conftest import base_network, embeddings, shaken, written

KERAS2 = "tests/data/keras2"
MEAN = np.array([0.485, 0.456, 0.406])
SPREAD = np.array([0.229, 0.224, 0.225])


@pytest.fixture(scope="module")
def imported(siamese, tmp_path_factory):
    return adopt(
        siamese.keras, tmp_path_factory.mktemp("m") / "model", ImportOptions(pixels="0..1")
    )


@pytest.mark.parametrize("form", ["keras", "h5"])
def test_the_base_of_a_siamese_network_gives_what_it_gave_before(siamese, form, tmp_path, pixels):
    model = adopt(getattr(siamese, form), tmp_path / "m", ImportOptions(pixels="0..1"))
    wanted = embeddings(siamese.base, pixels)
    np.testing.assert_allclose(model.embed(pixels), wanted, atol=1e-6)


@pytest.mark.parametrize("name", ["siamese", "shared"])
@pytest.mark.parametrize("form", ["keras", "h5"])
def test_the_base_of_a_keras_2_file_gives_what_it_gave_before(name, form):
    from embedder.importing import keras_model
    from embedder.importing.keras_files.archive import opened_keras
    from embedder.importing.keras_files.building import build

    options = ImportOptions(pixels="0..1")
    with opened_keras(Path(f"{KERAS2}/{name}.{form}")) as file:
        graph, output = keras_model._cut(file, options)
        base = build(file, graph, output, (8, 8, 1))
    stored = np.load(f"{KERAS2}/{name}.npz")
    np.testing.assert_allclose(np.asarray(base(stored["inputs"])), stored["embeddings"], rtol=1e-6)


def test_a_keras_2_file_becomes_a_model(tmp_path):
    model = adopt(f"{KERAS2}/siamese.keras", tmp_path / "m", ImportOptions(pixels="0..1"))
    assert (model.input_shape, model.dim) == ((8, 8), 5)


def test_a_picture_gives_the_same_alone_and_in_batches_to_the_bit(imported):
    pictures = np.random.default_rng(2).integers(0, 256, (256, 8, 8), np.uint8)
    alone = np.concatenate([imported.embed(picture[None]) for picture in pictures])
    for size in (2, 3, 17, 64, 65, 256):
        assert np.array_equal(imported.embed(pictures[:size]), alone[:size])


def test_the_same_import_twice_has_the_same_fingerprint(siamese, imported, tmp_path):
    again = adopt(siamese.keras, tmp_path / "m", ImportOptions(pixels="0..1"))
    assert again.fingerprint == imported.fingerprint


@pytest.mark.parametrize(
    "other",
    [
        {"pixels": "-1..1"},
        {"pixels": "0..1", "as_is": True},
        {"pixels": "0..1", "resize": "crop"},
        {"pixels": "0..1", "precision": "float16"},
    ],
)
def test_whatever_decides_an_embedding_changes_the_fingerprint(siamese, imported, tmp_path, other):
    assert adopt(siamese.h5, tmp_path / "m", ImportOptions(**other)).fingerprint != (
        imported.fingerprint
    )


def test_model_json_says_where_the_model_comes_from(siamese, tmp_path):
    import hashlib

    (tmp_path / "LICENCE").write_text("Do as you like.")
    options = ImportOptions(pixels="0..1", licence=tmp_path / "LICENCE")
    origin = adopt(siamese.keras, tmp_path / "m", options).metadata["origin"]
    assert origin["sha256"] == hashlib.sha256(siamese.keras.read_bytes()).hexdigest()
    assert (origin["licence"], origin["pixels"], origin["skipped"]) == (
        "Do as you like.",
        "0..1",
        [],
    )
    assert origin["compared"]["largest_difference"] <= 1e-5


def test_the_range_of_pixels_must_be_named_unless_the_network_shows_it(siamese, tmp_path):
    with pytest.raises(ImportOptionError, match=r"0\.\.1 .*-1\.\.1 .*0\.\.255 .*imagenet .*caffe"):
        adopt(siamese.keras, tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_a_rescaling_layer_shows_the_range_of_pixels(keras, tmp_path, pixels):
    start = keras.Input((8, 8, 1))
    base = base_network(keras)
    whole = keras.Model(start, base(keras.layers.Rescaling(1 / 255)(start)))
    shaken(whole)
    saved = written(whole, base, tmp_path)
    model = adopt(saved.keras, tmp_path / "m")
    assert model.metadata["origin"]["pixels_proved"]
    assert "warning" not in model.metadata["origin"]
    np.testing.assert_allclose(model.embed(pixels), embeddings(base, pixels), atol=1e-6)
    other = adopt(saved.keras, tmp_path / "other", ImportOptions(pixels="0..1"))
    assert re.search(r"--pixels 0\.\.255 .* --pixels 0\.\.1 ", other.metadata["origin"]["warning"])


def test_a_network_that_gives_its_embeddings_out_is_cut_at_them(keras, tmp_path, pixels):
    base = base_network(keras)
    anchor, other = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
    model = keras.Model([anchor, other], [base(anchor), base(other)])
    shaken(model)
    saved = written(model, base, tmp_path)
    adopted = adopt(saved.keras, tmp_path / "m", ImportOptions(pixels="0..1"))
    np.testing.assert_allclose(adopted.embed(pixels), embeddings(base, pixels), atol=1e-6)


def test_a_blank_embedding_stays_zero_and_is_a_number(keras, tmp_path):
    start = keras.Input((8, 8, 1))
    x = keras.layers.Dense(4, activation="relu")(keras.layers.Flatten()(start))
    keras.Model(start, x).save(tmp_path / "r.keras")
    model = adopt(tmp_path / "r.keras", tmp_path / "m", ImportOptions(pixels="0..1"))
    assert not model.embed(np.zeros((1, 8, 8), np.uint8)).any()


def classifier(keras, ending):
    start = keras.Input((8, 8, 3))
    x = keras.layers.Flatten()(keras.layers.Conv2D(2, 3)(start))
    features = keras.layers.Dense(6, activation="relu", name="features")(x)
    x = keras.layers.Dropout(0.5)(features)
    if ending == "softmax":
        out = keras.layers.Dense(4, activation="softmax")(x)
    else:
        out = keras.layers.Softmax()(keras.layers.Dense(4)(x))
    return keras.Model(start, out)


@pytest.mark.parametrize("ending", ["softmax", "layer"])
def test_of_a_classifier_the_layers_before_its_head_are_taken(keras, tmp_path, ending):
    model = classifier(keras, ending)
    shaken(model)
    model.save(tmp_path / "c.keras")
    adopted = adopt(tmp_path / "c.keras", tmp_path / "m", ImportOptions(pixels="0..255"))
    assert (adopted.input_shape, adopted.dim) == ((8, 8, 3), 6)
    assert adopted.metadata["origin"]["output"] == "features"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"pixels": "imagenet"}, lambda x: (x / 255 - MEAN) / SPREAD),
        ({"pixels": "caffe"}, lambda x: x[..., ::-1] - [103.939, 116.779, 123.68]),
        ({"pixels": "-1..1", "channels": "bgr"}, lambda x: x[..., ::-1] / 127.5 - 1),
    ],
)
def test_pixels_reach_the_network_as_in_its_training(keras, tmp_path, options, expected):
    start = keras.Input((2, 2, 3))
    keras.Model(start, keras.layers.Flatten()(start)).save(tmp_path / "flat.keras")
    model = adopt(tmp_path / "flat.keras", tmp_path / "m", ImportOptions(**options, as_is=True))
    picture = np.random.default_rng(3).integers(0, 256, (1, 2, 2, 3), np.uint8)
    wanted = expected(picture.astype(float)).reshape(1, 12)
    np.testing.assert_allclose(model.embed(picture), wanted, rtol=1e-5, atol=1e-4)


def lambda_in_base(keras):
    start = keras.Input((8, 8, 1))
    x = keras.layers.Dense(5)(keras.layers.Flatten()(start))
    return keras.Model(start, keras.layers.Lambda(lambda v: v * 2, name="double")(x))


def test_a_lambda_within_the_base_is_refused_with_the_remedy_and_can_be_skipped(keras, tmp_path):
    model = lambda_in_base(keras)
    model.save(tmp_path / "l.keras")
    with pytest.raises(ModelError, match=r"holds double .* not run\..* Only if .* --skip double"):
        adopt(tmp_path / "l.keras", tmp_path / "m", ImportOptions(pixels="0..1"))
    options = ImportOptions(pixels="0..1", skip=("double",))
    model = adopt(tmp_path / "l.keras", tmp_path / "m", options)
    assert model.metadata["origin"]["skipped"] == ["double"]


def test_an_operation_within_the_base_is_refused_with_the_layer_to_save_in_its_place(
    keras, tmp_path
):
    start = keras.Input((8, 8, 1))
    x = keras.ops.relu(keras.layers.Dense(5)(keras.layers.Flatten()(start)))
    keras.Model(start, keras.layers.Dense(4)(x)).save(tmp_path / "o.keras")
    with pytest.raises(ModelError, match=r"holds relu .* such as keras\.layers\.ReLU") as caught:
        adopt(tmp_path / "o.keras", tmp_path / "m", ImportOptions(pixels="0..1"))
    advice = str(caught.value).partition("--skip relu")[0]
    assert advice.endswith(
        "Only if it just scales pixels or normalises the result, leave it out with "
    )


def test_an_imported_model_opens_and_keeps_the_bits(imported, pixels):
    again = Embedder.load(imported.path)
    assert np.array_equal(again.embed(pixels), imported.embed(pixels))
    assert json.loads((imported.path / "model.json").read_text())["format"] == 2
