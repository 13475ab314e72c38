"""Pictures of no group, made from those of the groups: what an embedder must keep away from.

A network that was only ever shown members of its groups puts anything else near one of them: a
blank sheet, a letter, a smear. Shown such pictures as well, each different from every group, it
learns to keep room around them ("outlier exposure").

Source: Hendrycks, Mazeika, Dietterich, "Deep Anomaly Detection with Outlier Exposure", ICLR 2019.
There the outliers are another collection of pictures; here they are made, from nothing else than
the training pictures and a seed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from likewise.arrays import Indices, Pixels, Reals

OF_NO_GROUP = -1  # the label code of an outlier
_FINE = 4  # drawings are made this many times larger, then reduced, for soft edges
_TRIES = 200  # draws for a picture of another group, before the others of a huge one are listed
_INSET = 4 / 28  # the border that drawings leave free, as MNIST's digits do


def make_outliers(pictures: Pixels, codes: Indices, count: int, seed: int) -> Pixels:
    """Make pictures that belong to no group.

    Args:
        pictures: Pictures of the groups, `(n, h, w)` or `(n, h, w, 3)`. Left unchanged.
        codes: The group of each, `(n,)`; at least two groups.
        count: How many to make.
        seed: The same seed gives the same outliers.

    Returns:
        uint8 `(count, h, w[, 3])`: in turn of each kind of `KINDS`.

    Example:
        >>> two = np.stack([np.eye(8, dtype=np.uint8), 1 - np.eye(8, dtype=np.uint8)])
        >>> make_outliers(two, np.array([0, 1]), count=3, seed=0).shape
        (3, 8, 8)
    """
    rng = np.random.default_rng([seed, 7])
    outliers = np.empty((count, *pictures.shape[1:]), np.uint8)
    makers = [maker for maker, _ in KINDS.values()]
    shares = [share for _, share in KINDS.values()]
    for place, kind in enumerate(rng.choice(len(makers), size=count, p=shares).tolist()):
        first, second = _two_of_different_groups(pictures, codes, rng)
        outliers[place] = makers[kind](first, second, rng)
    return outliers


def _two_of_different_groups(
    pictures: Pixels, codes: Indices, rng: np.random.Generator
) -> tuple[Pixels, Pixels]:
    first = rng.integers(len(pictures))
    for _ in range(_TRIES):
        second = rng.integers(len(pictures))
        if codes[second] != codes[first]:
            return pictures[first], pictures[second]
    return pictures[first], pictures[rng.choice(np.flatnonzero(codes != codes[first]))]


def _blank(first: Pixels, second: Pixels, rng: np.random.Generator) -> Pixels:
    """Make a picture of one grey or colour, with a speck or a slope now and then."""
    blank = np.full(first.shape, rng.choice([0, 0, int(rng.integers(256)), 255]), np.float32)
    if rng.random() < 0.4:
        slope = np.linspace(-1, 1, first.shape[1]) * rng.integers(10, 120)
        blank += slope.reshape(1, -1, *[1] * (first.ndim - 2))
    for _ in range(rng.integers(0, 4)):
        y, x = rng.integers(first.shape[0]), rng.integers(first.shape[1])
        size = rng.integers(1, 4)
        blank[y : y + size, x : x + size] = rng.integers(256)
    return _pixels(blank)


def _noise(first: Pixels, _: Pixels, rng: np.random.Generator) -> Pixels:
    """Make noise, from fine grain to blotches, dense or sparse."""
    height, width = first.shape[:2]
    grain = int(rng.integers(1, 8))
    coarse = (-(-height // grain), -(-width // grain), *first.shape[2:])
    values = rng.random(coarse)
    if rng.random() < 0.5:
        values = (values < rng.uniform(0.1, 0.6)).astype(np.float64)
    large = values.repeat(grain, 0).repeat(grain, 1)[:height, :width] * 255
    if rng.random() < 0.5:
        picture = Image.fromarray(_pixels(np.roll(values, 1, 0) * 255))
        large = np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC), np.float64)
    return _pixels(large * rng.uniform(0.4, 1))


def _scribble(first: Pixels, second: Pixels, rng: np.random.Generator) -> Pixels:
    """Draw strokes between the points of a grid, as a letter or a doodle has them.

    At least four, of which two cross the middle, so that the result is seldom a digit.
    """
    height, width = (side * _FINE for side in first.shape[:2])
    grid = [(x, y) for y in np.linspace(0, 1, 3) for x in np.linspace(0, 1, 3)]
    paper = Image.new("L", (width, height))
    draw = ImageDraw.Draw(paper)
    thick = int(rng.integers(1, 4) * min(height, width) / 28)
    narrow = rng.uniform(0.5, 1)
    for _ in range(rng.integers(4, 8)):
        ends = np.array([grid[i] for i in rng.choice(9, 2, replace=False)])
        ends += rng.normal(0, 0.06, (2, 2))
        spots = np.clip((_INSET + (1 - 2 * _INSET) * ends), 0.05, 0.95) * (width, height)
        spots[:, 0] = width / 2 + (spots[:, 0] - width / 2) * narrow
        if rng.random() < 0.3:
            box = [*np.sort(spots, axis=0)[0], *(np.sort(spots, axis=0)[1] + 1)]
            turn = int(rng.integers(0, 360))
            draw.arc(box, turn, turn + int(rng.integers(120, 360)), fill=255, width=thick)
        else:
            draw.line([tuple(spot) for spot in spots.tolist()], fill=255, width=thick)
    drawn = np.asarray(paper.reduce(_FINE), np.float32) / 255
    drawn = np.clip(drawn * rng.uniform(1, 1.6), 0, 1)
    if first.ndim == 2:
        return _pixels(drawn * 255)
    paper_colour, ink = rng.integers(0, 256, (2, 3))
    return _pixels(paper_colour + drawn[..., None] * (ink - paper_colour))


def _halves(first: Pixels, second: Pixels, rng: np.random.Generator) -> Pixels:
    """Put half of one picture and half of another together."""
    axis = int(rng.integers(2))
    middle = first.shape[axis] // 2
    top, bottom = (np.moveaxis(picture, axis, 0) for picture in (first, second))
    if rng.random() < 0.5:
        top, bottom = bottom, top
    return np.moveaxis(np.concatenate([top[:middle], bottom[middle:]]), 0, axis)


def _quarters(first: Pixels, _: Pixels, rng: np.random.Generator) -> Pixels:
    """Put the four quarters of a picture in another order."""
    height, width = first.shape[0] // 2, first.shape[1] // 2
    order = [0, 1, 2, 3]
    while sum(place != quarter for place, quarter in enumerate(order)) < 3:
        order = rng.permutation(4).tolist()
    corners = [(0, 0), (0, width), (height, 0), (height, width)]
    shuffled = first.copy()
    for (y, x), quarter in zip(corners, order, strict=True):
        v, u = corners[quarter]
        shuffled[y : y + height, x : x + width] = first[v : v + height, u : u + width]
    return shuffled


def _overlay(first: Pixels, second: Pixels, rng: np.random.Generator) -> Pixels:
    """Lay one picture over another: mean of both, or whichever is brighter."""
    if rng.random() < 0.5:
        return np.maximum(first, second)
    return _pixels((first.astype(np.float32) + second) / 2)


def _pixels(values: Reals) -> Pixels:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


Maker = Callable[[Pixels, Pixels, np.random.Generator], Pixels]

# Overlays and halves of two groups teach most about groups that are still unknown; some halves make
# a good digit by chance, so that more of them cost accuracy among the known.
KINDS: dict[str, tuple[Maker, float]] = {
    "blank": (_blank, 0.06),
    "noise": (_noise, 0.12),
    "scribble": (_scribble, 0.32),
    "halves": (_halves, 0.2),
    "quarters": (_quarters, 0.2),
    "overlay": (_overlay, 0.1),
}
