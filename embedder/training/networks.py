"""Base networks, and the Siamese model that trains them.

Both base networks take uint8 pixels of any size, grey `(h, w)` or colour `(h, w, 3)`: scaling
is inside. No Lambda layer, so that Keras's safe loading holds.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from embedder.training.loss import root

NETWORKS = ("dense", "conv")
UNIT = ("conv",)  # those whose embeddings are of unit length

# Filters, kernel size and stride of each convolution of `conv`: depth was worth more than width.
CONVOLUTIONS = ((20, 5, 2), (24, 3, 1), (28, 3, 1), (48, 3, 2), (64, 3, 1), (56, 3, 1))


def base_network(name: str, input_shape: tuple[int, ...], dim: int | None = None) -> keras.Model:
    """Build an untrained base network: uint8 pixels in, embeddings out.

    Args:
        name: `dense`, the tutorial's three layers of 128 with dropout between, whose embedding
            is not normalised; or `conv`, small, with embeddings of unit length.
        input_shape: `(h, w)` or `(h, w, 3)`.
        dim: Length of an embedding; 128 for `dense`, 64 for `conv` when None.

    Returns:
        A model from `(n, *input_shape)` uint8 to `(n, dim)` float32.

    Raises:
        ValueError: If there is no such network or the shape is not that of pictures.
    """
    if len(input_shape) not in (2, 3) or input_shape[2:] not in ((), (3,)):
        raise ValueError(f"`input_shape` must be (h, w) or (h, w, 3). Received: {input_shape}.")
    if name not in NETWORKS:
        raise ValueError(f"`name` must be one of {', '.join(NETWORKS)}. Received: {name!r}.")
    pixels = keras.Input(input_shape, dtype="uint8", name="pixels")
    scaled = layers.Rescaling(1 / 255, name="scaling")(pixels)
    build = _dense if name == "dense" else _conv
    default = 128 if name == "dense" else 64
    return keras.Model(pixels, build(scaled, dim or default), name=name)


def _dense(scaled: Any, dim: int) -> Any:
    x = layers.Flatten(name="flatten")(scaled)
    for number in (1, 2):
        x = layers.Dense(128, activation="relu", name=f"dense_{number}")(x)
        x = layers.Dropout(0.1, name=f"dropout_{number}")(x)
    return layers.Dense(dim, activation="relu", name="embedding")(x)


def _conv(scaled: Any, dim: int) -> Any:
    x = scaled
    if len(scaled.shape) == 3:
        x = layers.Reshape((*scaled.shape[1:], 1), name="channel")(scaled)
    for number, (filters, kernel, stride) in enumerate(CONVOLUTIONS, start=1):
        x = layers.Conv2D(
            filters,
            kernel,
            stride,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"conv_{number}",
        )(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"norm_{number}")(x)
        x = layers.ReLU(name=f"relu_{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(dim, use_bias=False, name="projection")(x)
    return layers.UnitNormalization(name="embedding")(x)


@keras.saving.register_keras_serializable(package="likewise")
class EuclideanDistance(layers.Layer):
    """Distance between two batches of embeddings, row by row: √Σ(a - b)².

    Exactly 0 for equal rows, without an epsilon, and there with a gradient of 0.

    Call arguments:
        inputs: Two tensors of shape `(n, dim)`.
    """

    def call(self, inputs: Any) -> Any:
        """Return the distances, shape `(n, 1)`."""
        left, right = inputs
        return root(ops.sum(ops.square(left - right), axis=-1, keepdims=True))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        """Return `(n, 1)`."""
        return (input_shape[0][0], 1)


def siamese_network(base: keras.Model) -> keras.Model:
    """Put one base network under both images of a pair and their distance on top.

    Args:
        base: A base network; shared, so training the Siamese model trains it.

    Returns:
        A model from `[left, right]`, each `(n, *input_shape)` uint8, to `(n, 1)` distances.
    """
    shape = base.input_shape[1:]
    left = keras.Input(shape, dtype="uint8", name="left")
    right = keras.Input(shape, dtype="uint8", name="right")
    distance = EuclideanDistance(name="distance")([base(left), base(right)])
    return keras.Model([left, right], distance, name="siamese")


def multiply_adds(base: keras.Model) -> int:
    """Count the multiply-adds of one image's forward pass in convolutions and dense layers."""
    total = 0
    for layer in base.layers:
        if isinstance(layer, layers.Conv2D):
            _, height, width, _ = layer.output.shape
            total += height * width * int(ops.size(layer.kernel))
        elif isinstance(layer, layers.Dense):
            total += int(ops.size(layer.kernel))
    return total
