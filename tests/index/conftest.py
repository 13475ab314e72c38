"""A small gallery and the brute-force search that it must agree with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from index.gallery import Gallery
from index.operating_point import OperatingPoint

DIM = 4
POINTS = {"eer": OperatingPoint(threshold=0.5, fmr=0.01)}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery.create(
        tmp_path / "gallery", dim=DIM, fingerprint="3f9a1c", operating_points=POINTS
    ) as gallery:
        yield gallery


@pytest.fixture
def gallery(empty: Gallery, rng: np.random.Generator) -> Gallery:
    """60 references 'r00' to 'r59' of the groups '0' to '4', with pictures and metadata."""
    ids = [f"r{i:02}" for i in range(60)]
    empty.add(
        ids,
        rng.normal(size=(60, DIM)).astype(np.float32),
        [str(i % 5) for i in range(60)],
        metadata=[{"place": i} for i in range(60)],
        pictures=rng.integers(0, 3, size=(60, 6, 5), dtype=np.uint8),
        contents=[bytes([i]) * 16 for i in range(60)],
    )
    return empty


@pytest.fixture(scope="session")
def brute_force() -> Callable[..., tuple[list[list[str]], np.ndarray]]:
    """The definition: float64 distances rounded once to float32, equal ones ordered by id."""

    def search(
        stored: np.ndarray, ids: list[str], queries: np.ndarray, k: int
    ) -> tuple[list[list[str]], np.ndarray]:
        names, distances = [], []
        for query in queries.astype(np.float64):
            exact = np.sqrt(((stored.astype(np.float64) - query) ** 2).sum(axis=1))
            ranked = sorted(zip(exact.astype(np.float32), (i.encode() for i in ids), strict=True))
            distances.append([distance for distance, _ in ranked[:k]])
            names.append([name.decode() for _, name in ranked[:k]])
        return names, np.array(distances, np.float32)

    return search
