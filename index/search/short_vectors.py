"""The short vectors of cells, which FAISS holds, so that one query scans many cells in one call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import faiss
import numpy as np

from likewise.arrays import Floats, Indices

_BITS = 32  # of a place in a cell
_MASK = (1 << _BITS) - 1


class ShortVectors:
    """A list of short vectors for each cell.

    Args:
        cells: How many cells, >= 1.
        width: Length of a short vector.

    Example:
        >>> short = ShortVectors(2, width=3)
        >>> short[1] = np.eye(3, dtype=np.float32)
        >>> short.within(np.array([0, 1]), np.zeros((2, 3), np.float32), 1.5)
        ([1, 1, 1], [0, 1, 2])
    """

    def __init__(self, cells: int, width: int) -> None:
        self._quantizer = faiss.IndexFlatL2(width)  # never asked: cells are named by the caller
        self._index: Any = faiss.IndexIVFFlat(self._quantizer, width, cells, faiss.METRIC_L2)
        self._index.is_trained = True
        self._index.parallel_mode = 1  # over the lists of one query; each has one: no threads
        self._lists: Any = self._index.invlists
        self._width = width

    def __len__(self) -> int:
        return int(self._lists.nlist)

    def __iter__(self) -> Iterator[Floats]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, cell: int) -> Floats:
        """A view of a cell's short vectors, `(n, width)`; valid until these change."""
        count = self._lists.list_size(cell)
        if not count:
            return np.empty((0, self._width), np.float32)
        codes = faiss.rev_swig_ptr(self._lists.get_codes(cell), count * self._width * 4)
        return np.asarray(codes).view(np.float32).reshape(count, self._width)

    def __setitem__(self, cell: int, short: Floats) -> None:
        rows = np.ascontiguousarray(short, np.float32)
        places = np.arange(len(rows)) | cell << _BITS
        self._lists.resize(cell, 0)
        codes = faiss.swig_ptr(rows.reshape(-1).view(np.uint8))
        self._lists.add_entries(cell, len(rows), faiss.swig_ptr(places), codes)

    def nearest(self, cell: int, own: Floats, k: int) -> Indices:
        """The places of a cell's k nearest short vectors, in any order.

        Args:
            cell: The cell, which has k or more.
            own: The query in short, less the cell's centroid, `(width,)`, float32, contiguous.
            k: How many, >= 1.
        """
        lists, places = np.array([cell]), np.empty(k, np.int64)
        squares, nearness = np.empty((2, k), np.float32), np.zeros(1, np.float32)
        asked, cells, near, far, found = map(
            faiss.swig_ptr, (own, lists, nearness, squares[0], places)
        )
        self._index.search_preassigned_c(1, asked, k, cells, near, far, found, False)
        return places & _MASK

    def within(self, cells: Indices, own: Floats, squared: float) -> tuple[list[int], list[int]]:
        """The short vectors of some cells that lie within a distance.

        Args:
            cells: The cells, `(c,)`, c >= 1, int64.
            own: The query in short, less each cell's centroid, `(c, width)`, float32, contiguous.
            squared: Square of the distance.

        Returns:
            The cell of each, and its place in the cell, n each.
        """
        found = faiss.RangeSearchResult(len(cells))
        nearness = np.zeros(len(cells), np.float32)  # of the cells, which is not asked for
        pointers = [faiss.swig_ptr(array) for array in (cells, nearness)]
        radius = float(np.nextafter(np.float32(squared), np.float32(np.inf)))  # FAISS: <
        self._index.range_search_preassigned_c(
            len(cells), faiss.swig_ptr(own), radius, *pointers, found
        )
        count = int(faiss.rev_swig_ptr(found.lims, len(cells) + 1)[-1])
        if not count:
            return [], []
        places = faiss.rev_swig_ptr(found.labels, count)
        return (places >> _BITS).tolist(), (places & _MASK).tolist()
