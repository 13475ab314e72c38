"""A deterministic stand-in for the embedder, so that most tests need no network.

An embedding is the mean brightness of sixteen 7 × 7 blocks of a 28 × 28 picture, in 0..1: sums of
whole numbers, so the same to the bit in a batch of any size.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from embedder.model import Embedder
from embedder.preprocessing.prepare import prepare


class FakeEmbedder(Embedder):
    """An embedder without a network.

    Attributes:
        embedded: How many pictures it has embedded.
    """

    input_shape = (28, 28)
    dim = 16
    preprocessing = "digit2"

    def __init__(self, path: Path, fingerprint: str = "fa4e00000001") -> None:
        path.mkdir(parents=True, exist_ok=True)
        (path / "model.json").write_text("{}")
        self.path = path
        self.fingerprint = fingerprint
        self.operating_points: dict[str, dict[str, Any]] = {"eer": {"threshold": 0.5, "fmr": 0.02}}
        self.metadata: dict[str, Any] = {"figures": {}, "recipe": {"name": "fake"}}
        self.embedded = 0

    def prepare(self, images: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        return prepare(images, self.preprocessing, self.input_shape)

    def embed(self, images: np.ndarray) -> np.ndarray:
        if images.shape[1:] != self.input_shape or images.dtype != np.uint8:
            raise ValueError(f"uint8 of (n, 28, 28), not {images.dtype} of {images.shape}")
        self.embedded += len(images)
        blocks = images.reshape(-1, 4, 7, 4, 7).sum(axis=(2, 4), dtype=np.int64)
        return (blocks.reshape(-1, 16) / (49 * 255)).astype(np.float32)


class Dividing(FakeEmbedder):
    """Divides by the length of the embedding, which is 0 for a black picture."""

    def embed(self, images: np.ndarray) -> np.ndarray:
        vectors = super().embed(images)
        with np.errstate(invalid="ignore"):
            return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class HeldEmbedder(FakeEmbedder):
    """Embeds a number of batches at once; each one after them waits until stdin ends."""

    def __init__(self, path: Path, batches: int) -> None:
        super().__init__(path)
        self.batches = batches

    def embed(self, images: np.ndarray) -> np.ndarray:
        if self.batches == 0:
            sys.stdin.read()
        else:
            self.batches -= 1
        return super().embed(images)


def install(batches: int = sys.maxsize) -> FakeEmbedder:
    """Make every `Embedder.load` of this process return one fake; for scripts of their own.

    Args:
        batches: How many it embeds before it waits for the end of stdin.
    """
    fake = HeldEmbedder(Path(tempfile.mkdtemp()) / "model", batches)
    Embedder.load = classmethod(lambda cls, path=None, *, threads=None: fake)  # type: ignore[method-assign,assignment]
    return fake
