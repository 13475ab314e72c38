"""Whether an index is searched by cells: made when enough is asked, used if they save time.

Making cells costs about as much as two thousand queries. So they are made when so many were asked,
and measured on rows of the index: where the vectors fill their space evenly, bounds leave nothing
out, and the search stays flat. Cells that were kept on disk cost a tenth of that.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import faiss
import numpy as np

from index.search.faiss_calls import BY_MATRIX, one_thread
from index.search.kept import KeptCells
from index.search.setting import Way
from likewise.arrays import Bools, Floats, Indices

if TYPE_CHECKING:
    from index.search.cells import Cells

FROM = 20_000  # rows from which on cells may pay
BOUNDED = 200_000  # rows from which on a process with one query answers it without all vectors
PAYING = 1.2  # gain from which on cells are used
_MOST_NEIGHBOURS = 128  # of a query: more lie in too many cells
_REPAID = 2_000  # queries whose flat scans cost as much as making cells
_REPAID_READ = 300  # the same for cells that were kept
_FAST_MADE = 100_000  # rows up to which cells are made while a single query waits, in half a second
_TOGETHER = 64  # queries that may wait for cells to be made
_VISITS = 30_000  # queries · √rows from which on visits of all cells pay
_GROWN = 2  # times as many rows as when the centroids were made, or as few: made anew
_NEIGHBOURS, _CANDIDATES = 5, 16  # what the measurement searches
_MEASURED, _MEASURED_FLAT = 2048, 128  # queries of the measurement: cells need many at a time


class Division:
    """The cells of an index, when there are any.

    Attributes:
        cells: Cells of all rows; None before they are made, and where they do not pay.
        way: `flat` for scans alone, `cells` for cells whether they pay or not, `auto` for both.
        gain: Measured: how many times as long a flat search takes; None where not measured.
        unsaved: Whether it was measured since it was saved.
    """

    def __init__(self) -> None:
        self.way: Way = "auto"
        self.cells: Cells | None = None
        self.gain: float | None = None
        self.unsaved = False
        self._kept: tuple[Floats, Indices] | None = None  # centroids, and the cell of each row
        self._trained = 0
        self._asked = 0

    def for_search(self, stored: Floats, queries: int, k: int) -> Cells | None:
        """The cells to search by, made now if that pays; None for a flat search.

        Args:
            stored: All rows, `(n, dim)`, float32.
            queries: How many are asked now.
            k: Neighbours that are wanted.
        """
        always = self.way == "cells"
        if self.way == "flat" or k > _MOST_NEIGHBOURS or not (always or len(stored) >= FROM):
            return None
        self._asked += queries
        if self._is_outgrown(len(stored)):
            self.cells = self.gain = self._kept = None
        if self.gain is None and self._asked >= _REPAID:
            if queries >= _TOGETHER or len(stored) <= _FAST_MADE:
                self.make(stored)
        elif self._kept is not None and self._asked >= _REPAID_READ:
            self.prepare(stored)
        if not always and BY_MATRIX <= queries < _VISITS / np.sqrt(len(stored)):
            return None  # a matrix product is faster, up to 122 queries of 60,000 rows
        return self.cells

    def complete(self, stored: Floats) -> None:
        """Make cells that are due before a large index is left to processes of one query.

        Args:
            stored: All rows, `(n, dim)`, float32.
        """
        count = len(stored)
        if count < max(BOUNDED, FROM) or self.way == "flat":
            return
        if self.gain is None or self._is_outgrown(count):
            self.make(stored)

    def _is_outgrown(self, count: int) -> bool:
        """Whether there are far more rows, or far fewer, than when centroids were made."""
        within = self._trained / _GROWN <= count <= self._trained * _GROWN
        return self.gain is not None and not within

    def make(self, stored: Floats) -> None:
        """Make cells of all rows, `(n, dim)`, and measure what they gain."""
        from index.search.cells import Cells  # not for a cold query

        cells = Cells.train(stored)
        self.gain = 0.0 if cells is None else measured_gain(cells, stored)
        self.cells = cells if self._pays(self.gain) else None
        self._kept, self._trained, self._asked, self.unsaved = None, len(stored), 0, True

    def _pays(self, gain: float) -> bool:
        """Whether cells of such a gain are used."""
        return gain >= PAYING or self.way == "cells"

    def prepare(self, stored: Floats) -> None:
        """Make the cells that were kept ready to search by; `stored` are all rows, `(n, dim)`."""
        if self._kept is None:
            return
        from index.search.cells import Cells, assigned  # not for a cold query

        centroids, cell = self._kept
        new = np.flatnonzero(cell < 0)
        cell[new] = assigned(stored[new], centroids)
        self.cells, self._kept = Cells(stored, centroids, cell), None

    def restore(self, kept: KeptCells) -> None:
        """Take over what was kept of the same rows."""
        self.gain, self._trained = kept.gain, kept.trained
        pays = len(kept.centroids) and self._pays(kept.gain)
        self._kept = (kept.centroids, kept.cell) if pays else None
        if self.way == "cells" and not pays:
            self.gain = None  # made anew, to be used

    def to_keep(self) -> KeptCells | None:
        """What to keep; None where nothing was measured."""
        if self.gain is None:
            return None
        centroids, cell = self._kept or (np.empty((0, 0), np.float32), np.empty(0, np.int64))
        if self.cells is not None:
            centroids, cell = self.cells.centroids, self.cells.cell
        return KeptCells(self._trained, self.gain, centroids, cell)

    def append(self, vectors: Floats) -> None:
        """Note that rows, `(n, dim)`, were added at the end."""
        if self.cells is not None:
            self.cells.append(vectors)
        if self._kept is not None:
            centroids, cell = self._kept
            self._kept = centroids, np.concatenate([cell, np.full(len(vectors), -1)])

    def remove(self, kept: Bools) -> None:
        """Note that only the rows `kept`, `(n,)`, are left."""
        if self.cells is not None:
            self.cells.remove(kept)
        if self._kept is not None:
            centroids, cell = self._kept
            self._kept = centroids, cell[kept]


def measured_gain(cells: Cells, stored: Floats) -> float:
    """How many times as long a flat search of some of the rows takes, by the thread's processor.

    Args:
        cells: Cells of all rows.
        stored: The rows, `(n, dim)`, float32, n >= 1.
    """
    from index.search.pruned import candidates  # not for a cold query

    queries = np.ascontiguousarray(stored[:: max(1, len(stored) // _MEASURED)][:_MEASURED])
    start = time.thread_time()
    left = candidates(cells, stored, queries, min(_NEIGHBOURS, len(stored))).given_up.mean()
    by_cells = (time.thread_time() - start) / len(queries)
    few = queries[:: max(1, len(queries) // _MEASURED_FLAT)]
    start = time.thread_time()
    with one_thread(stored.shape[1]):
        faiss.knn(few, stored, min(_CANDIDATES, len(stored)))
    flat = (time.thread_time() - start) / len(few)
    return float(flat / (by_cells + flat * left))
