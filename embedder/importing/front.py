"""From prepared pixels to the input of an imported network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from embedder.errors import ImportOptionError, ModelError
from embedder.importing.options import ImportOptions
from embedder.importing.pixels import RANGES, Numbers, range_named

_COLOURS = 3
_LARGEST_SIDE = 4096


@dataclass(frozen=True)
class Front:
    """From uint8 pixels `(n, h, w[, 3])` to what the network takes.

    Attributes:
        pixels: A name of `pixels.RANGES`.
        channels: `grey`, `rgb` or `bgr`.
        layout: `hwc` or `chw`, `hw` without channels, `flat` for a row of pixels.
        size: Height and width.
        shape: Shape of one picture, as the network takes it.
        proved: The range of pixels that the file itself shows; None if it shows none.
    """

    pixels: str
    channels: str
    layout: str
    size: tuple[int, int]
    shape: tuple[int, ...]
    proved: str | None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one prepared picture."""
        return self.size if self.channels == "grey" else (*self.size, _COLOURS)

    @property
    def repeats(self) -> bool:
        """Whether a grey picture is repeated for a network of three channels."""
        return self.channels == "grey" and math.prod(self.shape) == _COLOURS * math.prod(self.size)

    @property
    def scale(self) -> Numbers:
        """Factor of each channel, in the network's order, or one factor for all channels."""
        return self._ordered(RANGES[self.pixels].scale)

    @property
    def offset(self) -> Numbers:
        """Number added to each scaled channel, in the network's order, or one number for all."""
        return self._ordered(RANGES[self.pixels].offset)

    @property
    def origin(self) -> dict[str, Any]:
        """Entries of `model.json`; a warning if the file shows another range than is used."""
        entries = {
            "pixels": self.pixels,
            "pixels_proved": self.pixels == self.proved,
            "channels": self.channels,
            "layout": self.layout,
        }
        if self.proved in (None, self.pixels):
            return entries
        return entries | {
            "warning": f"the file shows that the network expects pixels as --pixels {self.proved} "
            f"gives them, but --pixels {self.pixels} was asked for and is used"
        }

    def _ordered(self, values: Numbers) -> Numbers:
        """Values in the network's order, which of a repeated grey is that of its range."""
        order = _usual_channels(_COLOURS, self.pixels) if self.repeats else self.channels
        return values[::-1] if order == "bgr" else values


def front_of(shape: tuple[int | None, ...], options: ImportOptions, proved: str | None) -> Front:
    """Work out how pixels become the input of a network.

    Args:
        shape: Shape of one picture, as the network takes it; None where any size is possible.
        options: What the user chose.
        proved: The range of pixels that the file itself shows; None if it shows none.

    Raises:
        ImportOptionError: If an option is missing, or cannot apply.
        ModelError: If the network does not take one picture of one or three channels.
    """
    layout = _layout(shape, options)
    size = _size(shape, layout, options)
    count = _channel_count(shape, layout, size)
    pixels = range_named(options.pixels, proved)
    if len(RANGES[pixels].offset) > 1 and count == 1:
        raise ImportOptionError(
            f"--pixels {pixels} is for networks of three channels, but this one takes grey "
            "pictures. Use 0..1, -1..1 or 0..255."
        )
    channels = options.channels or _usual_channels(count, pixels)
    if count == 1 and channels != "grey":
        raise ImportOptionError(
            f"--channels {channels} is for networks of three channels, but this one takes grey "
            "pictures: leave it out."
        )
    sizes = {"hwc": (*size, count), "chw": (count, *size), "hw": size}
    whole = sizes.get(layout, (math.prod(size) * count,))
    return Front(pixels, channels, layout, size, whole, proved)


def _usual_channels(count: int, pixels: str) -> str:
    if count == 1:
        return "grey"
    return "bgr" if pixels == "caffe" else "rgb"


def _layout(shape: tuple[int | None, ...], options: ImportOptions) -> str:
    if len(shape) in (1, 2) and options.layout:
        raise ImportOptionError(
            f"--layout {options.layout} is for networks that take (height, width, channels) or "
            f"(channels, height, width), but this one takes {_shown(shape)}: leave it out, or put "
            "a layer before it that reshapes the picture."
        )
    if len(shape) == 1:
        return "flat"
    if len(shape) == 2:
        return "hw"
    if len(shape) != 3:
        raise ModelError(
            f"The network takes arrays of shape {_shown(shape)}, which is not one picture. "
            "Import a network that takes (height, width), (height, width, channels) or "
            "(channels, height, width)."
        )
    if options.layout:
        return options.layout
    return "chw" if shape[0] in (1, _COLOURS) and shape[2] not in (1, _COLOURS) else "hwc"


def _size(shape: tuple[int | None, ...], layout: str, options: ImportOptions) -> tuple[int, int]:
    if layout == "flat":
        return _size_of_row(shape[0], options)
    height, width = shape[1:] if layout == "chw" else shape[:2]
    if options.size is not None:
        sides = zip((height, width), options.size, strict=True)
        if any(side not in (None, chosen) for side, chosen in sides):
            raise ImportOptionError(
                f"--size {options.size[0]}x{options.size[1]} is not the size that the network "
                f"takes, {height}x{width}: leave it out."
            )
        height, width = options.size
    if height is None or width is None:
        raise ImportOptionError(
            "The network takes pictures of any size: pass the size that it was trained on, such as "
            "--size 224x224."
        )
    if not (0 < height <= _LARGEST_SIDE and 0 < width <= _LARGEST_SIDE):
        raise ModelError(
            f"The network takes pictures of {height}x{width}, but likewise embeds pictures of up "
            f"to {_LARGEST_SIDE} pixels a side: import a smaller model."
        )
    return height, width


def _size_of_row(length: int | None, options: ImportOptions) -> tuple[int, int]:
    """Height and width of pictures that a network takes as one row: a square unless chosen."""
    if options.size is not None and length in (
        math.prod(options.size),
        _COLOURS * math.prod(options.size),
    ):
        return options.size
    for count in (1, _COLOURS):
        side = math.isqrt((length or 0) // count)
        if side and side * side * count == length and options.size is None:
            return side, side
    raise ImportOptionError(
        f"The network takes rows of {length} numbers: pass the size of the picture that this is, "
        "such as --size 28x28."
    )


def _channel_count(shape: tuple[int | None, ...], layout: str, size: tuple[int, int]) -> int:
    counts = {"hwc": shape[-1], "chw": shape[0], "hw": 1}
    count = counts.get(layout, (shape[0] or 0) // math.prod(size))
    if count not in (1, _COLOURS):
        raise ModelError(
            f"The network takes {count} channels, in the shape {_shown(shape)}, but pictures have "
            "1 (grey) or 3 (colour). If the channels come first, pass --layout chw."
        )
    return count


def _shown(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("any" if side is None else str(side) for side in shape) + ")"
