"""Synthetic groups: halves of pictures of two groups joined.

Ten groups teach an embedder to tell ten things apart, and it forgets what the ten do not need; an
eleventh group then falls upon one of them. The upper halves of all 7s on the mirrored upper halves
of all 2s are one more group, with as many members as two groups have pairs, and ten groups have 580
of these. To hold one together and apart from all others the embedder must see what each half shows.
At least one half is mirrored across the cut, so that the result is hardly ever a true member of a
group, and so that what the groups show below is seen above as well.

Synthetic groups for groups yet unseen: Gu, Ko, Kim, "Proxy Synthesis: Learning with Synthetic
Classes for Deep Metric Learning", AAAI 2021. There they are mixtures of embeddings; here of pixels.
"""

from __future__ import annotations

import numpy as np

from embedder.training.outliers import OF_NO_GROUP
from likewise.arrays import Indices, Pixels
from likewise.metrics.groups import Groups

MEMBERS = 4  # pictures of each synthetic group in a batch
_MIRRORED = np.array([(0, 1), (1, 0), (1, 1)])  # the first half, the second


def make_composites(
    pictures: Pixels, groups: Groups, count: int, rng: np.random.Generator
) -> tuple[Pixels, Indices]:
    """Make pictures of synthetic groups, `MEMBERS` of each.

    Args:
        pictures: Pictures of the groups, `(n, h, w)` or `(n, h, w, 3)`. Left unchanged.
        groups: The pictures' groups; at least two.
        count: How many to make, about: rounded down to whole groups.
        rng: Decides every draw.

    Returns:
        uint8 `(count, h, w[, 3])`, and the code of each one's made group, all below `OF_NO_GROUP`:
        one code for one axis to cut along, two groups, and which halves are mirrored.

    Example:
        >>> four = np.arange(16, dtype=np.uint8).reshape(4, 2, 2)
        >>> halves, codes = make_composites(
        ...     four, Groups.of(["a", "b", "c", "d"]), count=8, rng=np.random.default_rng(0)
        ... )
        >>> halves.shape, len(set(codes.tolist()))
        ((8, 2, 2), 2)
    """
    made, known = count // MEMBERS, len(groups.names)
    first, second = rng.integers(known, size=(2, made))
    axis = rng.integers(2, size=made)
    mirrored = _MIRRORED[rng.integers(np.where(first == second, 2, 3))]  # else a symmetric whole
    codes = (((first * known + second) * 2 + axis) * 2 + mirrored[:, 0]) * 2 + mirrored[:, 1]
    joined = [
        _joined(pictures[_draw(groups, a, rng)], pictures[_draw(groups, b, rng)], 1 + along, turns)
        for a, b, along, turns in zip(
            first.tolist(), second.tolist(), axis.tolist(), mirrored.tolist(), strict=True
        )
    ]
    empty = np.empty((0, *pictures.shape[1:]), np.uint8)
    return np.concatenate([empty, *joined]), (OF_NO_GROUP - 1 - codes).repeat(MEMBERS)


def _draw(groups: Groups, code: int, rng: np.random.Generator) -> Indices:
    return rng.choice(groups.members(code), MEMBERS)


def _joined(first: Pixels, second: Pixels, axis: int, mirrored: list[int]) -> Pixels:
    """The upper (or left) halves of the first pictures, the other halves of the second.

    Of what is mirrored, its other half comes to that place.
    """
    first_half, second_half = (
        np.flip(pictures, axis) if turn else pictures
        for pictures, turn in zip((first, second), mirrored, strict=True)
    )
    middle = first.shape[axis] // 2
    upper, _ = np.split(first_half, [middle], axis)
    _, lower = np.split(second_half, [middle], axis)
    return np.concatenate([upper, lower], axis)
