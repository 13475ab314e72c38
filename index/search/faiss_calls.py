"""How FAISS is called, how far its squared distances may be off, and the exact distances."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import faiss
import numpy as np

from likewise.arrays import Doubles, Floats, Indices

BY_MATRIX = 8  # from this many queries on, FAISS is faster with a matrix product
_PAIRS_AT_ONCE = 16_384  # limits the memory of exact distances
UNIT = 2.0**-24  # largest relative error of one float32 rounding
TINY = 1e-36  # more than what float32 loses by underflow in a sum of squares
_HALF_ULP = 1 + 2.0**-22  # a squared distance below this much more may round to the same float32


@contextmanager
def one_thread(dim: int) -> Iterator[None]:
    """Make FAISS's calls from this thread single-threaded: its threads would wait for ours."""
    faiss.cvar.distance_compute_blas_threshold = BY_MATRIX * dim  # FAISS counts queries · dim
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # of this thread's own calls alone
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def by_differences() -> Any:
    """Make FAISS compute Σ(x − y)², as it always does with a selector."""
    parameters: Any = faiss.SearchParameters  # its type stub lacks its keywords
    return parameters(sel=faiss.IDSelectorAll())


def squares_to(query: Floats, vectors: Floats) -> Floats:
    """FAISS's squared distances of one query, by differences, `(n,)`.

    Args:
        query: `(dim,)`, float32, contiguous.
        vectors: `(n, dim)`, float32, contiguous.
    """
    squared = np.empty(len(vectors), np.float32)
    call: Any = faiss  # its type stub lacks this
    pointers = [faiss.swig_ptr(array) for array in (squared, query, vectors)]
    call.fvec_L2sqr_ny(*pointers, len(query), len(vectors))
    return squared


def may_round_to(distances: Floats) -> Doubles:
    """The largest squared distance whose root may round to `distances` in float32."""
    exact: Doubles = distances.astype(np.float64) ** 2 * _HALF_ULP
    return exact


def longest(vectors: Floats) -> float:
    """Length of the longest vector, rounded up; 0.0 for none."""
    squared = np.einsum("nd,nd->n", vectors, vectors)
    return float(np.sqrt(squared.max(initial=0.0), dtype=np.float64)) * (1 + 1e-4)


def exact_distances(stored: Floats, queries: Floats, rows: Indices) -> Floats:
    """Exact distances of each query to its own rows, `(n, m)`.

    Args:
        stored: All rows, `(r, dim)`, float32.
        queries: `(n, dim)`, float32.
        rows: Rows of each query, `(n, m)`.
    """
    distances = np.empty(rows.shape, np.float32)
    step = max(1, _PAIRS_AT_ONCE // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        gaps = stored[rows[part]].astype(np.float64)  # (part, m, dim)
        gaps -= queries[part, None, :]
        distances[part] = np.sqrt(np.einsum("nmd,nmd->nm", gaps, gaps))
    return distances
