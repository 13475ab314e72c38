"""The values that networks expect of pixels: 0 to 255, scaled, or with means subtracted."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from embedder.errors import ImportOptionError, ModelError

Numbers = tuple[float, ...]


class Range(NamedTuple):
    """`pixel * scale + offset`, for red, green and blue, or one number for all."""

    scale: Numbers
    offset: Numbers


_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, for 0..1
_CAFFE = (123.68, 116.779, 103.939)  # of ImageNet, for 0..255

RANGES: dict[str, Range] = {
    "0..1": Range((1 / 255,), (0.0,)),
    "-1..1": Range((1 / 127.5,), (-1.0,)),
    "0..255": Range((1.0,), (0.0,)),
    "imagenet": Range(
        tuple(1 / 255 / spread for spread in _SPREAD),
        tuple(-mean / spread for mean, spread in zip(_MEAN, _SPREAD, strict=True)),
    ),
    "caffe": Range((1.0, 1.0, 1.0), tuple(-mean for mean in _CAFFE)),
}
_MEANINGS = {
    "0..1": "divided by 255",
    "-1..1": "divided by 127.5, minus 1",
    "0..255": "as they are",
    "imagenet": "0..1, minus ImageNet's mean, divided by its spread, as torchvision does",
    "caffe": "blue, green, red, minus ImageNet's mean, as Keras's ResNet50 and VGG16 do",
}


def range_named(name: str | None, proved: str | None) -> str:
    """Choose the range: the one that was asked for, else the one that the network proves.

    Args:
        name: A name of `RANGES`, or None.
        proved: A name of `RANGES`, or None.

    Raises:
        ImportOptionError: If neither is there, with the choices.
    """
    if name is not None and name not in RANGES:
        raise ImportOptionError(f"`pixels` must be one of {', '.join(RANGES)}. Received: {name!r}.")
    chosen = name or proved
    if chosen is None:
        choices = "; ".join(f"{each} ({meaning})" for each, meaning in _MEANINGS.items())
        raise ImportOptionError(
            "The file does not show which values of pixels the network expects, and a wrong guess "
            f"gives wrong embeddings. Give --pixels as in its training, one of: {choices}."
        )
    return chosen


def range_of_ends(low: float, high: float) -> str | None:
    """Name the range whose pixels 0 and 255 become `low` and `high`; None if it is none of them.

    Args:
        low: Value that the network expects for a pixel of 0.
        high: Value that it expects for a pixel of 255.

    Example:
        >>> range_of_ends(-1.0, 0.992), range_of_ends(0, 6)
        ('-1..1', None)
    """
    for name in ("0..1", "-1..1", "0..255"):
        [scale], [offset] = RANGES[name]
        slack = 0.02 * 255 * scale
        if abs(low - offset) <= slack and abs(high - (255 * scale + offset)) <= slack:
            return name
    return None


def whole_pixels(kind: Any) -> str:
    """Name the range of a network that takes whole numbers as they are: that of pixels.

    Args:
        kind: NumPy's type of its input, of integers without a scale.

    Raises:
        ModelError: If the type does not hold all pixels, so that it is unclear what they become.

    Example:
        >>> whole_pixels(np.int32)
        '0..255'
    """
    limits = np.iinfo(kind)
    if limits.max < 255:
        raise ModelError(
            f"The network takes whole numbers of {limits.min} to {limits.max}, but does not state "
            "which pixels they stand for. Export it with an input of float32 or uint8, or with the "
            "quantisation of its input."
        )
    return "0..255"
