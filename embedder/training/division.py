"""Divide labelled pictures into those that are fitted to and those that validate; no TensorFlow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from embedder.data.dataset import Dataset
from embedder.data.splits import label_of_each, split_rows
from embedder.errors import DatasetError
from embedder.text import counted
from likewise.arrays import Indices
from likewise.metrics.groups import Groups

_PAIR = 2  # pictures of one label: the fewest that make a pair
_WHOLE = 0.2  # share of the labels that are held out whole, at least


def divided(dataset: Dataset, share: float, seed: int) -> tuple[Dataset, Dataset]:
    """Divide a data set by a share, by two pictures of each label, or by whole labels.

    Ten pictures a person leave a twelfth of each person, one picture, which makes no pair of one
    label. Then two are held out of every label that has four; and where fewer than two labels have
    so many, all pictures of a fifth of the labels.

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
    if not _groups(dataset, parts[1]).have_pairs:
        parts = split_rows(dataset, share, seed, fewest=_PAIR)
    if not _groups(dataset, parts[1]).have_pairs:
        parts = _by_labels(dataset, max(share, _WHOLE), seed)
    if not all(_groups(dataset, rows).have_pairs for rows in parts):
        _refuse(dataset, share, seed)
    return parts


def enrolled(fitted: Sequence[str], held: Sequence[str]) -> tuple[Indices, Indices]:
    """Choose the held-out pictures that searches need as references: one of each unseen label.

    Args:
        fitted: Labels of the training pictures, which are references too.
        held: Labels of the n held-out pictures.

    Returns:
        The rows of the references among the held-out pictures, and of all others, ascending.

    Example:
        >>> [rows.tolist() for rows in enrolled(["a", "a"], ["a", "b", "b", "c", "c"])]
        [[1, 3], [0, 2, 4]]
    """
    first = {label: row for row, label in reversed([*enumerate(held)])}
    seen = set(fitted)
    chosen = sorted(row for label, row in first.items() if label not in seen)
    rest = np.setdiff1d(np.arange(len(held)), chosen)
    return np.array(chosen, np.int64), rest


def _by_labels(dataset: Dataset, share: float, seed: int) -> tuple[Indices, Indices]:
    """Hold out all pictures of some labels, of those that have a pair."""
    known = label_of_each(dataset.contents, dataset.labels)
    pairs = sorted(label for label, size in Counter(known.values()).items() if size >= _PAIR)
    order = np.random.default_rng(seed).permutation(len(pairs))
    chosen = {pairs[place] for place in order[: max(2, round(share * len(pairs)))]}
    held = np.array([known[content] in chosen for content in dataset.contents], bool)
    return np.flatnonzero(~held), np.flatnonzero(held)


def _groups(dataset: Dataset, rows: Indices) -> Groups:
    return Groups.of([dataset.labels[row] for row in rows.tolist()])


def _refuse(dataset: Dataset, share: float, seed: int) -> None:
    fewest = split_rows(dataset, 0, seed, fewest=_PAIR)
    if all(_groups(dataset, rows).have_pairs for rows in fewest):
        raise DatasetError(
            f"To hold out {share} of {dataset.name!r} leaves too few pictures to train with: hold "
            "out less (--validation)."
        )
    pictures = counted(len(dataset.labels), "picture")
    labels = counted(len(set(dataset.labels)), "label")
    raise DatasetError(
        f"{dataset.name!r} does not suffice to train and to validate: {pictures} of {labels}. Give "
        "at least 4 different pictures of each of 2 labels, or 2 of each of 4; 10 of each are a "
        "good start."
    )
