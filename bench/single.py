"""One warm check of one array, beside LiteRT and FAISS alone."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from itertools import cycle

import faiss
import numpy as np

from bench.floors import best_litert_for_one, flat_index
from bench.material import K, Material
from bench.measure import Figure, compare, figure, holds
from index.decision import CheckOptions

ROUNDS = 500


def figures(material: Material) -> Iterator[Figure]:
    """Milliseconds: beside FAISS with its defaults, beside FAISS on one thread, and absolute."""
    name = "check one array, warm"
    ours, floor = _rounds(material)
    note = "floor: LiteRT + IndexFlatL2.search"
    yield figure(name, "ms", ours, floor, "<= 1.50", note)

    median = statistics.median(ours)
    met = holds(median, "<= 2")
    yield Figure(f"{name}, absolute", "ms", round(median, 4), None, None, "<= 2", met, "")

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # one query is one thread's work: waking the others only costs
    try:
        ours, floor = _rounds(material)
    finally:
        faiss.omp_set_num_threads(threads)
    yield figure(f"{name}, FAISS on one thread", "ms", ours, floor, None, note)


def _rounds(material: Material) -> tuple[list[float], list[float]]:
    """Milliseconds of ours and of the floor, another digit in each round."""
    index = flat_index(material.vectors)
    bare = best_litert_for_one(material.network, material.test[:1])
    asked, searched = (cycle(np.split(material.test[:ROUNDS], ROUNDS)) for _ in range(2))
    times, floors = compare(
        lambda: material.matcher.check(next(asked), CheckOptions(k=K)),
        lambda: index.search(bare(next(searched)), K),
        ROUNDS,
    )
    return [1000 * time for time in times], [1000 * time for time in floors]
