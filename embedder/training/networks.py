"""Base networks, and the Siamese model that trains them.

All base networks take uint8 pixels of any size, grey `(h, w)` or colour `(h, w, 3)`: scaling
is inside. No Lambda layer, so that Keras's safe loading holds.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from embedder.training.loss import root

NETWORKS = ("dense", "conv", "residual")
UNIT = ("conv", "residual")  # those whose embeddings are of unit length

# Filters, kernel size and stride of each convolution of `conv`: depth was worth more than width.
CONVOLUTIONS = ((20, 5, 2), (24, 3, 1), (28, 3, 1), (48, 3, 2), (64, 3, 1), (56, 3, 1))
# Filters and stride of each block of `residual`, after a first convolution with those of the first.
# A first block at full resolution was worth more than filters: docs/decisions/made-writing.md.
BLOCKS = ((16, 1), (24, 2), (48, 2), (48, 1))


def base_network(name: str, input_shape: tuple[int, ...], dim: int | None = None) -> keras.Model:
    """Build an untrained base network: uint8 pixels in, embeddings out.

    Args:
        name: `dense`, the tutorial's three layers of 128 with dropout between, whose embedding
            is not normalised; or `conv` and `residual`, small, with embeddings of unit length.
        input_shape: `(h, w)` or `(h, w, 3)`.
        dim: Length of an embedding; 128 for `dense`, 64 for the others when None.

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
    build = {"dense": _dense, "conv": _conv, "residual": _residual}[name]
    default = 128 if name == "dense" else 64
    return keras.Model(pixels, build(scaled, dim or default), name=name)


def _dense(scaled: Any, dim: int) -> Any:
    x = layers.Flatten(name="flatten")(scaled)
    for number in (1, 2):
        x = layers.Dense(128, activation="relu", name=f"dense_{number}")(x)
        x = layers.Dropout(0.1, name=f"dropout_{number}")(x)
    return layers.Dense(dim, activation="relu", name="embedding")(x)


def _conv(scaled: Any, dim: int) -> Any:
    x = _with_channels(scaled)
    for number, (filters, kernel, stride) in enumerate(CONVOLUTIONS, start=1):
        x = _normalised(x, filters, kernel, stride, str(number))
        x = layers.ReLU(name=f"relu_{number}")(x)
    return _unit(x, dim)


def _residual(scaled: Any, dim: int) -> Any:
    """Blocks of two convolutions, to whose output their input is added.

    Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016; with
    the shortcuts of ResNet-D: He et al., "Bag of Tricks for Image Classification with
    Convolutional Neural Networks", CVPR 2019.
    """
    x = _normalised(_with_channels(scaled), BLOCKS[0][0], 5, 1, "first")
    x = layers.ReLU(name="relu_first")(x)
    for number, (filters, stride) in enumerate(BLOCKS, start=1):
        y = _normalised(x, filters, 3, stride, f"{number}_1")
        y = layers.ReLU(name=f"relu_{number}_1")(y)
        y = _normalised(y, filters, 3, 1, f"{number}_2")
        if stride != 1:
            x = layers.AveragePooling2D(stride, padding="same", name=f"mean_{number}")(x)
            x = _normalised(x, filters, 1, 1, f"{number}_shortcut")
        x = layers.Add(name=f"add_{number}")([x, y])
        x = layers.ReLU(name=f"relu_{number}_2")(x)
    return _unit(x, dim)


def _with_channels(scaled: Any) -> Any:
    if len(scaled.shape) == 4:
        return scaled
    return layers.Reshape((*scaled.shape[1:], 1), name="channel")(scaled)


def _normalised(x: Any, filters: int, kernel: int, stride: int, name: str) -> Any:
    """A convolution and its batch normalisation."""
    x = layers.Conv2D(
        filters,
        kernel,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"conv_{name}",
    )(x)
    return layers.BatchNormalization(momentum=0.9, name=f"norm_{name}")(x)


def _unit(x: Any, dim: int) -> Any:
    """A projection to embeddings of unit length."""
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
