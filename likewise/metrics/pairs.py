"""Random pairs of labelled images, and their distances. No image is paired with itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from likewise.arrays import Floats, Indices
from likewise.metrics.groups import Groups, rows_by_group

_AT_ONCE = 4096  # vectors in float64 at a time
_VALUES_AT_ONCE = 65_536  # differences in float64 at a time: as many as the cache holds


def pair_distances(
    embeddings: Floats,
    labels: Sequence[Any] | npt.NDArray[Any],
    pairs: int,
    seed: int,
) -> tuple[Floats, Floats]:
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

    Args:
        labels: One per image, `(n,)`.
        pairs: Number of pairs of each kind, >= 1.
        seed: The same seed draws the same pairs.

    Raises:
        ValueError: If the labels allow no same pair or no different pair.
    """
    groups = Groups.of(labels)
    if not groups.have_pairs:
        raise ValueError(
            "Verification needs at least two labels, one of them with two images. "
            f"Received: {len(groups.codes)} image{'s' * (len(groups.codes) != 1)} of "
            f"{len(groups.names)} label{'s' * (len(groups.names) != 1)}."
        )
    able = np.flatnonzero(groups.sizes[groups.codes] > 1)
    rng = np.random.default_rng(seed)
    first = able[rng.integers(0, len(able), pairs)]
    same = np.stack([first, groups.same_partners(first, rng)], axis=1)
    first = rng.integers(0, len(groups.codes), pairs)
    return same, np.stack([first, groups.different_partners(first, rng)], axis=1)


def drawn_distances(
    labels: Sequence[str], vectors_at: Callable[[Indices], Floats], most: int, seed: int = 0
) -> tuple[Floats, Floats]:
    """Measure random pairs of one group and of two groups, none of a kind that does not exist.

    Args:
        labels: Length `n`.
        vectors_at: Returns the vectors of some of the n, `(m, dim)`, float32.
        most: Pairs of each kind, drawn with replacement.
        seed: The same seed gives the same pairs.

    Returns:
        Distances of the same pairs and of the different pairs, each of shape `(most,)` or `(0,)`.

    Example:
        >>> vectors = np.array([[0.0], [1.0], [5.0]], np.float32)
        >>> genuine, impostor = drawn_distances(["a", "a", "b"], vectors.__getitem__, most=100)
        >>> sorted(set(genuine.tolist())), sorted(set(impostor.tolist()))
        ([1.0], [4.0, 5.0])
    """
    rng = np.random.default_rng(seed)
    groups = list(rows_by_group(labels).values())
    order = np.concatenate(groups)  # one group after the other
    sizes = np.array([len(rows) for rows in groups])
    starts = np.cumsum(sizes) - sizes
    size, start = np.repeat(sizes, sizes), np.repeat(starts, sizes)  # of each place's group
    distances = []
    for places, others, begin in (
        (np.flatnonzero(size > 1), size - 1, 1),  # the others of the group, from the next one on
        (np.flatnonzero(size < len(order)), len(order) - size, 0),  # all behind it, round the end
    ):
        count = most if len(places) else 0
        a = rng.choice(places, count) if count else np.empty(0, np.int64)
        step = rng.integers(begin, begin + others[a]) if count else a
        if begin:
            b = start[a] + (a - start[a] + step) % size[a]
        else:
            b = (start[a] + size[a] + step) % len(order)
        rows, pairs = np.unique(order[np.stack([a, b])], return_inverse=True)
        vectors, (first, second) = vectors_at(rows), pairs.reshape(2, -1)
        distances.append(exact_distances(vectors, first, vectors, second))
    return distances[0], distances[1]


def distances_of(embeddings: Floats, pairs: Indices) -> Floats:
    """Euclidean distance of each pair, `(p,)`, float32: the same numbers that a search gives.

    Args:
        embeddings: `(n, dim)`, float32.
        pairs: Rows of `embeddings`, `(p, 2)`, int64.
    """
    first, second = pairs.T
    return exact_distances(embeddings, first, embeddings, second)


def exact_distances(
    first: Floats, first_rows: Indices, second: Floats, second_rows: Indices
) -> Floats:
    """Euclidean distance of each pair, `(p,)`, float32: the same numbers that a search gives.

    Args:
        first: Vectors, `(n, dim)`, float32.
        first_rows: Row in `first` of each pair's first vector, `(p,)`.
        second: Vectors, `(m, dim)`, float32.
        second_rows: Row in `second` of each pair's second vector, `(p,)`.
    """
    distances = np.empty(len(first_rows), np.float32)
    step = max(1, _VALUES_AT_ONCE // max(1, first.shape[1]))
    for start in range(0, len(first_rows), step):
        batch = slice(start, start + step)
        gaps = np.take(first, first_rows[batch], axis=0).astype(np.float64)
        gaps -= np.take(second, second_rows[batch], axis=0)
        distances[batch] = np.sqrt(np.einsum("pd,pd->p", gaps, gaps))
    return distances


def distances_between(first: Floats, second: Floats) -> Floats:
    """Euclidean distance of each of the first to each of the second, `(n, m)`, float32.

    By products, in float64: right to about 1e-8 of the vectors' length, which tells neighbours
    apart; `exact_distances` of the nearest ones are exact.

    Args:
        first: Vectors, `(n, dim)`, float32.
        second: Vectors, `(m, dim)`, float32.

    Example:
        >>> corner = np.array([[0, 0], [3, 4]], np.float32)
        >>> distances_between(corner, corner).tolist()
        [[0.0, 5.0], [5.0, 0.0]]
    """
    distances = np.empty((len(first), len(second)), np.float32)
    rows = first.astype(np.float64)
    lengths = np.einsum("nd,nd->n", rows, rows)[:, None]
    for start in range(0, len(second), _AT_ONCE):
        columns = second[start : start + _AT_ONCE].astype(np.float64)
        squared = lengths + np.einsum("md,md->m", columns, columns) - 2 * rows @ columns.T
        distances[:, start : start + _AT_ONCE] = np.sqrt(np.maximum(squared, 0.0))
    return distances
