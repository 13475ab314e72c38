"""Group rows by label, and draw partners of the same or another group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from likewise.arrays import Indices


@dataclass(frozen=True)
class Groups:
    """Positions of the images of each label, so that partners are drawn without a search.

    Attributes:
        names: The distinct labels, sorted, length `g`.
        codes: Position in `names` of each image's label, shape `(n,)`, int64.
        order: Positions of the images, sorted by label, shape `(n,)`, int64.
        starts: Where each label begins in `order`, and `n` at the end, shape `(g + 1,)`, int64.
    """

    names: list[str]
    codes: Indices
    order: Indices
    starts: Indices

    @classmethod
    def of(cls, labels: Sequence[Any] | npt.NDArray[Any]) -> Groups:
        """Group the positions `0 … n - 1` by their label.

        Example:
            >>> Groups.of(["b", "a", "b"]).order
            array([1, 0, 2])
        """
        texts = list(map(str, labels.tolist() if isinstance(labels, np.ndarray) else labels))
        names = sorted(set(texts))  # np.unique would import 30 ms of NumPy into a cold query
        code = {name: place for place, name in enumerate(names)}
        codes = np.array([code[text] for text in texts], np.int64)
        order = np.argsort(codes, kind="stable").astype(np.int64)
        starts = np.searchsorted(codes[order], np.arange(len(names) + 1))
        return cls(names, codes, order, starts.astype(np.int64))

    @property
    def sizes(self) -> Indices:
        """Images per label, shape `(g,)`, int64."""
        return np.asarray(np.diff(self.starts), dtype=np.int64)

    @property
    def have_pairs(self) -> bool:
        """Whether there are pairs of one label and of two."""
        return len(self.names) > 1 and bool(self.sizes.max() > 1)

    def members(self, code: int) -> Indices:
        """Positions of the images with label number `code`, ascending, int64."""
        return self.order[self.starts[code] : self.starts[code + 1]]

    def same_partners(self, images: Indices, rng: np.random.Generator) -> Indices:
        """Draw for each image another image of its label, shape `(len(images),)`, int64.

        Each image's label must have at least two images.

        Args:
            images: Rows of images, `(p,)`, int64.
            rng: Source of randomness.
        """
        codes = self.codes[images]
        rank = np.empty(len(self.order), dtype=np.int64)
        rank[self.order] = np.arange(len(self.order))
        own = rank[images] - self.starts[codes]
        drawn = rng.integers(0, self.sizes[codes] - 1)
        partners: Indices = self.order[self.starts[codes] + drawn + (drawn >= own)]
        return partners  # `drawn >= own` steps over the image itself

    def different_partners(self, images: Indices, rng: np.random.Generator) -> Indices:
        """Draw for each image one of another label, shape `(len(images),)`, int64.

        There must be at least two labels.

        Args:
            images: Rows of images, `(p,)`, int64.
            rng: Source of randomness.
        """
        codes = self.codes[images]
        drawn = rng.integers(0, len(self.order) - self.sizes[codes])
        own_group = np.where(drawn >= self.starts[codes], self.sizes[codes], 0)
        partners: Indices = self.order[drawn + own_group]  # steps over the own group
        return partners


def rows_by_group(labels: Sequence[str]) -> dict[str, Indices]:
    """The rows of each group, ascending; labels in order.

    Example:
        >>> {label: rows.tolist() for label, rows in rows_by_group(["b", "a", "b"]).items()}
        {'a': [1], 'b': [0, 2]}
    """
    groups = Groups.of(labels)
    return {name: groups.members(code) for code, name in enumerate(groups.names)}
