"""Make the pictures that stand for other people's writing: drawn digits, copies, signs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from embedder.training.writing.copying import copied
from embedder.training.writing.drawing import draw
from embedder.training.writing.shapes import DIGITS
from embedder.training.writing.signs import SIGNS
from likewise.arrays import Indices, Pixels
from likewise.metrics.groups import Groups

_DRAWN = 0.5  # share of the pictures that are drawn; the others are copies of training pictures
_SIGN_SHAPES = tuple(shape for shapes in SIGNS.values() for shape in shapes)


class Written(NamedTuple):
    """Made pictures, uint8 `(n, h, w)`, white on black, and the code of each one's group `(n,)`."""

    pixels: Pixels
    codes: Indices


def make_writing(pictures: Pixels, groups: Groups, count: int, seed: int) -> Written:
    """Make digits as others write, draw, scan and photograph them.

    Half are drawn from strokes, half are training pictures, and all are copied as between a hand
    and a file.

    Args:
        pictures: Training pictures, `(n, h, w)`, white on black. Left unchanged.
        groups: Their groups, each named by a digit.
        count: How many to make.
        seed: The same seed makes the same pictures.

    Returns:
        The pictures.
    """
    rng = np.random.default_rng([seed, 8])
    codes = rng.integers(len(groups.names), size=count)
    height, width = pictures.shape[1:3]
    made = np.empty((count, *pictures.shape[1:]), np.uint8)
    for row, code in enumerate(codes.tolist()):
        if rng.random() < _DRAWN:
            shapes = DIGITS[groups.names[code]]
            original = draw(shapes[rng.integers(len(shapes))], rng)
        else:
            original = pictures[rng.choice(groups.members(code))]
        made[row] = copied(original, (height, width), rng)
    return Written(made, codes)


def make_signs(shape: tuple[int, ...], count: int, seed: int) -> Pixels:
    """Draw letters and signs that are no digit, and copy them as digits are.

    Args:
        shape: Shape of a picture, `(h, w)` or `(h, w, 3)`.
        count: How many to make.
        seed: The same seed makes the same pictures.

    Returns:
        uint8 `(count, *shape)`, white on black.

    Example:
        >>> make_signs((28, 28), count=2, seed=0).shape
        (2, 28, 28)
    """
    rng = np.random.default_rng([seed, 9])
    made = np.empty((count, *shape), np.uint8)
    for row in range(count):
        sign = _SIGN_SHAPES[rng.integers(len(_SIGN_SHAPES))]
        copy = copied(draw(sign, rng), (shape[0], shape[1]), rng)
        made[row] = copy if len(shape) == 2 else copy[..., None]
    return made
