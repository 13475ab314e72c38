"""Divide labelled pictures so that the same picture never stands on two sides.

A picture is known by the hash of its pixels, not by its id or path: two copies of it always
fall on the same side. Leaves out: near-duplicates, as the same picture saved twice as JPEG.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np

from embedder.data.dataset import Dataset
from likewise.arrays import Indices


class Overlap(NamedTuple):
    """One picture that stands in two data sets, under its id in each."""

    first: str
    second: str


def split(dataset: Dataset, share: float, seed: int, *, fewest: int = 0) -> tuple[Dataset, Dataset]:
    """Divide a data set in two, label by label, by seed and content hash.

    Which side a picture falls on does not depend on ids or on the order of the pictures. A
    picture that is there twice, even under two labels, stays whole on one side.

    Args:
        dataset: What to divide; both sides keep its order.
        share: Share of each label's different pictures on the second side, 0..1.
        seed: Another seed gives another division.
        fewest: How many of each label fall on the second side at least, where as many stay on the
            first; none of a label that has fewer.

    Returns:
        The larger rest and the share, as `(training, validation)`.

    Raises:
        ValueError: If `share` is not in 0..1.

    Example:
        >>> images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1)
        >>> kept, held = split(Dataset([*"abcdefghij"], ["7"] * 10, images), 0.2, seed=1)
        >>> len(kept), len(held)
        (8, 2)
    """
    first, second = split_rows(dataset, share, seed, fewest=fewest)
    return dataset.subset(first), dataset.subset(second)


def split_rows(
    dataset: Dataset, share: float, seed: int, *, fewest: int = 0
) -> tuple[Indices, Indices]:
    """Divide a data set as `split` does: the rows of both sides, ascending.

    Args:
        dataset: What to divide.
        share: As for `split`.
        seed: As for `split`.
        fewest: As for `split`.
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"`share` must be between 0 and 1. Received: {share}")
    contents = dataset.contents
    chosen = _chosen(label_of_each(contents, dataset.labels), share, seed, fewest)
    on_second = np.array([content in chosen for content in contents], dtype=bool)
    return np.flatnonzero(~on_second), np.flatnonzero(on_second)


def overlap(a: Dataset, b: Dataset) -> list[Overlap]:
    """Find the pictures that stand in both data sets, pixel by pixel the same.

    Args:
        a: A data set.
        b: Another.

    Returns:
        One `Overlap` (id in `a`, id in `b`) for each such picture of `b`, in the order of
        `b`; the id in `a` is that of its first copy. Empty when the two have none in common.

    Example:
        >>> one = Dataset(["a/1"], ["7"], np.zeros((1, 2, 2), np.uint8))
        >>> two = Dataset(["b/1", "b/2"], ["7", "7"], np.array([[[1]], [[0]]], np.uint8))
        >>> overlap(one, two), overlap(one, one)
        ([], [Overlap(first='a/1', second='a/1')])
    """
    first: dict[bytes, str] = {}
    for name, content in zip(a.ids, a.contents, strict=True):
        first.setdefault(content, name)
    known = ((first.get(content), name) for name, content in zip(b.ids, b.contents, strict=True))
    return [Overlap(match, name) for match, name in known if match is not None]


def label_of_each(hashes: list[bytes], labels: list[str]) -> dict[bytes, str]:
    """Give every different picture one label: of several the least, so that order is no matter.

    Args:
        hashes: n content hashes.
        labels: n labels.
    """
    known: dict[bytes, str] = {}
    for content, label in zip(hashes, labels, strict=True):
        known[content] = min(label, known.get(content, label))
    return known


def _chosen(known: dict[bytes, str], share: float, seed: int, fewest: int) -> set[bytes]:
    """Choose a share of the pictures of each label: those that come first by their seeded hash."""
    groups: dict[str, list[bytes]] = {}
    for content, label in known.items():
        groups.setdefault(label, []).append(content)
    key = str(seed).encode()

    def place(content: bytes) -> bytes:
        return hashlib.blake2b(content, digest_size=16, key=key).digest()

    return {
        content
        for group in groups.values()
        for content in sorted(group, key=place)[: _count(len(group), share, fewest)]
    }


def _count(size: int, share: float, fewest: int) -> int:
    """How many pictures of a label are chosen."""
    if size < 2 * fewest:
        return 0
    return max(fewest, round(share * size))
