"""What can be chosen when a model is imported."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from embedder.errors import ImportOptionError

Precision = Literal["float32", "float16"]
Channels = Literal["grey", "rgb", "bgr"]
Layout = Literal["hwc", "chw"]
Resize = Literal["pad", "stretch", "crop"]

_CHOICES: dict[str, tuple[str | None, ...]] = {
    "channels": (None, *get_args(Channels)),
    "layout": (None, *get_args(Layout)),
    "resize": get_args(Resize),
    "precision": get_args(Precision),
}


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

    Raises:
        ImportOptionError: If an option is not what it should be. One name for `skip`, and text for
            `licence`, are taken for what they mean.
    """

    pixels: str | None = None
    channels: Channels | None = None
    layout: Layout | None = None
    size: tuple[int, int] | None = None
    resize: Resize = "pad"
    output: str | None = None
    skip: tuple[str, ...] = ()
    as_is: bool = False
    precision: Precision = "float32"
    licence: Path | None = None

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            _require_choice(name, getattr(self, name), choices)
        object.__setattr__(self, "size", _size(self.size))
        object.__setattr__(self, "skip", _names(self.skip))
        object.__setattr__(self, "licence", _path(self.licence))

    @property
    def preprocessing(self) -> str:
        """A name of `embedder.preprocessing.prepare.PREPROCESSINGS`."""
        return "resize" if self.resize == "pad" else self.resize


def _require_choice(name: str, value: Any, choices: tuple[str | None, ...]) -> None:
    if value not in choices:
        shown = ", ".join(choice for choice in choices if choice is not None)
        raise ImportOptionError(f"`{name}` must be one of {shown}. Received: {value!r}.")


def _size(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    sides = tuple(value) if isinstance(value, (tuple, list)) else ()
    if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
        raise ImportOptionError(
            f"`size` must be (height, width) in pixels, such as (224, 224). Received: {value!r}."
        )
    return sides


def _names(value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, (tuple, list)) or not all(isinstance(each, str) for each in names):
        raise ImportOptionError(
            f"`skip` must be the names of layers, such as ('l2',). Received: {value!r}."
        )
    return tuple(names)


def _path(value: Any) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, (str, os.PathLike)):
        raise ImportOptionError(f"`licence` must be the path of a text file. Received: {value!r}.")
    return Path(value)
