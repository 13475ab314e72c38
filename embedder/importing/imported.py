"""An imported model before it is written: its LiteRT network and its entries in model.json."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from likewise.arrays import Floats, Pixels


@dataclass(frozen=True)
class Imported:
    """A model made elsewhere, converted but not yet compared with its source.

    Attributes:
        network: Contents of `model.tflite`.
        input_shape: Shape of one prepared picture, `(h, w)` or `(h, w, 3)`.
        dim: Length of an embedding.
        ends: Steps from pixels to the network and from it to the embedding, as `Ends.to_json`
            writes them; empty if the network contains all of them.
        origin: Entries of `model.json` about where the model comes from.
        source: Embeds prepared pictures with the original model, `(n, dim)`, for comparison; None
            if the network is unchanged.
        bound: Largest average difference from the original, relative to the vector's length; a
            single difference may be ten times as large.
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
