"""Averaged weights: what is measured and saved in place of those that the last step left.

An optimizer that averages keeps, beside each weight, its exponential moving average. It varies
less from epoch to epoch and is mostly better. Steps go on from the weights themselves, so the
average takes their place only while it is measured or saved.

Source: Polyak, Juditsky, "Acceleration of Stochastic Approximation by Averaging", SIAM Journal on
Control and Optimization 1992; here exponential, as Keras's optimizers average. Statistics of batch
normalisation are not averaged: they are moving averages already.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras


def averaging(share: float, steps: int) -> dict[str, Any]:
    """Give the arguments that make a Keras optimizer average the weights.

    Args:
        share: Of the whole training, after which the weights of a step count 1/e of the newest;
            0 for no averaging.
        steps: Of the whole training.

    Example:
        >>> round(averaging(0.1, steps=1000)["ema_momentum"], 4)  # e^(-1 / 100)
        0.99
        >>> averaging(0, steps=1000)
        {}
    """
    if share == 0:
        return {}
    return {"use_ema": True, "ema_momentum": math.exp(-1 / (share * steps))}


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Put the averages in place of a compiled model's weights for as long as this lasts.

    Changes nothing where the optimizer does not average.
    """
    weights = model.trainable_variables
    last = [weight.numpy() for weight in weights]
    model.optimizer.finalize_variable_values(weights)
    try:
        yield
    finally:
        for weight, value in zip(weights, last, strict=True):
            weight.assign(value)
