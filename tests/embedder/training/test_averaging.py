"""Averaged weights, followed by hand over a few steps of a model of one weight."""

import math

import keras
import numpy as np
import pytest

from embedder.training.averaging import averaged_weights, averaging


def model_of_one_weight(**settings) -> keras.Model:
    """Its output is its weight w, its loss w: plain steps of 1 downwards, from 0 on."""
    start = keras.Input((1,))
    model = keras.Sequential([start, keras.layers.Dense(1, use_bias=False, name="w")])
    model.compile(keras.optimizers.SGD(1.0, **settings), lambda y, out: keras.ops.mean(out))
    model.get_layer("w").kernel.assign([[0.0]])
    return model


def weight(model: keras.Model) -> float:
    return float(model.get_layer("w").kernel.numpy()[0, 0])


def step(model: keras.Model, times: int) -> None:
    for _ in range(times):
        model.train_on_batch(np.ones((1, 1)), np.ones((1, 1)))


def test_the_average_takes_the_weights_place_only_for_a_while():
    model = model_of_one_weight(**averaging(0.2, steps=10))
    step(model, 3)  # weights -1, -2, -3; the average starts at the first
    keep = math.exp(-1 / 2)  # a fifth of ten steps
    average = keep * (keep * -1 + (1 - keep) * -2) + (1 - keep) * -3
    with averaged_weights(model, []):
        assert weight(model) == pytest.approx(average)
    assert weight(model) == -3


def test_the_weights_come_back_after_an_error():
    model = model_of_one_weight(**averaging(0.2, steps=10))
    step(model, 2)
    with pytest.raises(RuntimeError), averaged_weights(model, []):
        raise RuntimeError
    assert weight(model) == -2


def test_without_averaging_the_weights_stay():
    model = model_of_one_weight(**averaging(0, steps=10))
    step(model, 2)
    with averaged_weights(model, []):
        assert weight(model) == -2


def test_statistics_of_batch_normalisation_are_those_of_the_averages_over_the_batches():
    norm = keras.layers.BatchNormalization()
    start = keras.Input((1,))
    model = keras.Model(start, norm(keras.layers.Dense(1, use_bias=False)(start)))
    model.compile(keras.optimizers.SGD(0.0, **averaging(0.5, steps=4)), "mse")
    model.layers[1].kernel.assign([[2.0]])
    model.train_on_batch(np.array([[1.0], [2.0]]), np.zeros((2, 1)))
    before = norm.moving_mean.numpy()
    with averaged_weights(model, [np.array([[1.0], [3.0]]), np.array([[4.0], [4.0]])]):
        # Twice the inputs: means 4 and 8, variances 4 and 0.
        assert (float(norm.moving_mean[0]), float(norm.moving_variance[0])) == (6.0, 2.0)
    np.testing.assert_array_equal(norm.moving_mean, before)
    assert norm.momentum == 0.99
