"""How FAISS is called: on one thread, and with which way to compute distances."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import faiss

BY_MATRIX = 8  # from this many queries on, FAISS is faster with a matrix product


@contextmanager
def one_thread(dim: int) -> Iterator[None]:
    """Make FAISS's calls from this thread single-threaded."""
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
