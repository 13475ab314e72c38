"""Vectors as short codes in lists: what approximate search looks at in place of the vectors.

FAISS's IVF-PQ with fast scan: k-means divides the vectors into lists, and what is left of each less
its centroid is rounded to a code of a few bytes. A query scans the codes of the lists nearest to
it. What this finds are candidates, whose distances are then computed from the vectors themselves.
"""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

from index.search.faiss_calls import one_thread
from likewise.arrays import Floats, Indices

_MOST_PARTS = 96  # of a vector, each rounded to 4 bits: with an id of 8 bytes 56 a reference
_BITS = 4  # what fast scan takes
_PER_CENTROID, _ROUNDS, _SEED = 64, 8, 1
_AT_ONCE = 16_384  # vectors added at a time
_NOBODY = -1  # FAISS's id where it finds no more


class Quantised:
    """Codes of vectors, by slots.

    Args:
        lists: FAISS's index, whose ids are slots.
    """

    def __init__(self, lists: Any) -> None:
        self._lists = lists

    @classmethod
    def train(cls, vectors: Floats, slots: Indices) -> Quantised:
        """Divide and code vectors.

        Args:
            vectors: `(n, dim)`, float32.
            slots: The slot of each, `(n,)`, ascending.
        """
        dim = vectors.shape[1]
        count = max(1, 1 << int(np.log2(len(vectors)) / 2 + 0.5))  # about √n lists
        centroids: Any = faiss.IndexFlatL2(dim)
        lists: Any = faiss.IndexIVFPQFastScan(centroids, dim, count, _parts(dim), _BITS)
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
        return int(self._lists.ntotal)

    @property
    def lists(self) -> int:
        """How many lists there are."""
        return int(self._lists.nlist)

    def append(self, vectors: Floats, slots: Indices) -> None:
        """Add vectors, `(n, dim)`, float32, with their slots, `(n,)`."""
        for start in range(0, len(vectors), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            with one_thread(vectors.shape[1]):
                self._lists.add_with_ids(np.ascontiguousarray(vectors[part]), slots[part])

    def remove(self, slots: Indices) -> None:
        """Remove the vectors of some slots, `(m,)`."""
        self._lists.remove_ids(np.asarray(slots, np.int64))

    def candidates(self, queries: Floats, probes: int, count: int) -> Indices:
        """The slots whose codes are nearest, `(n, count)`, nearest first; -1 where there are none.

        Args:
            queries: `(n, dim)`, float32.
            probes: Lists to look at, 1 or more.
            count: Candidates of each query.
        """
        parameters: Any = faiss.SearchParametersIVF  # its type stub lacks its keywords
        with one_thread(queries.shape[1]):
            _, slots = self._lists.search(queries, count, params=parameters(nprobe=probes))
        found: Indices = slots
        return found


def _parts(dim: int) -> int:
    """Into how many parts a vector is cut: the most that divide its length evenly."""
    return max(parts for parts in range(1, _MOST_PARTS + 1) if dim % parts == 0)
