"""Drawn things in colour: houses, trees, fish, cups and flags, each drawn differently.

For the demonstration: pictures for the photos model where no photographs are at hand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from embedder.data.records import Record

_SIZE = (160, 120)  # width and height
Pen = ImageDraw.ImageDraw
_Point = tuple[float, float]
_Colour = tuple[int, int, int]


def drawn_things(count: int, seed: int = 11) -> Iterator[Record]:
    """Draw `count` of each kind, each of another size, place and colour.

    Args:
        count: Pictures of each kind.
        seed: The same seed draws the same pictures.

    Example:
        >>> [record.id for record in drawn_things(2)][:3]
        ['house/0', 'house/1', 'tree/0']
        >>> next(drawn_things(1)).pixels().shape
        (120, 160, 3)
    """
    random = Random(seed)
    for kind, draw in _KINDS.items():
        for number in range(count):
            yield Record(f"{kind}/{number}", kind, _drawn(draw, random))


def _drawn(draw: Callable[[Pen, _Point, float, Random], None], random: Random) -> np.ndarray:
    image = Image.new("RGB", _SIZE, _pale(random))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, random.randint(84, 104), *_SIZE), fill=_pale(random))
    middle = (random.uniform(60, 100), random.uniform(52, 66))
    draw(pen, middle, random.uniform(26, 44), random)
    return np.asarray(image)


def _house(pen: Pen, middle: _Point, size: float, random: Random) -> None:
    x, y = middle
    pen.rectangle((x - size, y, x + size, y + size), fill=_strong(random))
    pen.polygon([(x - 1.2 * size, y), (x, y - size), (x + 1.2 * size, y)], fill=_strong(random))
    pen.rectangle((x - 0.2 * size, y + 0.4 * size, x + 0.2 * size, y + size), fill=_strong(random))
    for side in (-0.65, 0.4):
        left = x + side * size
        pen.rectangle(
            (left, y + 0.2 * size, left + 0.3 * size, y + 0.5 * size), fill=(250, 250, 210)
        )


def _tree(pen: Pen, middle: _Point, size: float, random: Random) -> None:
    x, y = middle
    pen.rectangle((x - 0.15 * size, y, x + 0.15 * size, y + 1.2 * size), fill=(110, 70, 40))
    green = (random.randint(20, 90), random.randint(110, 180), random.randint(20, 90))
    for across, up in ((-0.5, 0.1), (0.5, 0.1), (0, 0.6), (0, 0)):
        _disc(pen, (x + across * size, y - up * size), 0.6 * size, green)


def _fish(pen: Pen, middle: _Point, size: float, random: Random) -> None:
    x, y = middle
    colour = _strong(random)
    pen.polygon(
        [(x + 0.7 * size, y), (x + 1.5 * size, y - 0.6 * size), (x + 1.5 * size, y + 0.6 * size)],
        fill=colour,
    )
    pen.ellipse((x - size, y - 0.55 * size, x + size, y + 0.55 * size), fill=colour)
    _disc(pen, (x - 0.6 * size, y - 0.15 * size), 0.12 * size, (255, 255, 255))
    _disc(pen, (x - 0.6 * size, y - 0.15 * size), 0.06 * size, (0, 0, 0))


def _cup(pen: Pen, middle: _Point, size: float, random: Random) -> None:
    x, y = middle
    colour, width = _strong(random), round(0.18 * size)
    handle = (x + 0.3 * size, y - 0.4 * size, x + 1.2 * size, y + 0.5 * size)
    pen.arc(handle, -90, 90, fill=colour, width=width)
    pen.rectangle((x - 0.7 * size, y - 0.7 * size, x + 0.7 * size, y + 0.8 * size), fill=colour)
    pen.ellipse((x - 0.7 * size, y - 0.9 * size, x + 0.7 * size, y - 0.5 * size), fill=(90, 60, 40))


def _flag(pen: Pen, middle: _Point, size: float, random: Random) -> None:
    x, y = middle
    pen.rectangle((x - size, y - size, x - 0.9 * size, y + 1.4 * size), fill=(90, 90, 90))
    for row in range(3):
        wave = [
            (x - 0.9 * size + step * size / 6, y - size + 0.1 * size * math.sin(step) + edge * size)
            for edge, steps in ((row * 0.4, range(12)), (row * 0.4 + 0.4, range(11, -1, -1)))
            for step in steps
        ]
        pen.polygon(wave, fill=_strong(random))


_KINDS = {"house": _house, "tree": _tree, "fish": _fish, "cup": _cup, "flag": _flag}


def _disc(pen: Pen, middle: _Point, radius: float, colour: _Colour) -> None:
    x, y = middle
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _pale(random: Random) -> _Colour:
    return (random.randint(170, 240), random.randint(170, 240), random.randint(170, 240))


def _strong(random: Random) -> _Colour:
    return (random.randint(20, 200), random.randint(20, 150), random.randint(20, 200))
