"""Pairs of images, to train and to measure on.

`same` is 1.0 where both images of a pair carry one label and 0.0 elsewhere, in this file as
everywhere. No function pairs an image with itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from likewise.arrays import Floats, Indices
from likewise.metrics.groups import Groups


def create_pairs(
    images: npt.NDArray[Any],
    labels: Sequence[Any] | npt.NDArray[Any],
    min_equals: int | None = None,
    seed: int = 0,
    *,
    pairs_per_image: int = 1,
) -> tuple[npt.NDArray[Any], Floats]:
    """Give each image a partner: at least `min_equals` of the pairs hold one label twice.

    Args:
        images: Pictures, shape `(n, h, w)` or `(n, h, w, 3)`. Left unchanged.
        labels: Their labels, length `n`; at least two labels, at least one of them twice.
        min_equals: Pairs of one label, `0 <= min_equals <= n * pairs_per_image`; half of
            the pairs when None, fewer where fewer images share their label. All other pairs
            hold two labels.
        seed: The same seed gives the same pairs.
        pairs_per_image: Partners drawn for each image.

    Returns:
        `pairs`, shape `(n * pairs_per_image, 2, h, w[, 3])`, each image first in its own pairs,
        and `same`, shape `(n * pairs_per_image,)`, float32: 1.0 for one label, 0.0 for two.

    Raises:
        ValueError: If `min_equals` is out of range or the labels allow no such pairs.

    Example:
        >>> pictures = np.arange(4, dtype="uint8").reshape(4, 1, 1)
        >>> pairs, same = create_pairs(pictures, ["a", "a", "b", "b"], min_equals=2, seed=1)
        >>> pairs.shape, float(same.sum())
        ((4, 2, 1, 1), 2.0)
    """
    first, second, same = pair_positions(labels, min_equals, seed, pairs_per_image=pairs_per_image)
    return np.stack([images[first], images[second]], axis=1), same


def pair_positions(
    labels: Sequence[Any] | npt.NDArray[Any],
    min_equals: int | None = None,
    seed: int = 0,
    *,
    pairs_per_image: int = 1,
) -> tuple[Indices, Indices, Floats]:
    """Draw the pairs of `create_pairs` as positions: `first`, `second` and `same`, `(pairs,)`.

    Args:
        labels: One per image, `(n,)`.
        min_equals: As for `create_pairs`.
        seed: The same seed draws the same pairs.
        pairs_per_image: Pairs of each kind that begin with an image, >= 1.
    """
    groups = Groups.of(labels)
    first = np.tile(np.arange(len(groups.codes)), pairs_per_image)
    able = np.flatnonzero(groups.sizes[groups.codes[first]] > 1)
    equals = min(len(first) // 2, len(able)) if min_equals is None else min_equals
    _check_equals(equals, len(able), len(first), len(groups.names))
    rng = np.random.default_rng(seed)
    same = np.zeros(len(first), dtype=np.float32)
    same[rng.permutation(able)[:equals]] = 1.0
    second = np.empty_like(first)
    second[same == 1] = groups.same_partners(first[same == 1], rng)
    second[same == 0] = groups.different_partners(first[same == 0], rng)
    return first, second, same


def _check_equals(equals: int, able: int, pairs: int, labels: int) -> None:
    if not 0 <= equals <= able:
        raise ValueError(
            f"`min_equals` must be from 0 to {able}, the number of pairs whose first image shares "
            f"its label with another image. Received: {equals}."
        )
    if equals < pairs and labels < 2:
        raise ValueError(
            "Pairs of two labels need at least 2 labels. "
            f"Received: {labels} label. Add images of another label."
        )


def balanced_batches(
    labels: Sequence[Any] | npt.NDArray[Any],
    batch: int,
    seed: int,
    epoch: int = 0,
    *,
    fewest: int = 1,
) -> Iterator[Indices]:
    """Yield one epoch of batches in which every label has the same number of images.

    The labels of a batch are drawn afresh when there are more of them than `batch // 2`, so
    that each label present has at least two images. A label with fewer images than the
    largest one comes round more often.

    Args:
        labels: Labels of the training images, length `n`.
        batch: Images per batch, about: rounded down to a multiple of the labels in it.
        seed: With `epoch`, decides every draw.
        epoch: Number of the epoch.
        fewest: Number of batches, at least: few images come round more than once.

    Yields:
        Positions of the images of a batch, int64; about `n / batch` batches in all.

    Example:
        >>> [b.tolist() for b in balanced_batches(["a", "a", "b", "b"], batch=4, seed=0)]
        [[0, 1, 2, 3]]
    """
    groups = Groups.of(labels)
    rng = np.random.default_rng([seed, epoch])
    present = min(len(groups.names), max(2, batch // 2))
    per_label = max(2, batch // present)
    queues: list[Indices] = [np.empty(0, dtype=np.int64) for _ in groups.names]
    for _ in range(max(1, fewest, len(groups.codes) // (present * per_label))):
        chosen = np.sort(rng.permutation(len(groups.names))[:present])
        for code in chosen:
            while len(queues[code]) < per_label:
                shuffled = rng.permutation(groups.members(int(code)))
                queues[code] = np.concatenate([queues[code], shuffled])
        yield np.concatenate([queues[code][:per_label] for code in chosen])
        for code in chosen:
            queues[code] = queues[code][per_label:]
