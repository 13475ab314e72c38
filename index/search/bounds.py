"""Lower bounds of distances between queries and rows in cells, with all rounding allowed for."""

from __future__ import annotations

import faiss
import numpy as np

from index.search.cells import Cells, lengths
from index.search.faiss_calls import TINY, UNIT, one_thread
from likewise.arrays import Bools, Doubles, Floats, Indices

UP = 1 + 2.0**-18  # more than the rounding of a short distance in float32


class Bounds:
    """Queries beside the cells of an index.

    Args:
        cells: Cells of all rows.
        queries: `(n, dim)`, float32.

    Attributes:
        short: The queries' short vectors, float32.
        squared: Squared distances to the centroids, `(n, c)`, at most the true ones.
    """

    def __init__(self, cells: Cells, queries: Floats) -> None:
        self._cells = cells
        short, self._far = cells.frame.short(queries)
        self.short: Floats = short.astype(np.float32)
        self.squared = self._to_centroids(queries)

    def _to_centroids(self, queries: Floats) -> Floats:
        cells = self._cells
        with one_thread(queries.shape[1]):
            squared: Floats = faiss.pairwise_distances(queries, cells.centroids)
        error = 2 * (queries.shape[1] + 16) * UNIT  # (|x| + |y|)² <= 2|x|² + 2|y|²
        squares = np.einsum("nd,nd->n", queries, queries)
        squared -= np.float32(error) * squares[:, None] + np.float32(TINY)
        squared -= np.float32(error) * cells.squares + np.float32(TINY)
        return squared

    def near(self, limit: Doubles) -> Bools:
        """Which cells may hold a row within a distance of each query, `(n, c)`.

        Args:
            limit: Distance of each query, `(n,)`; inf for any.
        """
        reach = (limit[:, None] + self._cells.radius) ** 2 * UP
        return self.squared <= reach.astype(np.float32)

    def offsets(self, queries: Indices, cell: int) -> Floats:
        """Short vectors of queries less that of a centroid, `(p, m)`.

        Args:
            queries: The queries, `(p,)`.
            cell: The centroid's cell.
        """
        own: Floats = self.short[queries] - self._cells.origins[cell]
        return own

    def in_cell(self, cell: int, own: Floats) -> Floats:
        """FAISS's squared distances of short vectors to those of a cell's rows, `(p, rows)`.

        Args:
            cell: The cell.
            own: The queries' `offsets`, `(p, m)`.
        """
        with one_thread(own.shape[1]):
            squared: Floats = faiss.pairwise_distances(own, self._cells.short[cell])
        return squared

    def limits(self, limit: Doubles, queries: Indices, cell: int, own: Floats) -> Floats:
        """Squared short distances up to which a row of a cell may be within reach, `(p,)`.

        Args:
            limit: Distance up to which rows are looked for, `(p,)`.
            queries: The queries, `(p,)`.
            cell: The cell.
            own: Their `offsets`, `(p, m)`.
        """
        spans = lengths(own)
        squared = (limit + self.slack(queries, cell, spans)) ** 2 * UP + TINY
        squared += (spans + self._cells.spread[cell]) ** 2 * (own.shape[1] + 10) * UNIT
        return np.nextafter(squared.astype(np.float32), np.float32(np.inf))

    def slack(self, queries: Indices | int, cells: Indices | int, spans: Doubles) -> Doubles:
        """How much short distances may be too large by rounding.

        Args:
            queries: Queries, `(p,)`, or one.
            cells: Cells, `(p,)`, or one.
            spans: Lengths of the queries' short vectors less the centroids', `(p,)`.
        """
        divided = self._cells
        slack: Doubles = (self._far[queries] + divided.far[cells]) * divided.frame.error
        return slack + (spans + divided.spread[cells]) * (2 * UNIT)
