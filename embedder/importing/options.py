"""What can be chosen when a model is imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Precision = Literal["float32", "float16"]
Channels = Literal["grey", "rgb", "bgr"]
Layout = Literal["hwc", "chw"]


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """How to read a model; None where the file is to say it.

    Attributes:
        pixels: The values that the network expects of pixels: a name of `pixels.RANGES`.
        channels: `grey`, `rgb` or `bgr`.
        layout: `hwc` or `chw`: whether the channels come last or first.
        size: Height and width, for networks that take any.
        resize: How a picture is brought to that size: `pad`, `stretch` or `crop`.
        output: Name of the layer that gives the embedding; of a `.tflite` or a SavedModel, of the
            output.
        skip: Names of layers to leave out.
        as_is: Whether embeddings keep their length, instead of being brought to 1.
        precision: `float32` or `float16`, in which the weights are stored.
        licence: A text file to keep with the model.
    """

    pixels: str | None = None
    channels: Channels | None = None
    layout: Layout | None = None
    size: tuple[int, int] | None = None
    resize: Literal["pad", "stretch", "crop"] = "pad"
    output: str | None = None
    skip: tuple[str, ...] = ()
    as_is: bool = False
    precision: Precision = "float32"
    licence: Path | None = None

    @property
    def preprocessing(self) -> str:
        """A name of `embedder.preprocessing.prepare.PREPROCESSINGS`."""
        return "resize" if self.resize == "pad" else self.resize
