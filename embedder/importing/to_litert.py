"""Extend a Keras network to take uint8 pixels and give embeddings, and convert it to LiteRT."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import keras
import numpy as np

from embedder.errors import ModelError
from embedder.importing.front import Front
from embedder.importing.options import Precision
from likewise.arrays import Floats, Pixels


def whole_network(base: keras.Model, front: Front, *, as_is: bool) -> keras.Model:
    """Join the front, a network, and the normalisation to unit length.

    Every layer is named: the names that Keras counts differ from import to import, and reach the
    converted network.

    Args:
        base: Network from float32 `(n, *front.shape)` to `(n, dim)`.
        front: Steps from pixels to the network's input.
        as_is: Whether embeddings keep their length.

    Returns:
        A model from uint8 `(n, *front.input_shape)` to float32 `(n, dim)`.

    Raises:
        ModelError: If the network's output is not one vector for each picture.
    """
    layers = keras.layers
    pixels = keras.Input(front.input_shape, dtype="uint8", name="pixels")
    x = keras.ops.cast(pixels, "float32")
    if front.repeats:
        x = layers.Reshape((*front.size, 1), name="channel")(x)
        x = layers.Concatenate(name="channels")([x, x, x])
    if front.channels == "bgr":
        x = keras.ops.flip(x, axis=-1)
    if front.pixels != "0..255":
        x = layers.Rescaling(_number(front.scale), _number(front.offset), name="scaling")(x)
    if front.layout == "chw" and len(x.shape) == 4:
        x = layers.Permute((3, 1, 2), name="layout")(x)
    elif tuple(x.shape[1:]) != front.shape:
        x = layers.Reshape(front.shape, name="shape")(x)
    x = _vector(base(x))
    return keras.Model(pixels, x if as_is else _of_unit_length(x), name="embedder")


def _of_unit_length(x: Any) -> Any:
    """Divide by the length; zeros stay zero, but `UnitNormalization` makes them NaN in LiteRT."""
    ops = keras.ops
    length = ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True))
    return ops.divide(x, ops.maximum(length, 1e-12))


def _number(values: tuple[float, ...]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _vector(x: Any) -> Any:
    """Flatten `(n, 1, 1, dim)`; refuse other shapes that are not vectors."""
    shape = tuple(x.shape[1:])
    if None in shape or max(shape, default=0) != np.prod(shape) or max(shape) < 2:
        raise ModelError(
            f"The network ends in arrays of shape {shape}, but an embedding is one vector of at "
            "least 2 numbers. Name a layer that gives a vector with --output LAYER, such as the "
            "pooling or the dense layer near its end."
        )
    return x if len(shape) == 1 else keras.layers.Reshape((max(shape),), name="vector")(x)


def converted(network: keras.Model, precision: Precision) -> bytes:
    """Convert a network to LiteRT; the same weights give the same bytes.

    Args:
        network: A network from `whole_network`.
        precision: Precision in which the weights are stored.

    Raises:
        ModelError: If LiteRT lacks an operation that the network needs.
    """
    import tensorflow as tf

    return run_converter(tf.lite.TFLiteConverter.from_keras_model(network), precision)


def run_converter(converter: Any, precision: Precision) -> bytes:
    """Run a TensorFlow Lite converter quietly, with LiteRT's built-in operations only.

    Args:
        converter: A `tf.lite.TFLiteConverter`.
        precision: Precision in which the weights are stored.

    Raises:
        ModelError: If LiteRT lacks an operation that the network needs.
    """
    import tensorflow as tf

    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if precision == "float16":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    try:
        with _quiet():
            return bytes(converter.convert())
    except Exception as error:  # the converter raises many classes, its own among them
        reason = next((line for line in str(error).splitlines() if line.strip()), "no reason")
        raise ModelError(
            f"LiteRT cannot run this network ({reason.strip()[:200]}). End it at an earlier "
            "layer with --output LAYER, or leave the layer out with --skip LAYER."
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Discard what the converter prints and TensorFlow logs."""
    log = logging.getLogger("tensorflow")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        log.setLevel(level)


def predictions(network: keras.Model, pixels: Pixels) -> Floats:
    """Embed pictures with Keras itself.

    Args:
        network: A network from `whole_network`.
        pixels: Prepared pictures, uint8 `(n, *input_shape)`.
    """
    return np.asarray(network(pixels, training=False), np.float32)
