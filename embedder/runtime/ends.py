"""What stands between pixels and a network from elsewhere, and between it and an embedding.

A network that likewise trains or converts itself takes uint8 pixels and gives embeddings. One that
is used as it was published may take scaled or quantised numbers, its channels first, one picture at
a time. Every step treats each picture by itself, so a batch changes no bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from likewise.arrays import Floats, Pixels

Quantisation = tuple[float, int]  # scale and zero point: real = (stored - zero) * scale


@dataclass(frozen=True, kw_only=True)
class Ends:
    """The ends of a published network.

    Attributes:
        shape: Shape of one picture, as the network takes it.
        channels: `grey`, `rgb` or `bgr`.
        layout: `hwc`, `chw`, `hw` or `flat`.
        scale: Factor for each channel, in the network's order, or one for all.
        offset: What is added then.
        input_type: Name of the type of the network's input.
        input_quantisation: Quantisation of the input; None where it takes real numbers.
        output: Number of the output that is the embedding.
        output_quantisation: Quantisation of that output; None where it gives real numbers.
        unit: Whether an embedding is brought to length 1.
        batch: Pictures at a time: 1, or 0 for any number.
    """

    shape: tuple[int, ...]
    channels: str
    layout: str
    scale: tuple[float, ...]
    offset: tuple[float, ...]
    input_type: str = "float32"
    input_quantisation: Quantisation | None = None
    output: int = 0
    output_quantisation: Quantisation | None = None
    unit: bool = True
    batch: int = 0

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Ends:
        """Read what `to_json` wrote."""
        return cls(**{key: _tupled(value) for key, value in stored.items()})

    def to_json(self) -> dict[str, Any]:
        """Write as plain JSON."""
        return {key: _listed(value) for key, value in asdict(self).items()}

    def encode(self, pixels: Pixels) -> npt.NDArray[Any]:
        """Turn prepared pictures into what the network takes.

        Args:
            pixels: uint8 `(n, h, w[, 3])`.

        Returns:
            `(n, *shape)` of the input's type.
        """
        values = pixels.astype(np.float32)
        if self.channels == "grey" and values[0].size < np.prod(self.shape):
            values = np.repeat(values[..., None], 3, axis=-1)
        elif self.channels == "bgr":
            values = values[..., ::-1]
        values = values * np.asarray(self.scale, np.float32) + np.asarray(self.offset, np.float32)
        if self.layout == "chw" and values.ndim == 4:
            values = values.transpose(0, 3, 1, 2)
        values = np.ascontiguousarray(values.reshape(len(pixels), *self.shape))
        if self.input_quantisation is None:
            return values.astype(self.input_type, copy=False)
        scale, zero = self.input_quantisation
        limits = np.iinfo(self.input_type)
        stored = np.rint(values / np.float32(scale)) + zero
        clipped: npt.NDArray[Any] = np.clip(stored, limits.min, limits.max)
        return clipped.astype(self.input_type)

    def decode(self, output: npt.NDArray[Any], count: int) -> Floats:
        """Turn what the network gives into embeddings.

        Args:
            output: What it gives for `count` pictures, `(count, …)`.
            count: 1 or more.

        Returns:
            Floats, `(count, dim)`, float32.

        Raises:
            ValueError: If the network gives something else than a row for each picture.
        """
        if len(output) != count:
            raise ValueError(f"The network gives {len(output)} rows for {count} pictures.")
        rows = output.reshape(count, -1)
        if self.output_quantisation is not None:
            scale, zero = self.output_quantisation
            rows = (rows.astype(np.int32) - zero).astype(np.float32) * np.float32(scale)
        rows = rows.astype(np.float32, copy=False)
        if not self.unit:
            return rows
        lengths = np.sqrt(np.square(rows, dtype=np.float64).sum(axis=1, keepdims=True))
        return np.asarray(rows / np.maximum(lengths, 1e-12), dtype=np.float32)


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
