"""A labelled data set in memory, as trainings take it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled pictures in memory.

    Attributes:
        ids: n ids, as `Record` has them.
        labels: n labels.
        images: n uint8 pictures: one array `(n, h, w[, 3])` when all have one shape, else a list.
        name: What to call it in a report.
    """

    ids: list[str]
    labels: list[str]
    images: np.ndarray | list[np.ndarray] = field(repr=False)
    name: str = ""

    def __post_init__(self) -> None:
        if not len(self.ids) == len(self.labels) == len(self.images):
            raise ValueError(
                "A data set needs as many ids and labels as images. Received: "
                f"{len(self.ids)} ids, {len(self.labels)} labels, {len(self.images)} images"
            )

    def __len__(self) -> int:
        return len(self.ids)

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 over the pictures and labels in their order, as 64 hex digits."""
        import hashlib

        sha = hashlib.sha256()
        for label, image in zip(self.labels, self.images, strict=True):
            sha.update(f"{label}\0{image.shape}\0".encode())
            sha.update(image.tobytes())
        return sha.hexdigest()

    def subset(self, rows: Sequence[int] | np.ndarray, name: str = "") -> Dataset:
        """Give the pictures at `rows`, in that order, as a data set of their own.

        Args:
            rows: Positions, from 0; one may come more than once.
            name: What to call the new data set; this one's name when empty.

        Example:
            >>> import numpy as np
            >>> Dataset(["a", "b"], ["1", "2"], np.zeros((2, 3, 3), np.uint8)).subset([1]).ids
            ['b']
        """
        rows = np.asarray(rows, dtype=np.intp)
        images = self.images
        return Dataset(
            [self.ids[row] for row in rows],
            [self.labels[row] for row in rows],
            images[rows] if isinstance(images, np.ndarray) else [images[row] for row in rows],
            name or self.name,
        )
