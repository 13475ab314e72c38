"""One-to-one comparison: how well distances tell same pairs from different ones.

A pair is accepted when `distance <= threshold`. FNMR is the share of same pairs that are
rejected, FMR the share of different pairs that are accepted (ISO/IEC 19795-1). These few
functions are what training and the figures of a model need; NumPy alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from embedder.text import counted
from embedder.training.pairs import Groups
from likewise.arrays import Floats, Indices, Reals

_AT_ONCE = 1024  # pairs whose vectors stay in the processor's cache


@dataclass(frozen=True)
class EqualErrorRate:
    """The point at which both error rates are nearest to each other.

    Attributes:
        rate: Mean of FMR and FNMR at `threshold`, in [0, 1].
        threshold: Largest distance that is accepted there, Euclidean.
    """

    rate: float
    threshold: float


def pair_distances(
    embeddings: Floats,
    labels: Sequence[Any] | npt.NDArray[Any],
    pairs: int,
    seed: int,
) -> tuple[Reals, Reals]:
    """Measure `pairs` random same pairs and as many different ones, never an image with itself.

    Args:
        embeddings: Shape `(n, dim)`, float32.
        labels: Length `n`; at least two labels, one of them twice.
        pairs: Pairs of each kind, drawn with replacement: first image among all that have a
            partner, second image among its partners.
        seed: The same seed gives the same pairs.

    Returns:
        Distances of the same pairs and of the different pairs, each of shape `(pairs,)`.

    Raises:
        ValueError: If the labels allow no same pair or no different pair.
    """
    same, different = drawn_pairs(labels, pairs, seed)
    return distances_of(embeddings, same), distances_of(embeddings, different)


def drawn_pairs(
    labels: Sequence[Any] | npt.NDArray[Any], pairs: int, seed: int
) -> tuple[Indices, Indices]:
    """Draw the pairs of `pair_distances`: rows of the images, `(pairs, 2)`, same and different.

    Raises:
        ValueError: If the labels allow no same pair or no different pair.
    """
    groups = Groups.of(labels)
    able = np.flatnonzero(groups.sizes[groups.codes] > 1)
    if len(able) == 0 or len(groups.names) < 2:
        raise ValueError(
            "Verification needs at least two labels, one of them with two images. "
            f"Received: {counted(len(groups.codes), 'image')} of "
            f"{counted(len(groups.names), 'label')}."
        )
    rng = np.random.default_rng(seed)
    first = able[rng.integers(0, len(able), pairs)]
    same = np.stack([first, groups.same_partners(first, rng)], axis=1)
    first = rng.integers(0, len(groups.codes), pairs)
    return same, np.stack([first, groups.different_partners(first, rng)], axis=1)


def distances_of(embeddings: Floats, pairs: Indices) -> Reals:
    """Euclidean distance of each pair, `(p,)`; `pairs` holds rows of `embeddings`, `(p, 2)`."""
    distances = np.empty(len(pairs))
    for start in range(0, len(pairs), _AT_ONCE):
        first, second = pairs[start : start + _AT_ONCE].T
        gaps = embeddings[first].astype(np.float64) - embeddings[second]
        distances[start : start + _AT_ONCE] = np.linalg.norm(gaps, axis=1)
    return distances


def equal_error_rate(same: Reals, different: Reals) -> EqualErrorRate:
    """Find the distance at which FMR and FNMR are nearest to each other.

    Every distance that occurs is tried as the threshold, so the rate is one that a threshold
    attains; of several equally good ones the smallest is taken.

    Args:
        same: Distances of pairs of one label, any shape, at least one.
        different: Distances of pairs of two labels, any shape, at least one.

    Raises:
        ValueError: If either is empty.

    Example:
        >>> equal_error_rate(np.array([0.1, 0.2, 0.9]), np.array([0.3, 0.8, 0.95]))
        EqualErrorRate(rate=0.3333333333333333, threshold=0.3)
    """
    thresholds, fmr, fnmr = error_rates(same, different)
    best = int(np.argmin(np.abs(fmr - fnmr)))
    return EqualErrorRate(float(fmr[best] + fnmr[best]) / 2, float(thresholds[best]))


def error_rates(same: Reals, different: Reals) -> tuple[Reals, Reals, Reals]:
    """Count both error rates at every distance that occurs.

    Returns:
        `thresholds` ascending without repeats, with FMR and FNMR at each, all of one shape.

    Raises:
        ValueError: If `same` or `different` is empty.
    """
    if same.size == 0 or different.size == 0:
        raise ValueError(
            "Error rates need at least one same pair and one different pair. "
            f"Received: {same.size} and {different.size}."
        )
    thresholds = np.unique(np.concatenate([same.ravel(), different.ravel()]))
    fmr = np.searchsorted(np.sort(different, axis=None), thresholds, side="right") / different.size
    rejected = same.size - np.searchsorted(np.sort(same, axis=None), thresholds, side="right")
    return thresholds, fmr, rejected / same.size


def pair_accuracy(same: Reals, different: Reals, threshold: float) -> float:
    """Share of pairs that `distance <= threshold` judges rightly, both kinds weighing the same.

    Example:
        >>> pair_accuracy(np.array([0.1, 0.5]), np.array([0.6, 0.4]), threshold=0.5)
        0.75
    """
    return float(np.mean(same <= threshold) + np.mean(different > threshold)) / 2
