"""Lower bounds of distances between queries and rows in cells, with all rounding allowed for."""

from __future__ import annotations

import faiss
import numpy as np

from index.search.cells import lengths
from index.search.faiss_calls import TINY, UNIT, one_thread
from index.search.outline import Outline
from likewise.arrays import Bools, Doubles, Floats, Indices

UP = 1 + 2.0**-18  # more than the rounding of a short distance in float32
SHARE = 0.6  # of all rows: looking at more takes longer than a flat scan
MOST = 1024  # candidates of a query, at most
_MARGIN = 1e-12  # the same in float64, relatively
_LEAST = 1e-37  # more than distances that float32 hardly holds are rounded by


class Bounds:
    """Queries beside the cells of an index.

    Args:
        cells: Cells of all rows, or their outline.
        queries: `(n, dim)`, float32.

    Attributes:
        short: The queries' short vectors, float32.
        squared: Squared distances to the centroids, `(n, c)`, at most the true ones.
    """

    def __init__(self, cells: Outline, queries: Floats) -> None:
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

    def rings(self, query: Floats, cells: Indices, limit: float) -> Doubles:
        """How near to the centroid, and how far, the rows of cells lie that may be in reach.

        By the triangle inequality they are as far from it as the query, give or take its reach.

        Args:
            query: `(dim,)`, float32.
            cells: The cells, `(c,)`.
            limit: Distance up to which rows are looked for.

        Returns:
            The least and the largest distance in each cell, `(c, 2)`.
        """
        distances = lengths(query.astype(np.float64) - self._cells.centroids[cells])
        margins = limit + (distances + limit) * _MARGIN + _LEAST
        return np.stack([distances - margins, distances + margins], axis=1)


def short_squares(own: Floats, short: Floats) -> Floats:
    """FAISS's squared distances of short vectors, `(p, rows)`.

    Args:
        own: `offsets` of queries from a cell's centroid, `(p, m)`.
        short: The short vectors of the cell's rows, `(rows, m)`.
    """
    with one_thread(own.shape[1]):
        squared: Floats = faiss.pairwise_distances(own, short)
    return squared
