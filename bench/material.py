"""Benchmark data: MNIST's digits as arrays, records and PNG files, and a gallery of 60,000."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.floors import BareLiteRT, best_litert
from embedder.data.sources import Record, load
from embedder.model import Embedder
from likewise.matcher import Matcher

K = 5


@dataclass
class Material:
    """Everything is created on first use, once.

    Attributes:
        folder: An empty folder to work in.
        model: Directory of the model; the shipped one when None.
    """

    folder: Path
    model: Path | None = None

    @cached_property
    def embedder(self) -> Embedder:
        """The embedder, warm after its first use."""
        return Embedder.load(self.model)

    @property
    def network(self) -> Path:
        """The network's LiteRT file, for LiteRT alone."""
        return self.embedder.path / "model.tflite"

    @cached_property
    def litert(self) -> BareLiteRT:
        """LiteRT alone, in its fastest layout."""
        return best_litert(self.network, self.train)

    @cached_property
    def train_records(self) -> list[Record]:
        """The 60,000 references, their pixels in memory."""
        data = load("mnist/train")
        rows = zip(data.ids, data.labels, data.images, strict=True)
        return [Record(id, label, image, {}) for id, label, image in rows]

    @cached_property
    def train(self) -> npt.NDArray[np.uint8]:
        """The references' pixels, (60000, 28, 28)."""
        return np.stack([record.pixels() for record in self.train_records])

    @cached_property
    def test(self) -> npt.NDArray[np.uint8]:
        """The queries' pixels, (10000, 28, 28)."""
        return np.asarray(load("mnist/test").images)

    @cached_property
    def vectors(self) -> npt.NDArray[np.float32]:
        """The references' embeddings, for FAISS alone."""
        return self.litert(self.train)

    @cached_property
    def gallery(self) -> Path:
        """A gallery of the 60,000."""
        path = self.folder / "digits.gallery"
        Matcher.create(path, self.embedder).add(self.train_records)
        return path

    @cached_property
    def matcher(self) -> Matcher:
        """The gallery of the 60,000, opened as a user opens it."""
        return Matcher.open(self.gallery)

    @cached_property
    def pngs(self) -> list[Path]:
        """The 10,000 queries as PNG files, in order."""
        from PIL import Image

        folder = self.folder / "digits"
        folder.mkdir()
        paths = [folder / f"{row:05d}.png" for row in range(len(self.test))]
        for path, image in zip(paths, self.test, strict=True):
            Image.fromarray(image).save(path)
        return paths
