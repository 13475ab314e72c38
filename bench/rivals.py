"""Libraries of nearest neighbours, each built once and asked at several settings, for `curve`.

All run on one thread, so that processor time is that of the search, and return rows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import click
import faiss
import numpy as np

from index.search.faiss_calls import one_thread
from likewise import parallel
from likewise.arrays import Floats, Indices

Search = Callable[[Floats, int], Indices]  # queries (n, dim), and k, to rows (n, k); -1 for none
LINKS, BUILD_WIDTH = 16, 200  # of each graph: neighbours of a vector, candidates while it is built
WIDTHS = (5, 10, 20, 40, 80, 160, 320, 640)  # candidates while a graph is searched
PROBES = (1, 2, 4, 8, 16, 32, 64, 128)  # lists of an inverted file that are looked at


def require_rivals() -> tuple[Any, Any]:
    """The modules of hnswlib and usearch.

    Raises:
        UsageError: If one is not installed.
    """
    return _installed("hnswlib"), _installed("usearch.index")


def rivals(stored: Floats) -> Iterator[tuple[str, list[tuple[str, Search]]]]:
    """Each library with what it was built on, and a search for each of its settings.

    Args:
        stored: The references, `(n, dim)`, float32.

    Raises:
        UsageError: If hnswlib or usearch is not installed.
    """
    hnswlib, usearch = require_rivals()
    yield "FAISS flat", [("", _flat(stored))]
    yield "FAISS IVF", list(_inverted(stored))
    yield "FAISS HNSW", list(_faiss_graph(stored))
    yield "hnswlib", list(_hnswlib(hnswlib, stored))
    yield "usearch", list(_usearch(usearch, stored))


def _installed(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise click.UsageError(
            f"`python -m bench.curve` compares with {name.partition('.')[0]}, which is not "
            "installed. Install both: pip install hnswlib usearch"
        ) from error


def _flat(stored: Floats) -> Search:
    def search(queries: Floats, k: int) -> Indices:
        with one_thread(stored.shape[1]):  # with a matrix product from eight queries on
            rows: Indices = faiss.knn(queries, stored, k)[1]
        return rows

    return search


def _inverted(stored: Floats) -> Iterator[tuple[str, Search]]:
    count, dim = stored.shape
    index: Any = faiss.index_factory(dim, f"IVF{int(2 * np.sqrt(count))},Flat")
    index.train(stored)
    index.add(stored)
    for probes in PROBES:
        yield f"nprobe {probes}", _of_faiss(index, "nprobe", probes)


def _faiss_graph(stored: Floats) -> Iterator[tuple[str, Search]]:
    index: Any = faiss.IndexHNSWFlat(stored.shape[1], LINKS)
    index.hnsw.efConstruction = BUILD_WIDTH
    index.add(stored)
    for width in WIDTHS:
        yield f"efSearch {width}", _of_faiss(index.hnsw, "efSearch", width, index)


def _of_faiss(holder: Any, name: str, value: int, index: Any = None) -> Search:
    def search(queries: Floats, k: int) -> Indices:
        setattr(holder, name, value)
        with one_thread(queries.shape[1]):
            rows: Indices = (index or holder).search(queries, k)[1]
        return rows

    return search


def _hnswlib(hnswlib: Any, stored: Floats) -> Iterator[tuple[str, Search]]:
    index = hnswlib.Index("l2", stored.shape[1])
    index.init_index(len(stored), M=LINKS, ef_construction=BUILD_WIDTH, random_seed=1)
    index.set_num_threads(parallel.count())
    index.add_items(stored)

    def at(width: int) -> Search:
        def search(queries: Floats, k: int) -> Indices:
            index.set_ef(max(width, k))
            rows: Indices = index.knn_query(queries, k, num_threads=1)[0].astype(np.int64)
            return rows

        return search

    for width in WIDTHS:
        yield f"ef {width}", at(width)


def _usearch(usearch: Any, stored: Floats) -> Iterator[tuple[str, Search]]:
    settings = {"connectivity": LINKS, "expansion_add": BUILD_WIDTH, "dtype": "f32"}
    index = usearch.Index(ndim=stored.shape[1], metric="l2sq", **settings)
    index.add(np.arange(len(stored)), stored, threads=parallel.count())

    def at(width: int) -> Search:
        def search(queries: Floats, k: int) -> Indices:
            index.expansion_search = width
            found = index.search(queries, k, threads=1)
            rows = np.full((len(queries), k), -1)
            keys = np.asarray(found.keys).reshape(len(queries), -1)
            rows[:, : keys.shape[1]] = keys
            return rows

        return search

    for width in WIDTHS:
        yield f"expansion {width}", at(width)
