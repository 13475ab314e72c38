"""Vectors and indexes for tests of exact search."""

from __future__ import annotations

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


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def clusters(rng: np.random.Generator, n: int, dim: int, radius: float) -> np.ndarray:
    centres = unit(rng.normal(size=(5, dim)))
    around = unit(rng.normal(size=(n, dim))) * rng.random((n, 1)) * radius
    return unit(centres[rng.integers(0, 5, n)] + around)
