"""Vectors and indexes for tests of exact search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import faiss
import numpy as np

from index.search.exact import ExactIndex


def filled(stored: np.ndarray) -> ExactIndex:
    vectors = ExactIndex(faiss.IndexFlatL2(stored.shape[1]))
    vectors.append(stored)
    return vectors


def as_ids(rows: np.ndarray) -> np.ndarray:
    """Row 10 is '10' and comes before '9'."""
    return rows.astype(str).astype(object)


def agree(
    vectors: ExactIndex, queries: np.ndarray, k: int, brute_force: Callable[..., Any]
) -> None:
    """Compare a search with brute force over all vectors, to the bit."""
    ids = [str(row) for row in range(len(vectors))]
    names, expected = brute_force(vectors.stored, ids, queries, k)
    for size in (1, len(queries)):  # each alone, and all together
        for start in range(0, len(queries), size):
            rows, distances = vectors.nearest(queries[start : start + size], k, as_ids)
            assert as_ids(rows).tolist() == names[start : start + size]
            np.testing.assert_array_equal(distances, expected[start : start + size])


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def clusters(rng: np.random.Generator, n: int, dim: int, radius: float) -> np.ndarray:
    centres = unit(rng.normal(size=(5, dim)))
    around = unit(rng.normal(size=(n, dim))) * rng.random((n, 1)) * radius
    return unit(centres[rng.integers(0, 5, n)] + around)


def tight(rng: np.random.Generator, count: int, dim: int) -> np.ndarray:
    centres = rng.normal(size=(7, dim))
    return centres[rng.integers(0, 7, count)] + rng.normal(size=(count, dim)) * 1e-6


def equal(rng: np.random.Generator, count: int, dim: int) -> np.ndarray:
    return rng.normal(size=(5, dim))[rng.integers(0, 5, count)]


def with_zeros(rng: np.random.Generator, count: int, dim: int) -> np.ndarray:
    return rng.normal(size=(count, dim)) * (rng.random((count, 1)) < 0.3)


def with_one_long(rng: np.random.Generator, count: int, dim: int) -> np.ndarray:
    vectors = rng.normal(size=(count, dim)) * 1e-4
    vectors[0] = 10
    return vectors


def line(rng: np.random.Generator, count: int, dim: int) -> np.ndarray:
    return rng.integers(0, 200, (count, 1)) * np.ones((1, dim))


SHAPES: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
    "even": lambda rng, count, dim: rng.normal(size=(count, dim)),
    "tight": tight,
    "equal": equal,
    "grid": lambda rng, count, dim: rng.integers(-2, 3, (count, dim)),
    "zero": with_zeros,
    "one long": with_one_long,
    "line": line,
}

# The group of each row, by what the groups are like.
GROUPS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "few": lambda rng, rows: rng.integers(0, 3, rows),
    "many": lambda rng, rows: rng.integers(0, rows // 4 + 1, rows),
    "of one": lambda rng, rows: np.arange(rows),
    "one": lambda rng, rows: np.zeros(rows, np.int64),
    "one beside many": lambda rng, rows: np.maximum(0, np.arange(rows) - rows // 2),
}
