"""Averaged weights, which are measured and saved instead of the last step's.

An optimizer that averages keeps, beside each weight, its exponential moving average. It varies
less from epoch to epoch and is mostly better. Steps go on from the weights themselves, so the
average takes their place only while it is measured or saved.

Averaged weights need statistics of batch normalisation of their own: with those of the last steps'
weights a network in training took a quarter of the pairs wrongly, with renewed ones 0.5 %.

Source: Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", UAI
2018, which renews the statistics too; here the average is exponential, as Keras's optimizers keep.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
from keras.layers import BatchNormalization


def averaging(share: float, steps: int) -> dict[str, Any]:
    """Arguments that make a Keras optimizer average the weights.

    Args:
        share: Share of the training after which the weights of a step count 1/e of the newest;
            0 for no averaging.
        steps: Number of steps of the training.

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
def averaged_weights(model: keras.Model, batches: Sequence[Any]) -> Iterator[None]:
    """Use the averages as a compiled model's weights inside the block.

    Changes nothing where the optimizer does not average.

    Args:
        model: Compiled, with `averaging`.
        batches: Inputs as in training, to renew the statistics of batch normalisation by.
    """
    if not model.optimizer.use_ema:
        yield
        return
    last = [variable.numpy() for variable in model.variables]
    model.optimizer.finalize_variable_values(model.trainable_variables)
    try:
        _renew_statistics(model, batches)
        yield
    finally:
        for variable, value in zip(model.variables, last, strict=True):
            variable.assign(value)


def _renew_statistics(model: keras.Model, batches: Sequence[Any]) -> None:
    """Set mean and variance of each batch normalisation to the mean over the batches."""
    layers = list(_normalisations(model))
    before = [layer.momentum for layer in layers]
    for number, inputs in enumerate(batches):
        for layer in layers:
            layer.momentum = number / (number + 1)  # weight of the earlier batches
        model(inputs, training=True)
    for layer, momentum in zip(layers, before, strict=True):
        layer.momentum = momentum


def _normalisations(model: keras.Model) -> Iterator[BatchNormalization]:
    """All batch normalisation layers, including those of nested models."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _normalisations(layer)
        elif isinstance(layer, BatchNormalization):
            yield layer
