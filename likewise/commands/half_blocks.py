"""Pictures in a terminal: two pixels in each character cell, as half blocks.

With colour a cell shows its upper pixel as foreground and its lower one as background. Without,
blocks and shades stand for light and dark. Callers pass the terminal's width and whether it shows
colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from likewise.arrays import Pixels
from likewise.output.printable import printable

GAP = 2  # columns between pictures that stand side by side
_RESET = "\x1b[0m"
_SHADES = " ░▒▓█"
_EDGE = 0.35  # difference of the two pixels in a cell that is shown as an edge


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """A picture with captions.

    Attributes:
        picture: uint8, `(h, w)` grey or `(h, w, 3)` RGB.
        captions: Lines of text, cut to the picture's width.
    """

    picture: Pixels
    captions: Sequence[str] = ()


def panel_width(count: int, columns: int, *, most: int = 28) -> int:
    """Give the width of each of `count` pictures side by side in a terminal of `columns`.

    Args:
        count: Number of pictures side by side, >= 0.
        columns: Width of the terminal, >= 1.
        most: Largest width of a picture, in columns.

    Example:
        >>> panel_width(5, 80)  # 5 pictures of 14 columns and 4 gaps of 2 make 78
        14
    """
    room = (columns + GAP) // max(count, 1) - GAP
    return max(4, min(most, room - room % 2))


def side_by_side(panels: Sequence[Panel], width: int, *, colour: bool) -> list[str]:
    """Draw pictures of `width` columns next to each other, with their captions.

    Args:
        panels: Pictures with their captions.
        width: Columns of each picture, >= 1.
        colour: Whether the terminal shows 24-bit colour.

    Returns:
        Lines of text, without line ends.

    Example:
        >>> bar = np.zeros((4, 4), np.uint8)
        >>> bar[:, 1] = 255
        >>> side_by_side([Panel(bar, ["bar"]), Panel(bar.T, ["lying"])], 4, colour=False)
        [' █    ▄▄▄▄', ' █        ', 'bar   lyin']
    """
    drawn = [half_blocks(panel.picture, width, colour=colour) for panel in panels]
    height = max((len(lines) for lines in drawn), default=0)
    rows = max((len(panel.captions) for panel in panels), default=0)
    columns = [
        [*lines, *[" " * width] * (height - len(lines)), *_captions(panel, rows, width)]
        for lines, panel in zip(drawn, panels, strict=True)
    ]
    return [(" " * GAP).join(parts) for parts in zip(*columns, strict=True)]


def half_blocks(picture: Pixels, width: int, *, colour: bool) -> list[str]:
    """Draw one picture `width` columns wide, its aspect kept.

    Args:
        picture: uint8, `(h, w)` grey or `(h, w, 3)` RGB.
        width: Columns, >= 1.
        colour: Whether the terminal shows 24-bit colour.

    Returns:
        Lines of `width` cells each.

    Example:
        >>> half_blocks(np.array([[0, 255], [255, 255]], np.uint8), 2, colour=False)
        ['▄█']
    """
    height = max(2, round(picture.shape[0] / picture.shape[1] * width / 2) * 2)
    small = _resized(picture, height, width)  # (height, width, 3)
    draw = _coloured if colour else _shaded
    return [draw(small[row], small[row + 1]) for row in range(0, height, 2)]


def _resized(picture: Pixels, height: int, width: int) -> npt.NDArray[Any]:
    """Scale to `(height, width, 3)`; a smaller picture's pixels are means over areas."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(image.resize((width, height), Image.Resampling.BOX).convert("RGB"))


def _coloured(upper: npt.NDArray[Any], lower: npt.NDArray[Any]) -> str:
    cells = []
    before: tuple[list[int], list[int]] | None = None
    for pair in zip(upper.tolist(), lower.tolist(), strict=True):
        if pair != before:  # the terminal keeps its colours until they change
            (r, g, b), (x, y, z) = pair
            cells.append(f"\x1b[38;2;{r};{g};{b};48;2;{x};{y};{z}m")
            before = pair
        cells.append("▀")
    return "".join(cells) + _RESET


def _shaded(upper: npt.NDArray[Any], lower: npt.NDArray[Any]) -> str:
    light = upper.mean(axis=1) / 255, lower.mean(axis=1) / 255
    return "".join(_cell(top, bottom) for top, bottom in zip(*light, strict=True))


def _cell(top: float, bottom: float) -> str:
    """Choose the character for two grey values of 0..1.

    Example:
        >>> _cell(1.0, 0.0), _cell(0.0, 1.0), _cell(0.5, 0.5)
        ('▀', '▄', '▒')
    """
    if abs(top - bottom) > _EDGE:
        return "▀" if top > bottom else "▄"
    return _SHADES[round((top + bottom) / 2 * (len(_SHADES) - 1))]


def _captions(panel: Panel, rows: int, width: int) -> list[str]:
    lines = [*panel.captions, *[""] * (rows - len(panel.captions))]
    return [printable(line)[:width].ljust(width) for line in lines]
