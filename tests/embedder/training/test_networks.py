"""Base networks and the Siamese model over them."""

import keras
import numpy as np
import pytest

from embedder.training.networks import base_network, multiply_adds, siamese_network


@pytest.mark.parametrize("name", ["dense", "conv"])
@pytest.mark.parametrize("shape", [(28, 28), (20, 31), (16, 16, 3)], ids=str)
def test_a_base_network_takes_pixels_of_any_shape(name, shape):
    pixels = np.random.default_rng(0).integers(0, 256, (2, *shape), dtype=np.uint8)
    assert base_network(name, shape, dim=8).predict(pixels, verbose=0).shape == (2, 8)


def test_conv_embeddings_have_unit_length():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    embeddings = base_network("conv", (28, 28)).predict(pixels, verbose=0)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1.0, atol=1e-6)


def test_conv_stays_below_six_million_multiply_adds_for_a_digit():
    assert multiply_adds(base_network("conv", (28, 28))) <= 6_000_000


def test_multiply_adds_of_the_tutorials_network_by_hand():
    expected = 28 * 28 * 128 + 128 * 128 + 128 * 128
    assert multiply_adds(base_network("dense", (28, 28))) == expected


def test_the_siamese_model_gives_the_distance_of_the_base_networks_embeddings():
    base = base_network("dense", (28, 28))
    left, right = np.random.default_rng(1).integers(0, 256, (2, 6, 28, 28), dtype=np.uint8)
    distances = siamese_network(base).predict([left, right], verbose=0)
    gaps = base.predict(left, verbose=0) - base.predict(right, verbose=0)
    np.testing.assert_allclose(distances[:, 0], np.sqrt((gaps**2).sum(axis=1)), atol=1e-6)


def test_an_image_is_at_distance_exactly_zero_from_itself():
    image = np.random.default_rng(1).integers(0, 256, (1, 28, 28), dtype=np.uint8)
    model = siamese_network(base_network("conv", (28, 28)))
    assert model.predict([image, image], verbose=0).tolist() == [[0.0]]


def test_the_siamese_model_survives_keras_safe_saving(tmp_path):
    model = siamese_network(base_network("conv", (12, 12), dim=4))
    model.save(tmp_path / "siamese.keras")
    loaded = keras.models.load_model(tmp_path / "siamese.keras", safe_mode=True)
    left, right = np.random.default_rng(1).integers(0, 256, (2, 3, 12, 12), dtype=np.uint8)
    np.testing.assert_array_equal(
        loaded.predict([left, right], verbose=0), model.predict([left, right], verbose=0)
    )


def test_a_network_or_shape_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"dense, conv\. Received: 'resnet'"):
        base_network("resnet", (28, 28))
    with pytest.raises(ValueError, match=r"\(h, w\) or \(h, w, 3\). Received: \(28, 28, 1\)"):
        base_network("conv", (28, 28, 1))
