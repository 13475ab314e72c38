"""Vectors as short codes in lists: what approximate search looks at in place of the vectors.

FAISS's IVF-PQ with fast scan: k-means divides the vectors into lists, and what is left of each less
its centroid is rounded to a code of a few bytes. A query scans the codes of the lists nearest to
it. What this finds are candidates; their distances come from the vectors themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import faiss
import numpy as np

from index.search.faiss_calls import one_thread
from likewise.arrays import Floats, Indices

_MOST_PARTS = 96  # of a vector, each rounded to 4 bits: with an id of 8 bytes 56 a reference
_BITS = 4  # what fast scan takes
_PER_CENTROID, _ROUNDS, _SEED = 64, 8, 1
_AT_ONCE = 16_384  # vectors added at a time


class Quantised:
    """Codes of vectors, by slots.

    Codes of slots that are gone stay, for whoever searches to pass over: FAISS 1.15 spoils codes
    that are added to a list after others were removed from it.

    Args:
        lists: FAISS's index, whose ids are slots.
    """

    def __init__(self, lists: Any) -> None:
        self.lists = lists

    @classmethod
    def train(cls, vectors: Floats, slots: Indices) -> Quantised:
        """Divide and code vectors.

        Args:
            vectors: `(n, dim)`, float32.
            slots: The slot of each, `(n,)`, ascending.

        Raises:
            RuntimeError: If FAISS finds no centroids.
        """
        dim = vectors.shape[1]
        count = max(1, 1 << int(np.log2(len(vectors)) / 2 + 0.5))  # about √n lists
        centroids: Any = faiss.IndexFlatL2(dim)
        lists: Any = faiss.IndexIVFPQFastScan(centroids, dim, count, _cuts(dim), _BITS)
        lists.own_fields = True
        centroids.this.disown()
        lists.by_residual = True  # without it the nearest is found for two of five queries
        lists.cp.niter, lists.cp.seed = _ROUNDS, _SEED
        lists.cp.min_points_per_centroid = 1
        rows = np.random.default_rng(_SEED).integers(len(vectors), size=count * _PER_CENTROID)
        with one_thread(dim):
            lists.train(np.ascontiguousarray(vectors[np.sort(rows)]))
        coded = cls(lists)
        coded.append(vectors, slots)
        return coded

    def __len__(self) -> int:
        """How many codes there are, those of slots that are gone too."""
        return int(self.lists.ntotal)

    def append(self, vectors: Floats, slots: Indices) -> None:
        """Add vectors.

        Args:
            vectors: `(n, dim)`, float32.
            slots: Their slots, `(n,)`.
        """
        for start in range(0, len(vectors), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            with one_thread(vectors.shape[1]):
                self.lists.add_with_ids(np.ascontiguousarray(vectors[part]), slots[part])

    def members(self) -> Iterator[tuple[int, Indices]]:
        """Each list with the slots in it."""
        held = self.lists.invlists
        for number in range(self.lists.nlist):
            size = held.list_size(number)
            if size:
                yield number, faiss.rev_swig_ptr(held.get_ids(number), size).copy()


def _cuts(dim: int) -> int:
    """Into how many parts a vector is cut: of two numbers each, where that gives not too many."""
    fitting = [parts for parts in range(1, _MOST_PARTS + 1) if dim % parts == 0]
    return next((parts for parts in fitting if 2 * parts >= dim), fitting[-1])
