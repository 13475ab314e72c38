"""Bound the memory that a network takes before any of it is allocated.

A file of a few bytes can ask for a layer of a million units, or scale a picture up a millionfold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from embedder.errors import ModelError
from embedder.importing.keras_files.allowed import WEIGHTED
from embedder.importing.keras_files.graph import Layer

_MOST_WEIGHTS = 1 << 29  # numbers: 2 GiB, more than a LiteRT network can hold
_MOST_VALUES = 1 << 26  # of one picture after one layer: 1024 x 1024 x 64


class Budget:
    """Counts the weights of a network while it is built.

    Args:
        name: The file's name, for messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._weights = 0

    def spend(self, layer: Layer, shape: Sequence[int | None]) -> None:
        """Count the weights that a layer may have at most.

        Args:
            layer: The layer, before it is built.
            shape: Shape of its input, the batch first.

        Raises:
            ModelError: If the network's weights would exceed 2 GiB.
        """
        self._weights += _most_weights(layer, shape)
        if self._weights > _MOST_WEIGHTS:
            raise ModelError(
                f"{self._name}: the weights up to the layer {layer.path} would take more than "
                "2 GiB, which no LiteRT network can hold: import a smaller model."
            )

    def check_values(self, layer: Layer, shape: Sequence[int | None]) -> None:
        """Check how many numbers a layer outputs for one picture.

        Args:
            layer: The layer, or operation.
            shape: Shape of its output, the batch first.

        Raises:
            ModelError: If there are too many to compute for a batch of pictures.
        """
        count = math.prod(side or 1 for side in shape[1:])
        if count > _MOST_VALUES:
            raise ModelError(
                f"{self._name}: the layer {layer.path} gives {count} numbers for a picture, but "
                f"likewise computes up to {_MOST_VALUES}. Import a smaller model, or pass a "
                "smaller --size."
            )


def _most_weights(layer: Layer, shape: Sequence[int | None]) -> int:
    """An upper bound of the number of a layer's weights, from its settings and its input."""
    if layer.kind not in WEIGHTED:
        return 0
    config = layer.config
    sides = [side or 1 for side in shape[1:]]
    if "units" in config:
        return sides[-1] * _number(config["units"])
    if "kernel_size" in config:
        kernel = math.prod(map(_number, _listed(config["kernel_size"])))
        filters = _number(config.get("filters", 1)) + _number(config.get("depth_multiplier", 1))
        return kernel * max(sides) * filters
    return math.prod(sides)  # normalisations, PReLU


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _number(value: Any) -> int:
    """A setting as a number; Keras itself refuses other values."""
    return max(value, 1) if isinstance(value, int) else 1
