"""Models without a single embedding network are refused, and the message says what to do."""

from __future__ import annotations

import pytest

from embedder.errors import ModelError
from embedder.importing.adopt import adopt
from embedder.importing.options import ImportOptions
from tests.embedder.importing.conftest import SHAPE, base_network


def two_bases(keras):
    """A network for each picture: pictures are compared, but not by one embedding."""
    starts = [keras.Input(SHAPE), keras.Input(SHAPE)]
    return keras.Model(
        starts, keras.layers.Subtract()([base_network(keras)(start) for start in starts])
    )


def two_comparisons(keras):
    """Pictures are compared at two layers of one base."""
    base = base_network(keras)
    deep = keras.layers.Dense(4)
    starts = [keras.Input(SHAPE), keras.Input(SHAPE)]
    near = [base(start) for start in starts]
    far = [deep(each) for each in near]
    gaps = [keras.layers.Subtract()(near), keras.layers.Subtract()(far)]
    return keras.Model(starts, keras.layers.Concatenate()(gaps))


def two_outputs(keras):
    start = keras.Input(SHAPE)
    rows = base_network(keras)(start)
    return keras.Model(start, [keras.layers.Dense(3)(rows), keras.layers.Dense(4)(rows)])


def other_activations(keras):
    """Each picture has an activation of its own behind a shared layer."""
    shared = keras.layers.Dense(4)
    starts = [keras.Input(SHAPE), keras.Input(SHAPE)]
    rows = [shared(keras.layers.Flatten()(start)) for start in starts]
    ends = [
        keras.layers.Activation(kind)(row) for kind, row in zip(("relu", "tanh"), rows, strict=True)
    ]
    return keras.Model(starts, keras.layers.Subtract()(ends))


def one_number(keras):
    start = keras.Input(SHAPE)
    return keras.Model(start, keras.layers.Dense(1)(keras.layers.Flatten()(start)))


@pytest.mark.parametrize(
    ("network", "remedy"),
    [
        (two_bases, r"do not share one base network.*--output LAYER.*Layers of one input"),
        (other_activations, "do not share one base network"),
        (two_comparisons, r"compares its pictures at several layers.*Candidates"),
        (two_outputs, "has 2 outputs: name the layer that gives the embedding"),
        (one_number, "at least 2 numbers"),
    ],
)
def test_it_is_refused_with_the_remedy_and_leaves_nothing(keras, tmp_path, network, remedy):
    network(keras).save(tmp_path / "n.keras")
    with pytest.raises(ModelError, match=f"(?s){remedy}"):
        adopt(tmp_path / "n.keras", tmp_path / "m", ImportOptions(pixels="0..1"))
    assert not (tmp_path / "m").exists()


def test_a_layer_that_compares_pictures_cannot_be_named_as_the_embedding(keras, tmp_path):
    model = two_bases(keras)
    model.save(tmp_path / "n.keras")
    options = ImportOptions(pixels="0..1", output=model.layers[-1].name)
    with pytest.raises(ModelError, match=r"compares several pictures.*Name an earlier layer"):
        adopt(tmp_path / "n.keras", tmp_path / "m", options)


def test_of_two_bases_one_can_be_named(keras, tmp_path):
    model = two_bases(keras)
    model.save(tmp_path / "n.keras")
    bases = [layer.name for layer in model.layers if isinstance(layer, keras.Model)]
    options = ImportOptions(pixels="0..1", output=bases[0])
    assert adopt(tmp_path / "n.keras", tmp_path / "m", options).dim == 5


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("form", ["keras", "h5"])
def test_a_sequential_model_without_an_input_layer_has_the_size_it_was_built_with(
    keras, tmp_path, form, nested
):
    layers = [keras.layers.Flatten(), keras.layers.Dense(6)]
    model = keras.Sequential([keras.Sequential(layers)] if nested else layers)
    model.build((None, *SHAPE))
    model.save(tmp_path / f"s.{form}")
    adopted = adopt(tmp_path / f"s.{form}", tmp_path / "m", ImportOptions(pixels="0..1"))
    assert (adopted.input_shape, adopted.dim) == (SHAPE[:2], 6)


@pytest.mark.parametrize("setting", ["pad_to_aspect_ratio", "antialias", "crop_further"])
def test_a_setting_that_is_switched_on_and_not_built_again_is_refused(keras, setting):
    """Without it the network would give other embeddings than its author's."""
    from embedder.importing.keras_files.building import _settings
    from embedder.importing.keras_files.graph import Layer

    config = {"height": 4, "width": 8, "interpolation": "bilinear", setting: False}
    layer = Layer("resizing", {"class_name": "Resizing", "config": config}, "", trainable=True)
    assert _settings(layer, "net.keras") == {"height": 4, "width": 8, "interpolation": "bilinear"}
    config[setting] = True
    with pytest.raises(ModelError, match=f"the setting {setting} = True"):
        _settings(layer, "net.keras")
