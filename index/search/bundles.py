"""Bundles: rows that lie close together and are looked at as one, by their mean and a radius.

A row is as near to a query as the mean of its bundle, give or take the radius; so only the rows of
bundles in reach are computed, see `by_bundles`. The groups of a gallery make bundles where they are
tight. Rows far from their group's mean, rows of large groups and of none are alone in theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import faiss
import numpy as np

from index.search.faiss_calls import TINY, UNIT, longest, one_thread
from index.search.spans import spread
from likewise.arrays import Bools, Doubles, Floats, Indices

MOST = 256  # rows of a bundle: all are computed where it is near
_SAVING = 4  # rows for each bundle, on average, from which on bundles may pay
_SAMPLE = 1_000  # means that show how far bundles lie apart
_AT_ONCE = 16_384  # rows in float64
_UP = 1 + 1e-6  # more than the rounding of a length


class Bundles:
    """Rows of an index in bundles.

    Args:
        vectors: All rows, `(n, dim)`, float32.
        bundle: The bundle of each row, `(n,)`, from 0 to m - 1, each at least once; whatever it
            is, bounds hold.

    Attributes:
        bundle: The same.
        sizes: How many rows each bundle has, `(m,)`.
        means: The vector that stands for each bundle, `(m, dim)`, float32.
        radius: Largest distance of its rows to that vector, rounded up, `(m,)`.
        first: A row of each bundle, `(m,)`.
    """

    def __init__(self, vectors: Floats, bundle: Indices) -> None:
        self.means, distances = _means(vectors, bundle)
        self.radius = np.zeros(len(self.means))
        np.maximum.at(self.radius, bundle, distances * _UP)
        self._arrange(bundle, np.argsort(bundle, kind="stable"))

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def save_rows(self) -> bool:
        """Whether there are so few bundles that they may pay."""
        return _SAVING * len(self) <= len(self.bundle)

    def spread(self, bundles: Indices) -> tuple[Indices, Indices]:
        """The rows of some bundles, `(p,)`: which of the bundles each is of, and the rows."""
        places, at = spread(self._begins[bundles], self._begins[bundles + 1])
        return places, self._rows[at]

    def nearest(self, queries: Floats, most: int) -> Nearest:
        """The bundles whose means are nearest to each query.

        Args:
            queries: `(n, dim)`, float32.
            most: How many, if there are so many.
        """
        wide = min(most, len(self))
        with one_thread(queries.shape[1]):
            squared, found = faiss.knn(queries, self.means, wide)
        spans = np.sqrt(np.einsum("nd,nd->n", queries, queries, dtype=np.float64))
        error = (spans + self._longest) ** 2 * ((queries.shape[1] + 8) * UNIT) + TINY
        least = np.sqrt(np.maximum(squared - error[:, None], 0))
        beyond = np.full(len(queries), np.inf)
        if wide < len(self):
            beyond = least[:, -1] - self._widest
        radius = self.radius[found]
        farthest = np.sqrt(squared.clip(0) + error[:, None]) * _UP + radius
        return Nearest(found, least - radius, farthest, beyond)

    def append(self, vectors: Floats) -> None:
        """Add rows at the end, `(n, dim)`, each alone."""
        rows = np.arange(len(vectors))
        self.means = np.concatenate([self.means, vectors])
        self.radius = np.concatenate([self.radius, np.zeros(len(vectors))])
        self._arrange(
            np.concatenate([self.bundle, len(self) + rows]),
            np.concatenate([self._rows, len(self.bundle) + rows]),
        )

    def remove(self, kept: Bools) -> None:
        """Remove the rows that are not `kept`, `(n,)`; those that follow move up."""
        left: Bools = np.zeros(len(self), bool)
        left[self.bundle[kept]] = True
        self.means, self.radius = self.means[left], self.radius[left]
        place, number = np.cumsum(kept) - 1, np.cumsum(left) - 1
        self._arrange(number[self.bundle[kept]], place[self._rows[kept[self._rows]]])

    def _arrange(self, bundle: Indices, rows: Indices) -> None:
        """Hold the rows, which are in the order of their bundles."""
        self.bundle, self._rows = bundle, rows
        self.sizes = np.bincount(bundle, minlength=len(self.means))
        self._begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.sizes)])
        self.first = rows[self._begins[:-1]]
        self._longest = longest(self.means)
        self._widest = float(self.radius.max(initial=0))


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The bundles near n queries, by their means.

    Attributes:
        bundles: The bundles, `(n, w)`, nearest means first.
        least: No row of theirs is nearer than this, `(n, w)`.
        most: No row of theirs is farther than this, `(n, w)`.
        beyond: No row of any other bundle is nearer than this, `(n,)`; inf where there is none.
    """

    bundles: Indices
    least: Doubles
    most: Doubles
    beyond: Doubles


def tight(vectors: Floats, codes: Indices) -> Indices | None:
    """The bundle of each row, `(n,)`, by its group; None where bundles would save little.

    Args:
        vectors: All rows, `(n, dim)`, float32.
        codes: The group of each row, `(n,)`, from 0 on; -1 for none.
    """
    grouped = codes >= 0
    grouped &= np.bincount(codes + 1)[codes + 1] <= MOST
    groups = _numbered(codes, grouped)
    if not len(groups) or _SAVING * (groups.max() + 1) > len(groups):
        return None
    means, distances = _means(vectors, groups)
    bundle = _numbered(codes, grouped & (distances <= _apart(means) / 2))
    return None if _SAVING * (bundle.max() + 1) > len(bundle) else bundle


def _numbered(codes: Indices, together: Bools) -> Indices:
    """Numbers for groups, `(n,)`; rows that are not `together` with theirs get their own."""
    keys = np.where(together, codes, codes.max(initial=0) + 1 + np.arange(len(codes)))
    return numbered(keys)


def numbered(keys: Indices) -> Indices:
    """The place of each key among the different ones, `(n,)`."""
    numbers: Indices = np.unique(keys, return_inverse=True)[1]
    return numbers


def _apart(means: Floats) -> float:
    """The distance from a mean to the nearest other one, in the median; 0 for less than two."""
    if len(means) < 2:
        return 0.0
    with one_thread(means.shape[1]):
        squared, _ = faiss.knn(means[:: max(1, len(means) // _SAMPLE)], means, 2)
    return float(np.sqrt(max(np.median(squared[:, 1]), 0)))


def _means(vectors: Floats, bundle: Indices) -> tuple[Floats, Doubles]:
    """The mean of each bundle, `(m, dim)`, float32, and the distance of each row to it, `(n,)`."""
    order, sizes = np.argsort(bundle, kind="stable"), np.bincount(bundle)
    begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    means = np.empty((len(sizes), vectors.shape[1]), np.float32)
    distances = np.empty(len(vectors))
    start = 0
    while start < len(sizes):
        enough = int(np.searchsorted(begins, begins[start] + _AT_ONCE, "right")) - 1
        part = slice(start, max(start + 1, enough))
        rows = order[begins[part.start] : begins[part.stop]]
        members = vectors[rows].astype(np.float64)
        sums = np.add.reduceat(members, begins[part] - begins[start])
        means[part] = sums / sizes[part, None]
        members -= np.repeat(means[part], sizes[part], axis=0)
        distances[rows] = np.sqrt(np.einsum("nd,nd->n", members, members))
        start = part.stop
    return means, distances
