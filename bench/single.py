"""One warm check of one array, beside LiteRT and FAISS alone."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from itertools import cycle

import numpy as np

from bench.floors import best_litert_for_one, flat_index
from bench.material import K, Material
from bench.measure import Figure, compare, figure, holds

ROUNDS = 500


def figures(material: Material) -> Iterator[Figure]:
    """Milliseconds, as a ratio and as such."""
    index = flat_index(material.vectors)
    bare = best_litert_for_one(material.network, material.test[:1])
    asked, searched = (cycle(np.split(material.test[:ROUNDS], ROUNDS)) for _ in range(2))
    times, floors = compare(
        lambda: material.matcher.check(next(asked), k=K),
        lambda: index.search(bare(next(searched)), K),
        ROUNDS,
    )
    ours, floor = ([1000 * time for time in column] for column in (times, floors))
    name, note = "check one array, warm", f"floor: LiteRT ({bare.layout}) + IndexFlatL2.search"
    yield figure(name, "ms", ours, floor, "<= 1.50", note)
    median = statistics.median(ours)
    yield Figure(
        f"{name}, absolute", "ms", round(median, 4), None, None, "<= 2", holds(median, "<= 2"), ""
    )
