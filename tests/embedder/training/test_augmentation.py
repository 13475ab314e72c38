"""Distortion of training pictures."""

import numpy as np
import pytest

from embedder.training.augmentation import Distortion, _bilinear


@pytest.mark.parametrize("shape", [(4, 28, 28), (4, 20, 30), (4, 16, 16, 3)], ids=str)
def test_shape_and_dtype_stay(shape):
    pictures = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    distorted = Distortion(seed=1)(pictures, training=True)
    assert (distorted.shape, distorted.dtype.name) == (shape, "uint8")


def test_outside_training_nothing_changes():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 8, 8), dtype=np.uint8)
    np.testing.assert_array_equal(Distortion()(pictures, training=False), pictures)


def test_the_same_seed_distorts_the_same_way():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 28, 28), dtype=np.uint8)
    first, again = (Distortion(seed=5)(pictures, training=True).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (first != pictures).any()


def test_a_plain_picture_stays_plain_up_to_its_border():
    pictures = np.full((3, 28, 28), 77, dtype=np.uint8)
    np.testing.assert_array_equal(Distortion(seed=2)(pictures, training=True), pictures)


def test_bilinear_sampling_half_way_is_the_mean_of_the_two_pixels():
    pictures = np.array([[[[0.0], [10.0]]]], "float32")  # (1, 1, 2, 1)
    y, x = np.zeros((1, 1, 2), "float32"), np.array([[[0.5, 7.0]]], "float32")
    # At 0.5 between 0 and 10; at 7 clamped to the last pixel.
    assert _bilinear(pictures, y, x).numpy().ravel().tolist() == [5.0, 10.0]
