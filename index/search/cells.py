"""Rows divided into cells: balls around k-means centroids, and short vectors that bound distances.

A query farther from a cell's centroid than the cell's radius and its own reach cannot find anything
there (triangle inequality). Within a cell a few principal coordinates, and the length of the rest,
give a distance that is never larger than the true one. Every bound allows for rounding, so that
cells decide only what need not be computed; see `pruned`.
"""

from __future__ import annotations

import faiss
import numpy as np

from index.search.faiss_calls import UNIT, one_thread
from index.search.outline import Frame, Outline
from index.search.short_vectors import ShortVectors
from likewise import parallel
from likewise.arrays import Bools, Doubles, Floats, Indices, Reals

_PER_CENTROID = 64  # rows that train a centroid
_ROUNDS = 8  # of k-means; more gain nothing
_AT_ONCE = 16_384  # rows in float64
_SEED = 1
_UP = 1 + 1e-6  # more than the rounding of a length


class Cells(Outline):
    """Rows of an index in cells.

    Args:
        vectors: All rows, `(n, dim)`, float32.
        centroids: `(c, dim)`, float32.
        cell: The cell of each row, `(n,)`, from 0 to c - 1; whatever it is, bounds hold.

    Attributes:
        rows: The rows of each cell, by their distance to the centroid.
        inner: These distances, float64, ascending.
        short: Their coordinates less those of the centroid, float32.
        rounding: How much too large, in each cell, distances in `short` may be by its rows'
            rounding, `(c,)`.
    """

    def __init__(self, vectors: Floats, centroids: Floats, cell: Indices) -> None:
        super().__init__(centroids, Frame.of(vectors))
        count, width = self.origins.shape
        self.inner = [np.empty(0) for _ in range(count)]
        self.rows = [np.empty(0, np.int64) for _ in range(count)]
        self.short = ShortVectors(count, width)
        self._fill(vectors, np.arange(len(vectors)), cell)

    @classmethod
    def train(cls, vectors: Floats) -> Cells | None:
        """Divide vectors, `(n, dim)`; None where k-means finds no centroids."""
        centroids = _centroids(vectors)
        if not np.isfinite(centroids).all():
            return None
        return cls(vectors, centroids, assigned(vectors, centroids))

    def __len__(self) -> int:
        return int(self.counts.sum())

    @property
    def cell(self) -> Indices:
        """The cell of each row, `(n,)`."""
        cells = np.empty(len(self), np.int64)
        for number, rows in enumerate(self.rows):
            cells[rows] = number
        return cells

    def within(self, cells: Indices, own: Floats, squared: float) -> Indices:
        """The rows of some cells whose short vectors lie within a distance, `(n,)`.

        Args:
            cells: The cells, `(c,)`, c >= 1, int64.
            own: The query in short, less each cell's centroid, `(c, m)`, float32, contiguous.
            squared: Square of the distance.
        """
        found, places = self.short.within(cells, own, squared)
        rows = [self.rows[cell][place] for cell, place in zip(found, places, strict=True)]
        return np.array(rows, np.int64)

    def append(self, vectors: Floats) -> None:
        """Add rows at the end, `(n, dim)`, each to its nearest cell."""
        rows = np.arange(len(self), len(self) + len(vectors))
        self._fill(vectors, rows, assigned(vectors, self.centroids))

    def remove(self, kept: Bools) -> None:
        """Remove the rows that are not `kept`, `(n,)`; those that follow move up."""
        place = np.cumsum(kept) - 1
        for cell, rows in enumerate(self.rows):
            stays = kept[rows]
            if not stays.all():
                self.short[cell] = self.short[cell][stays]
                self.inner[cell] = self.inner[cell][stays]
            self.rows[cell] = place[rows[stays]]
            self.counts[cell] = len(self.rows[cell])

    def _fill(self, vectors: Floats, rows: Indices, cell: Indices) -> None:
        """Add rows to cells; their vectors are in the same order."""
        order = np.argsort(cell, kind="stable")
        begins = np.searchsorted(cell[order], np.arange(len(self.centroids) + 1))
        filled = np.flatnonzero(np.diff(begins)).tolist()

        for number in filled:
            places = order[begins[number] : begins[number + 1]]
            members = np.ascontiguousarray(vectors[places])
            short, far = self.frame.short(members)
            short -= self.origins[number]
            inner = lengths(members - self.centroids[number].astype(np.float64))
            self._merge(number, rows[places], short.astype(np.float32), inner)
            self.radius[number] = self.inner[number][-1] * _UP
            for largest, spans in ((self.spread, lengths(short)), (self.far, far)):
                largest[number] = max(largest[number], spans.max() * _UP)
        self.rounding = self.far * self.frame.error + self.spread * (2 * UNIT)

    def _merge(self, cell: int, rows: Indices, short: Floats, inner: Doubles) -> None:
        """Insert rows into a cell."""
        inner = np.concatenate([self.inner[cell], inner])
        order = np.argsort(inner, kind="stable")
        self.inner[cell] = inner[order]
        self.rows[cell] = np.concatenate([self.rows[cell], rows])[order]
        self.short[cell] = np.concatenate([self.short[cell], short])[order]
        self.counts[cell] = len(order)


def lengths(vectors: Reals) -> Doubles:
    """Length of each vector, `(n,)`; of `(n, dim)`."""
    spans: Doubles = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    return spans


def _centroids(vectors: Floats) -> Floats:
    """About √n centroids by k-means of a sample, `(c, dim)`."""
    count = max(1, 1 << int(np.log2(len(vectors)) / 2 + 0.5))
    rows = np.random.default_rng(_SEED).integers(len(vectors), size=count * _PER_CENTROID)
    sample = np.ascontiguousarray(vectors[np.sort(rows)])
    with one_thread(vectors.shape[1]):
        kmeans = faiss.Kmeans(
            vectors.shape[1], count, niter=_ROUNDS, seed=_SEED, min_points_per_centroid=1
        )
        kmeans.train(sample)
    return np.asarray(kmeans.centroids)


def assigned(vectors: Floats, centroids: Floats) -> Indices:
    """The nearest centroid of each vector, `(n,)`.

    Args:
        vectors: `(n, dim)`, float32.
        centroids: `(c, dim)`, float32.
    """

    def assign(start: int) -> Indices:
        with one_thread(vectors.shape[1]):
            part = np.ascontiguousarray(vectors[start : start + _AT_ONCE])
            nearest: Indices = faiss.knn(part, centroids, 1)[1][:, 0]
        return np.maximum(nearest, 0)  # -1 where nothing is less than infinitely far

    return np.concatenate(
        [
            np.empty(0, np.int64),
            *parallel.map_items(assign, range(0, len(vectors), _AT_ONCE)),
        ]
    )
