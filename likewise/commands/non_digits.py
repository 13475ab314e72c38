"""Non-digit pictures made in code: letters, noise, a blank sheet, a doodle.

For the demonstration: a gallery of digits should say `no_match` to most of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from embedder.data.records import Record
from likewise.arrays import Pixels

_LETTERS = "AEFHKMRWXY"  # without I, O, S and Z, which look like digits
_SIDE = 84


def non_digits(seed: int = 7) -> Iterator[Record]:
    """Stream non-digit pictures.

    Args:
        seed: Seed of the noise.

    Returns:
        Records with the label None.

    Example:
        >>> [record.id for record in non_digits()][-4:]
        ['odd/blank', 'odd/noise', 'odd/stripes', 'odd/doodle']
    """
    pictures = {f"letter {letter}": _letter(letter) for letter in _LETTERS}
    pictures |= {"blank": np.zeros((28, 28), np.uint8), "noise": _noise(seed)}
    pictures |= {"stripes": _stripes(), "doodle": _doodle()}
    return (Record(f"odd/{name}", None, picture) for name, picture in pictures.items())


def _letter(letter: str) -> Pixels:
    """Draw a letter dark on white, in the font that Pillow brings."""
    from PIL import Image, ImageDraw, ImageFont

    paper = Image.new("L", (_SIDE, _SIDE), 255)
    middle = (_SIDE / 2, _SIDE / 2)
    font = ImageFont.load_default(size=56)
    ImageDraw.Draw(paper).text(middle, letter, fill=0, font=font, anchor="mm", stroke_width=1)
    return np.asarray(paper)


def _noise(seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (28, 28), dtype=np.uint8)


def _stripes() -> Pixels:
    return np.where(np.arange(28) // 4 % 2, 255, 0).astype(np.uint8)[None].repeat(28, axis=0)


def _doodle() -> Pixels:
    """Draw a spiral that crosses itself with a zigzag, dark on white."""
    from PIL import Image, ImageDraw

    paper = Image.new("L", (_SIDE, _SIDE), 255)
    turn = np.linspace(0, 6 * np.pi, 200)
    spiral = _SIDE / 2 + np.stack([np.cos(turn), np.sin(turn)], 1) * turn[:, None] * 1.7
    zigzag = [(8 + 8 * i, 20 if i % 2 else 64) for i in range(9)]
    draw = ImageDraw.Draw(paper)
    draw.line([(x, y) for x, y in spiral.tolist()], fill=0, width=3)
    draw.line(zigzag, fill=0, width=3)
    return np.asarray(paper)
