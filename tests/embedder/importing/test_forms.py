"""Keras files in seldom met forms: channels first, weights of 16 bits, quantised layers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from embedder.errors import ModelError
from embedder.importing.adopt import adopt
from embedder.importing.options import ImportOptions
from tests.embedder.importing.conftest import shaken

RAW = ImportOptions(pixels="0..255", as_is=True)


@pytest.fixture
def pictures():
    return np.random.default_rng(4).integers(0, 256, (3, 12, 16, 3), np.uint8)


def of_layers(keras, shape, order):
    """Layers of each kind that has an order of channels, and a dense one."""
    layers, start = keras.layers, keras.Input(shape)
    x = layers.Resizing(9, 11, data_format=order)(start)
    x = layers.Conv2D(4, 3, activation="tanh", data_format=order)(x)
    x = layers.BatchNormalization(axis=1 if order == "channels_first" else -1)(x)
    x = layers.DepthwiseConv2D(3, padding="same", data_format=order)(x)
    x = layers.SeparableConv2D(4, 3, padding="same", data_format=order)(x)
    x = layers.Conv2DTranspose(4, 3, padding="same", data_format=order)(x)
    x = layers.MaxPooling2D(2, data_format=order)(x)
    x = layers.UpSampling2D(2, data_format=order)(x)
    x = layers.ZeroPadding2D(2, data_format=order)(x)
    x = layers.Cropping2D(1, data_format=order)(x)
    x = layers.AveragePooling2D(2, data_format=order)(x)
    ends = (layers.Flatten, layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D)
    x = layers.Concatenate()([end(data_format=order)(x) for end in ends])
    return keras.Model(start, layers.Dense(5)(x))


def test_a_network_with_its_channels_first_gives_what_it_gives_with_them_last(
    keras, tmp_path, pictures
):
    first = of_layers(keras, (3, 12, 16), "channels_first")
    last = of_layers(keras, (12, 16, 3), "channels_last")
    shaken(last)
    last.set_weights([each * 0.1 for each in last.get_weights()])
    first.set_weights(last.get_weights())
    first.save(tmp_path / "first.keras")
    model = adopt(tmp_path / "first.keras", tmp_path / "m", RAW)
    wanted = np.asarray(last(pictures.astype("float32"), training=False))
    np.testing.assert_allclose(model.embed(pictures), wanted, rtol=1e-4)


@pytest.mark.parametrize("form", ["keras", "h5"])
def test_weights_of_bfloat16_are_read_as_the_numbers_that_they_are(keras, tmp_path, form, pictures):
    start = keras.Input((12, 16, 3), dtype="bfloat16")
    x = keras.layers.GlobalAveragePooling2D(dtype="bfloat16")(start)
    network = keras.Model(start, keras.layers.Dense(5, dtype="bfloat16")(x))
    kernel, bias = (np.asarray(each, np.float32) for each in network.get_weights())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras calls .h5 legacy
        network.save(tmp_path / f"half.{form}")
    model = adopt(tmp_path / f"half.{form}", tmp_path / "m", RAW)
    wanted = pictures.mean(axis=(1, 2)) @ kernel + bias
    np.testing.assert_allclose(model.embed(pictures), wanted, rtol=1e-4, atol=1e-3)


def test_quantised_layers_are_refused_with_what_to_import_instead(keras, tmp_path):
    start = keras.Input((12, 16, 3))
    network = keras.Model(start, keras.layers.Dense(5)(keras.layers.Flatten()(start)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of layers without weights
        network.quantize("int8")
    network.save(tmp_path / "q.keras")
    with pytest.raises(ModelError, match=r"dense\S* are quantised.* before `model\.quantize"):
        adopt(tmp_path / "q.keras", tmp_path / "m", RAW)
