"""Make the graph of the photos model, `embedder/photos/graph.gz`: EfficientNet-Lite0, empty.

Run it in an environment with the extra `train` when the graph or the converter is to change, then
put the digest that it prints into `embedder/photos/network.py`:

    python -m embedder.importing.photos_graph

The network is built in Keras with random weights and converted. Where each weight came to lie in
the file is found by its bytes; then all weights are set to zero, and what is left packs well.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from embedder.importing.front import Front
from embedder.importing.to_litert import converted, whole_network
from embedder.photos.network import GRAPH, SIDE

# kernel, stride, expansion, output channels, repeats: EfficientNet-B0's stages, without squeeze and
# excitation and with ReLU6, which makes it Lite
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
_STEM, _HEAD = 32, 1280  # channels


def efficientnet_lite0() -> keras.Model:
    """Build EfficientNet-Lite0 up to the pooling, the batch normalisations folded.

    Returns:
        A model of float32 `(n, 224, 224, 3)`, 0 to 255, to `(n, 1280)`; layers are named as
        `embedder.photos.parameters` names them.
    """
    pixels = keras.Input((SIDE, SIDE, 3), name="pixels")
    x = keras.layers.Rescaling(1 / 128, -127 / 128, name="scaled")(pixels)
    x = _conv(x, "stem", _STEM, 3, 2)
    number = 0
    for kernel, stride, expansion, channels, repeats in _STAGES:
        for step in range(repeats):
            x = _block(x, number, kernel, stride if step == 0 else 1, expansion, channels)
            number += 1
    x = _conv(x, "head", _HEAD, 1)
    x = keras.layers.GlobalAveragePooling2D(name="pooling")(x)
    return keras.Model(pixels, x, name="efficientnet-lite0")


def _block(
    before: Any, number: int, kernel: int, stride: int, expansion: int, channels: int
) -> Any:
    inner, x = before.shape[-1] * expansion, before
    name = f"block{number}-"
    if expansion > 1:
        x = _conv(x, f"{name}expand", inner, 1)
    x = keras.layers.DepthwiseConv2D(
        kernel, stride, "same", activation="relu6", name=f"{name}depthwise"
    )(x)
    x = _conv(x, f"{name}project", channels, 1, activation=None)
    if stride == 1 and before.shape[-1] == channels:
        x = keras.layers.Add(name=f"{name}skip")([x, before])
    return x


def _conv(
    x: Any, name: str, channels: int, kernel: int, stride: int = 1, activation: str | None = "relu6"
) -> Any:
    return keras.layers.Conv2D(channels, kernel, stride, "same", activation=activation, name=name)(
        x
    )


def make_graph() -> bytes:
    """Make the empty graph: a line of JSON that names where weights go, then the LiteRT file."""
    base = efficientnet_lite0()
    rng = np.random.default_rng(0)
    base.set_weights([rng.normal(0, 0.1, weight.shape) for weight in base.get_weights()])
    front = Front("0..255", "rgb", "hwc", (SIDE, SIDE), (SIDE, SIDE, 3), proved=None)
    network = bytearray(converted(whole_network(base, front, as_is=False), "float16"))
    places = []
    for layer in base.layers:
        for part, weight in zip(("kernel", "bias"), layer.get_weights(), strict=False):
            stored = _as_stored(weight).tobytes()
            places.append([layer.name, part, _only(network, stored), len(stored)])
    for _, _, start, length in places:
        network[start : start + length] = bytes(length)
    return json.dumps({"places": places}).encode() + b"\n" + network


def _as_stored(weight: npt.NDArray[Any]) -> npt.NDArray[np.float16]:
    """A weight of Keras in LiteRT's order: `(out, h, w, in)`, depthwise `(1, h, w, out)`."""
    if weight.ndim == 4:  # Keras: (h, w, in, out), depthwise (h, w, out, 1)
        weight = weight.transpose((3, 0, 1, 2))
    return np.ascontiguousarray(weight, np.float16)


def _only(network: bytearray, stored: bytes) -> int:
    start = network.find(stored)
    if start < 0 or network.find(stored, start + 1) >= 0:
        raise ValueError("Expected each weight once in the converted network.")
    return start


if __name__ == "__main__":
    GRAPH.write_bytes(gzip.compress(make_graph(), 9, mtime=0))
