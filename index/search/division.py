"""Whether an index is searched by cells: made when enough is asked, used if they save time.

Making cells costs about as much as two thousand queries. So they are made when so many were asked,
and measured on rows of the index: where the vectors fill their space evenly, bounds leave nothing
out, and the search stays flat.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import faiss
import numpy as np

from index.search.faiss_calls import one_thread
from likewise.arrays import Bools, Floats

if TYPE_CHECKING:
    from index.search.cells import Cells

FROM = 20_000  # rows from which on cells may pay
_MOST_NEIGHBOURS = 128  # of a query: more lie in too many cells
_REPAID = 2_000  # queries whose flat scans cost as much as making cells
_GROWN = 2  # times as many rows as when the centroids were made, or as few: made anew
_PAYING = 1.2  # gain from which on cells are used
_NEIGHBOURS, _CANDIDATES = 5, 16  # what the measurement searches
_VALUES = 30_000_000  # distances of the measurement, by which its queries are limited

Kept = Callable[[], "Cells | None"]


class Division:
    """The cells of an index, when there are any.

    Attributes:
        cells: Cells of all rows, or None.
        gain: Measured: how many times as long a flat search takes; None where not measured.
        kept: Reads cells that were kept on disk, and is called at most once; None for none.
    """

    def __init__(self) -> None:
        self.cells: Cells | None = None
        self.gain: float | None = None
        self.kept: Kept | None = None
        self._asked = 0

    def for_search(self, stored: Floats, queries: int, k: int) -> Cells | None:
        """The cells to search by, made now if that pays; None for a flat search.

        Args:
            stored: All rows, `(n, dim)`, float32.
            queries: How many are asked now.
            k: Neighbours that are wanted.
        """
        if len(stored) < FROM or k > _MOST_NEIGHBOURS:
            return None
        self._asked += queries
        if self._outgrown(len(stored)):
            self.cells = self.gain = None
        if self.gain is None and self._asked >= _REPAID:
            self.make(stored)
        return self.cells if self.gain is not None and self.gain >= _PAYING else None

    def make(self, stored: Floats) -> None:
        """Make cells of all rows, `(n, dim)`, and measure what they gain."""
        from index.search.cells import Cells  # not for a cold query

        self._asked = 0
        self.cells = Cells.train(stored)
        self.gain = 0.0 if self.cells is None else measured_gain(self.cells, stored)

    def append(self, vectors: Floats) -> None:
        """Note that rows, `(n, dim)`, were added at the end."""
        if self.cells is not None:
            self.cells.append(vectors)

    def remove(self, kept: Bools) -> None:
        """Note that only the rows `kept`, `(n,)`, are left."""
        if self.cells is not None:
            self.cells.remove(kept)

    def _outgrown(self, rows: int) -> bool:
        if self.cells is None:
            return False
        return not self.cells.trained / _GROWN <= rows <= self.cells.trained * _GROWN


def measured_gain(cells: Cells, stored: Floats) -> float:
    """How many times as long a flat search of some of the rows takes, by the thread's processor.

    Args:
        cells: Cells of all rows.
        stored: The rows, `(n, dim)`, float32, n >= `FROM`.
    """
    from index.search.pruned import candidates  # not for a cold query

    count = max(64, min(1024, _VALUES // len(stored)))
    queries = np.ascontiguousarray(stored[:: len(stored) // count][:count])
    start = time.thread_time()
    left = candidates(cells, stored, queries, _NEIGHBOURS).given_up
    middle = time.thread_time()
    with one_thread(stored.shape[1]):
        faiss.knn(queries, stored, _CANDIDATES)
    flat = time.thread_time() - middle
    return float(flat / (middle - start + flat * left.mean()))
