"""Vectors of pictures, computed from their features a few at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedder.transfer.head import Head, unit
from embedder.transfer.row_file import Features
from likewise.arrays import Floats, Indices

AT_ONCE = 512  # features, of thousands of numbers each


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """The vectors of n pictures.

    Attributes:
        features: Features of these pictures and others; a picture's first view is itself.
        rows: The rows of the n pictures among them.
        head: Maps features to vectors; None where a vector is the features at length 1.
    """

    features: Features
    rows: Indices
    head: Head | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, part: slice) -> Floats:
        """The vectors of a part, `(m, dim)`."""
        rows = self.rows[part]
        own = self.features[rows, np.zeros_like(rows)].astype(np.float32, copy=False)
        return unit(own) if self.head is None else self.head.embed(own)

    def together(self) -> Floats:
        """All vectors, `(n, dim)`."""
        parts = [self[start : start + AT_ONCE] for start in range(0, len(self), AT_ONCE)]
        return np.concatenate(parts)
