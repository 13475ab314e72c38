"""One warm check of one array, beside LiteRT and FAISS alone.

Warm is a process that has asked so many single questions that the index has its cells, and knows
the names of all references. Ours and the floor are asked by turns of `TOGETHER` questions, as one
process asks them: a flat scan of 15 MB before each of ours would empty the processor's caches.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from itertools import cycle, islice

import faiss
import numpy as np

from bench.floors import best_litert_for_one, flat_index
from bench.material import K, Material
from bench.measure import Figure, compare, figure
from index.decision import CheckOptions

ROUNDS = 500
WARM = 4000  # single questions asked before: cells are made after 2,000, names read after 2,500
TOGETHER = 25  # questions of a turn


def figures(material: Material) -> Iterator[Figure]:
    """Milliseconds: beside FAISS with its defaults, beside FAISS on one thread, and absolute."""
    name = "check one array, warm"
    for picture in np.split(material.test[ROUNDS : ROUNDS + WARM], WARM):
        material.matcher.check(picture, CheckOptions(k=K))
    ours, floor = _rounds(material)
    note = f"floor: LiteRT + IndexFlatL2.search; {TOGETHER} questions a turn, after {WARM:,} others"
    yield figure(name, "ms", ours, floor, "<= 1.50", note)

    median = round(statistics.median(ours), 4)
    yield Figure(f"{name}, absolute", "ms", median, None, None, "<= 2", median, "")

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # one query is one thread's work: waking the others only costs
    try:
        ours, floor = _rounds(material)
    finally:
        faiss.omp_set_num_threads(threads)
    yield figure(f"{name}, FAISS on one thread", "ms", ours, floor, None, note)


def _rounds(material: Material) -> tuple[list[float], list[float]]:
    """Milliseconds a question of ours and of the floor, other digits in each turn."""
    index = flat_index(material.vectors)
    bare = best_litert_for_one(material.network, material.test[:1])
    asked, searched = (cycle(np.split(material.test[:ROUNDS], ROUNDS)) for _ in range(2))

    def ours() -> None:
        for picture in islice(asked, TOGETHER):
            material.matcher.check(picture, CheckOptions(k=K))

    def floor() -> None:
        for picture in islice(searched, TOGETHER):
            index.search(bare(picture), K)

    times, floors = compare(ours, floor, ROUNDS // TOGETHER)
    scale = 1000 / TOGETHER
    return [scale * time for time in times], [scale * time for time in floors]
