"""A labelled data set, as trainings take it: its pictures in memory, or decoded whenever read."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from embedder.data.content import Digest, content_hash
from embedder.data.streamed import Streamed
from likewise.arrays import Pixels

R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled pictures.

    Attributes:
        ids: n ids, as `Record` has them.
        labels: n labels.
        images: n uint8 pictures: one array `(n, h, w[, 3])` when all have one shape, else a list;
            or `Streamed`, which memory never holds as a whole.
        name: What to call it in a report.
    """

    ids: list[str]
    labels: list[str]
    images: np.ndarray | Sequence[np.ndarray] = field(repr=False)
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
        if isinstance(self.images, Streamed) and self.images.digest is not None:
            return self.images.digest
        digest = Digest()
        for label, image in zip(self.labels, self.images, strict=True):
            digest.add(label, image)
        return digest.hexdigest()

    @functools.cached_property
    def contents(self) -> list[bytes]:
        """The content hash of each picture."""
        if isinstance(self.images, Streamed):
            return self.images.contents
        return [content_hash(image) for image in self.images]

    @property
    def shapes(self) -> set[tuple[int, ...]]:
        """The shapes that pictures have, each once."""
        if isinstance(self.images, Streamed):
            return set(self.images.shapes)
        return {image.shape for image in self.images}

    def each(
        self, function: Callable[[int, Pixels], R], first: int = 0
    ) -> Generator[R, None, None]:
        """Call a function on each picture, in order; pictures that are streamed come and go.

        Args:
            function: Called with a row and its picture, in this thread or in others.
            first: The first row, 0 to n.

        Raises:
            DatasetError: While iterating, if a streamed picture is no longer as it was.

        Example:
            >>> two = Dataset(["a", "b"], ["1", "2"], np.zeros((2, 3, 3), np.uint8))
            >>> list(two.each(lambda row, picture: (row, picture.shape)))
            [(0, (3, 3)), (1, (3, 3))]
        """
        if isinstance(self.images, Streamed):
            yield from self.images.each(function, first)
        else:
            for row in range(first, len(self)):
                yield function(row, self.images[row])

    def subset(self, rows: Sequence[int] | np.ndarray, name: str = "") -> Dataset:
        """Give the pictures at `rows`, in that order, as a data set of their own.

        Args:
            rows: Positions, from 0; one may come more than once. They must ascend where pictures
                are streamed.
            name: What to call the new data set; this one's name when empty.

        Example:
            >>> import numpy as np
            >>> Dataset(["a", "b"], ["1", "2"], np.zeros((2, 3, 3), np.uint8)).subset([1]).ids
            ['b']
        """
        rows = np.asarray(rows, dtype=np.intp)
        return Dataset(
            [self.ids[row] for row in rows],
            [self.labels[row] for row in rows],
            self._images_at(rows),
            name or self.name,
        )

    def _images_at(self, rows: np.ndarray) -> np.ndarray | Sequence[np.ndarray]:
        images = self.images
        if isinstance(images, Streamed):
            return images.at(rows.tolist())
        return images[rows] if isinstance(images, np.ndarray) else [images[row] for row in rows]
