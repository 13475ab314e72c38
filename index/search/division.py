"""Whether an index is searched by cells, or bundles: made when enough is asked, used if they pay.

Making cells costs about as much as two thousand queries. So they are made when so many were asked,
and measured on rows of the index: where the vectors fill their space evenly, bounds leave nothing
out, and the search stays flat. Cells that were kept on disk cost a tenth of that. Bundles, of which
the owner of the index says which rows may be one, are made and measured at the same time. Where
they gain more than cells, queries are searched by them first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import faiss
import numpy as np

from index.search.faiss_calls import BY_MATRIX, one_thread
from index.search.kept import KeptCells
from index.search.setting import Way
from likewise.arrays import Bools, Floats, Indices

if TYPE_CHECKING:  # not for a cold query
    from index.search.bundles import Bundles
    from index.search.cells import Cells
    from index.search.pruned import Candidates

FROM = 20_000  # rows from which on cells may pay
BOUNDED = 200_000  # rows from which on a process with one query answers it without all vectors
PAYING = 1.2  # gain from which on cells are used
BUNDLES_PAYING = 2.0  # the same of bundles, by which unknown queries may be tried in vain
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
    """The cells and the bundles of an index, when there are any.

    Attributes:
        cells: Cells of all rows; None before they are made, and where they do not pay.
        bundles: Bundles of all rows; None before they are made, and where cells gain as much.
        way: `flat` for scans alone, `cells` for cells whether they pay or not, `auto` for all.
        groups: Returns a number for each row, `(n,)`: rows with the same one, 0 or more, may be a
            bundle. None where nothing is known of them.
        gain: Measured of cells: how many times as long a flat search takes; None if not measured.
        bundle_gain: The same of bundles.
        unsaved: Whether it was measured since it was saved.
    """

    def __init__(self) -> None:
        self.way: Way = "auto"
        self.groups: Callable[[], Indices] | None = None
        self.cells: Cells | None = None
        self.bundles: Bundles | None = None
        self.gain: float | None = None
        self.bundle_gain: float | None = None
        self.unsaved = False
        self._kept: KeptCells | None = None  # not yet made ready to search by
        self._trained = 0
        self._asked = 0

    def follow(self, whole: Division, rows: Indices) -> None:
        """Divide as another index, of which this one holds some rows.

        Args:
            whole: The division of the other index.
            rows: The rows of it, `(n,)`.
        """
        self.way = "flat" if whole.way == "flat" else "auto"
        if groups := whole.groups:
            self.groups = lambda: groups()[rows]

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
            self.cells = self.gain = self.bundles = self.bundle_gain = self._kept = None
        if self._is_unmeasured and self._asked >= _REPAID:
            if queries >= _TOGETHER or len(stored) <= _FAST_MADE:
                self.make(stored)
        elif self._kept is not None and self._asked >= _REPAID_READ:
            self.prepare(stored)
        if not always and BY_MATRIX <= queries < _VISITS / np.sqrt(len(stored)):
            return None  # a matrix product is faster, up to 122 queries of 60,000 rows
        return self.cells

    def for_first(self, k: int) -> Bundles | None:
        """The bundles to search by before all else, if any, once `for_search` was asked.

        Args:
            k: Neighbours that are wanted.
        """
        return self.bundles if self.way == "auto" and k <= _MOST_NEIGHBOURS else None

    def complete(self, stored: Floats) -> None:
        """Make cells that are due before a large index is left to processes of one query.

        Args:
            stored: All rows, `(n, dim)`, float32.
        """
        count = len(stored)
        if count < max(BOUNDED, FROM) or self.way == "flat":
            return
        if self._is_unmeasured or self._is_outgrown(count):
            self.make(stored)

    @property
    def _is_unmeasured(self) -> bool:
        """Whether cells or bundles were never measured, as by a version without bundles."""
        return self.gain is None or (self.bundle_gain is None and self._may_bundle)

    @property
    def _may_bundle(self) -> bool:
        return self.way == "auto" and self.groups is not None

    def _is_outgrown(self, count: int) -> bool:
        """Whether far more or far fewer rows were divided, or too many of them are alone."""
        within = self._trained / _GROWN <= count <= self._trained * _GROWN
        alone = self.bundles is not None and not self.bundles.save_rows
        return self.gain is not None and (alone or not within)

    def make(self, stored: Floats) -> None:
        """Make cells and bundles of all rows, `(n, dim)`, and measure what they gain."""
        from index.search.cells import Cells  # not for a cold query
        from index.search.pruned import candidates

        cells = Cells.train(stored)
        self.gain = 0.0 if cells is None else measured_gain(partial(candidates, cells), stored)
        self.cells = cells if self._pays(self.gain) else None
        self._bundle(stored)
        self._kept, self._trained, self._asked, self.unsaved = None, len(stored), 0, True

    def _bundle(self, stored: Floats) -> None:
        """Make bundles of the rows, and use them where they gain more than cells."""
        from index.search.bundles import Bundles, tight  # not for a cold query
        from index.search.by_bundles import candidates

        self.bundles, self.bundle_gain = None, None
        if self.groups is None or not self._may_bundle:
            return
        self.bundle_gain = 0.0
        bundle = tight(stored, self.groups())
        if bundle is None:
            return
        bundles = Bundles(stored, bundle)
        self.bundle_gain = measured_gain(partial(candidates, bundles), stored)
        if self.bundle_gain > max(self.gain or 0.0, BUNDLES_PAYING):
            self.bundles = bundles

    def _pays(self, gain: float) -> bool:
        """Whether cells of such a gain are used."""
        return gain >= PAYING or self.way == "cells"

    def prepare(self, stored: Floats) -> None:
        """Make what was kept ready to search by; `stored` are all rows, `(n, dim)`."""
        if self._kept is None:
            return
        from index.search.bundles import Bundles, numbered  # not for a cold query
        from index.search.cells import Cells, assigned

        centroids, cell, bundle = self._kept.centroids, self._kept.cell, self._kept.bundle
        if len(centroids):
            new = np.flatnonzero(cell < 0)
            cell[new] = assigned(stored[new], centroids)
            self.cells = Cells(stored, centroids, cell)
        if len(bundle):
            self.bundles = Bundles(stored, numbered(bundle))
        self._kept = None

    def restore(self, kept: KeptCells) -> None:
        """Take over what was kept of the same rows."""
        self.gain, self.bundle_gain, self._trained = kept.gain, kept.bundle_gain, kept.trained
        pays = bool(len(kept.centroids)) and self._pays(kept.gain)
        if not pays:
            kept = kept.without_cells()
        self._kept = kept if len(kept.centroids) or len(kept.bundle) else None
        if self.way == "cells" and not pays:
            self.gain = None  # made anew, to be used

    def to_keep(self) -> KeptCells | None:
        """What to keep; None where nothing was measured."""
        if self.gain is None:
            return None
        kept = self._kept or KeptCells.of_none(self._trained, self.gain, self.bundle_gain)
        if self.cells is not None:
            kept = replace(kept, centroids=self.cells.centroids, cell=self.cells.cell)
        return kept if self.bundles is None else replace(kept, bundle=self.bundles.bundle)

    def append(self, vectors: Floats) -> None:
        """Note that rows, `(n, dim)`, were added at the end."""
        if self.cells is not None:
            self.cells.append(vectors)
        if self.bundles is not None:
            self.bundles.append(vectors)
        if self._kept is not None:
            self._kept = self._kept.appended(len(vectors))

    def remove(self, kept: Bools) -> None:
        """Note that only the rows `kept`, `(n,)`, are left."""
        if self.cells is not None:
            self.cells.remove(kept)
        if self.bundles is not None:
            self.bundles.remove(kept)
        if self._kept is not None:
            self._kept = self._kept.only(kept)


def measured_gain(find: Callable[[Floats, Floats, int], Candidates], stored: Floats) -> float:
    """How many times as long a flat search of some of the rows takes, by the thread's processor.

    Args:
        find: Finds candidates among the rows, for queries and a number of neighbours.
        stored: The rows, `(n, dim)`, float32, n >= 1.
    """
    queries = np.ascontiguousarray(stored[:: max(1, len(stored) // _MEASURED)][:_MEASURED])
    start = time.thread_time()
    left = find(stored, queries, min(_NEIGHBOURS, len(stored))).given_up.mean()
    by_them = (time.thread_time() - start) / len(queries)
    few = queries[:: max(1, len(queries) // _MEASURED_FLAT)]
    start = time.thread_time()
    with one_thread(stored.shape[1]):
        faiss.knn(few, stored, min(_CANDIDATES, len(stored)))
    flat = (time.thread_time() - start) / len(few)
    return float(flat / (by_them + flat * left))
