"""Divide labelled pictures into those that are fitted to and those that validate; no TensorFlow."""

from __future__ import annotations

from embedder.data.dataset import Dataset
from embedder.data.splits import split_rows
from embedder.errors import DatasetError
from embedder.text import counted
from likewise.arrays import Indices
from likewise.metrics.groups import Groups

_PAIR = 2  # pictures of one label: the fewest that make a pair


def divided(dataset: Dataset, share: float, seed: int) -> tuple[Dataset, Dataset]:
    """Divide a data set by a share, or where that is too small for a pair by two of each label.

    Ten pictures a person leave a twelfth of each person, one picture, which makes no pair of one
    label. Then two are held out of every label that has four.

    Args:
        dataset: What to divide.
        share: Share of each label's pictures that validate, above 0 and below 1.
        seed: Another seed gives another division.

    Returns:
        The training part and the validation part.

    Raises:
        DatasetError: If one of them would lack two labels, or two pictures of one.

    Example:
        >>> import numpy as np
        >>> images = np.arange(20, dtype=np.uint8).reshape(20, 1, 1)
        >>> people = Dataset(list(map(str, range(20))), ["a", "b"] * 10, images)
        >>> [len(part) for part in divided(people, 1 / 12, seed=0)]
        [16, 4]
    """
    first, second = division(dataset, share, seed)
    return dataset.subset(first), dataset.subset(second)


def division(dataset: Dataset, share: float, seed: int) -> tuple[Indices, Indices]:
    """The rows of the two parts of `divided`, ascending.

    Args:
        dataset: As for `divided`.
        share: As for `divided`.
        seed: As for `divided`.

    Raises:
        DatasetError: As `divided`.
    """
    parts = split_rows(dataset, share, seed)
    if not _has_pairs(_labels(dataset, parts[1])):
        parts = split_rows(dataset, share, seed, fewest=_PAIR)
    for rows, name in zip(parts, ("training", "validation"), strict=True):
        if not _has_pairs(_labels(dataset, rows)):
            _refuse(dataset, _labels(dataset, rows), name)
    return parts


def _labels(dataset: Dataset, rows: Indices) -> list[str]:
    return [dataset.labels[row] for row in rows.tolist()]


def _has_pairs(labels: list[str]) -> bool:
    """Whether there are pairs of one label and of two."""
    groups = Groups.of(labels)
    return len(groups.names) > 1 and bool(groups.sizes.max(initial=0) >= _PAIR)


def _refuse(dataset: Dataset, part: list[str], name: str) -> None:
    labels = counted(len(set(part)), "label")
    raise DatasetError(
        f"The {name} part of {dataset.name!r} needs at least 2 labels and 2 pictures of one of "
        f"them. Received: {counted(len(part), 'picture')} of {labels}, out of "
        f"{counted(len(dataset.labels), 'picture')} of {counted(len(set(dataset.labels)), 'label')}"
        ". Give at least 4 different pictures of each of 2 labels; 10 of each are a good start."
    )
