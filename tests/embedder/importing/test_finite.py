"""A network that gives NaN or infinity is refused; the message names pictures, cause and remedy."""

from __future__ import annotations

import numpy as np
import pytest

from embedder.errors import ModelError
from embedder.importing.adopt import adopt
from embedder.importing.finite import require_finite
from embedder.importing.imported import Imported
from embedder.importing.options import ImportOptions

BY_PIXELS = ImportOptions(pixels="0..1")


def of_unit_length(keras):
    """Zeros for a black picture, which Keras leaves zeros and LiteRT divides by zero."""
    start = keras.Input((8, 8, 1))
    x = keras.layers.Dense(5, use_bias=False)(keras.layers.Flatten()(start))
    return keras.Model(start, keras.layers.UnitNormalization(name="unit")(x))


def test_a_length_of_zero_is_named_with_its_picture_and_the_layer_can_be_skipped(keras, tmp_path):
    of_unit_length(keras).save(tmp_path / "u.keras")
    with pytest.raises(ModelError, match=r"NaN for a black picture.* UnitNormalization .*--skip"):
        adopt(tmp_path / "u.keras", tmp_path / "m", BY_PIXELS)
    model = adopt(
        tmp_path / "u.keras", tmp_path / "m", ImportOptions(pixels="0..1", skip=("unit",))
    )
    assert not model.embed(np.zeros((1, 8, 8), np.uint8)).any()


def infinite(keras, activation):
    start = keras.Input((8, 8, 1))
    x = keras.layers.Dense(5, activation=activation, name="first")(keras.layers.Flatten()(start))
    model = keras.Model(start, keras.layers.Dense(4)(x))
    weights, bias = model.get_layer("first").get_weights()
    model.get_layer("first").set_weights([np.full_like(weights, np.inf), bias])
    return model


@pytest.mark.parametrize(
    ("activation", "whose"),
    [
        ("linear", r"network itself .* not finite numbers"),
        ("sigmoid", r"source itself .* not finite numbers"),  # LiteRT bounds what is infinite
    ],
)
def test_of_infinite_weights_it_is_said_that_they_are_not_finite(
    keras, tmp_path, activation, whose
):
    infinite(keras, activation).save(tmp_path / "i.keras")
    with pytest.raises(ModelError, match=f"{whose}.* weights are not finite"):
        adopt(tmp_path / "i.keras", tmp_path / "m", BY_PIXELS)


def test_a_finished_network_that_fails_for_few_pictures_is_not_called_damaged():
    imported = Imported(network=b"", input_shape=(8, 8), dim=2, ends={})
    pictures, embeddings = np.zeros((10, 8, 8), np.uint8), np.ones((10, 2), np.float32)
    embeddings[:4] = np.nan
    with pytest.raises(ModelError, match=r"4 of 10 pictures.* length of a vector of zeros"):
        require_finite(imported, pictures, embeddings)
