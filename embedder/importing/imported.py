"""An imported model before it is written: its network for LiteRT, and its entries in model.json."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from likewise.arrays import Floats, Pixels


@dataclass(frozen=True)
class Imported:
    """A model from elsewhere, converted but not yet compared with its source.

    Attributes:
        network: Contents of `model.tflite`.
        input_shape: Shape of one prepared picture, `(h, w)` or `(h, w, 3)`.
        dim: Length of an embedding.
        ends: What stands between pixels, network and embedding, as `Ends.to_json` writes it; empty
            where the network does all of it.
        origin: Entries of `model.json` about where the model comes from.
        source: What the model itself gives for prepared pictures, to compare with, `(n, dim)`;
            None where the network is the source's own.
        bound: How far from that the converted network may be on average, as a share of the
            vector's length; ten times as far at most.
        save_base: Writes the network for Keras into a directory.
    """

    network: bytes
    input_shape: tuple[int, ...]
    dim: int
    ends: dict[str, Any]
    origin: dict[str, Any] = field(default_factory=dict)
    source: Callable[[Pixels], Floats] | None = None
    bound: float = 1e-6
    save_base: Callable[[Path], object] | None = None
