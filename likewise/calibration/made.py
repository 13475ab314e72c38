"""Unknowns made of pictures: halves and quarters put together otherwise, overlays, scribbles.

Groups that are still to come may lie closer to the known groups than those do to each other, so
that leaving out each picture's own group promises too much. Made unknowns lie between the groups.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from embedder.training.outliers import make_outliers
from likewise.arrays import Pixels
from likewise.decoding import Decoded
from likewise.metrics.groups import Groups
from likewise.metrics.thresholds import CalibrationError

_KEPT = 500  # pictures that unknowns are made of
_AT_ONCE = 256  # unknowns


class MadeUnknowns:
    """Keeps an even sample of labelled pictures, and makes unknowns of them.

    Example:
        >>> two = np.stack([np.eye(8, dtype=np.uint8), 1 - np.eye(8, dtype=np.uint8)])
        >>> from embedder.data.records import Record
        >>> made = MadeUnknowns()
        >>> made.see(Decoded([Record("0", "a", two[0]), Record("1", "b", two[1])], two))
        >>> [pictures.shape for pictures in made.made(300)]
        [(256, 8, 8), (44, 8, 8)]
    """

    def __init__(self) -> None:
        self._pictures: list[Pixels] = []
        self._labels: list[str] = []
        self._seen = 0
        self._rng = np.random.default_rng(0)

    def see(self, part: Decoded) -> None:
        """Take further pictures into account; those without a label are passed over."""
        for record, picture in zip(part.readable, part.images, strict=True):
            if record.label is not None:
                self._take(picture, record.label)

    def _take(self, picture: Pixels, label: str) -> None:
        """Reservoir sampling: each picture that was seen is kept with the same probability."""
        self._seen += 1
        if len(self._pictures) < _KEPT:
            self._pictures.append(picture.copy())
            self._labels.append(label)
        elif (place := int(self._rng.integers(self._seen))) < _KEPT:
            self._pictures[place], self._labels[place] = picture.copy(), label

    def made(self, count: int) -> Iterator[Pixels]:
        """Make unknowns, always the same ones of the same pictures.

        Args:
            count: How many.

        Yields:
            uint8 `(m, *input_shape)`, `count` in all.

        Raises:
            CalibrationError: If the pictures are not of two groups.
        """
        groups = Groups.of(self._labels)
        if len(groups.names) < 2:
            raise CalibrationError(
                "Made unknowns need readable pictures of two groups in DATA. "
                f"Received: {len(groups.names)}."
            )
        pictures = np.stack(self._pictures)
        for start in range(0, count, _AT_ONCE):
            yield make_outliers(pictures, groups.codes, min(_AT_ONCE, count - start), start)
