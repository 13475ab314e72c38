"""Approximate search beside FAISS's flat search and exact search, with the recall that it has.

The recall is that of queries which no sample has seen: test digits, and pictures that are none.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import faiss
import numpy as np

from bench.measure import Figure, figure
from index.gallery import Gallery
from index.search.faiss_calls import one_thread
from index.search.promise import Promise
from index.search.setting import CODES, Asking, SearchSetting
from likewise.arrays import Floats, Strings
from likewise.metrics.pairs import exact_distances

K, BATCH, ROUNDS, AT_ONCE = 5, 4096, 3, 100_000
RECALL = 0.99
_ASKED: tuple[Asking, ...] = ("both", "known")
BARS = {("both", "known"): 5, ("both", "unknown"): 5, ("known", "known"): 15}


def approximate(
    name: str, stored: Floats, labels: Strings, queries: dict[str, Floats]
) -> Iterator[Figure]:
    """Speed and recall of a gallery of these references, for each way to promise a recall.

    Args:
        name: What the references are called.
        stored: `(n, dim)`, float32.
        labels: The group of each, `(n,)`.
        queries: Known and unknown ones, by these names, `(m, dim)` each.
    """
    with tempfile.TemporaryDirectory(prefix="likewise-bench-") as folder:
        path = Path(folder) / "made.gallery"
        with Gallery.create(path, dim=stored.shape[1], fingerprint="bench") as gallery:
            for start in range(0, len(stored), AT_ONCE):
                part = slice(start, start + AT_ONCE)
                ids = [f"r{row}" for row in range(*part.indices(len(stored)))]
                gallery.add(ids, stored[part], labels[part].tolist())
        with Gallery.open(path) as gallery:
            for asked in _ASKED:
                yield from _promised(name, gallery, stored, queries, asked)


def _promised(
    name: str, gallery: Gallery, stored: Floats, queries: dict[str, Floats], asked: Asking
) -> Iterator[Figure]:
    start = time.process_time()
    promise = gallery.choose_search(SearchSetting(recall=RECALL, recall_of=asked))
    assert promise is not None
    what = f"{name}, --recall {RECALL} --recall-of {asked}"
    note = f"tuned in {time.process_time() - start:.0f} s of processor time: {_chosen(promise)}"
    size = (gallery.path / CODES).stat().st_size / len(stored)
    yield figure(f"{what}: bytes of a reference", "bytes", [size], [1.0], "<= 60", note)
    for kind, every in queries.items():
        together = every[:BATCH]
        near = gallery.search(together, K)
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            with one_thread(stored.shape[1]):
                start = time.process_time()
                rows = faiss.knn(together, stored, K)[1][:, 0]
                times[0].append(time.process_time() - start)
            start = time.process_time()
            gallery.search(together, K)
            times[1].append(time.process_time() - start)
        nearest = exact_distances(together, np.arange(len(together)), stored, rows)
        share = float((near.distances[:, 0] <= nearest).mean())
        bar = BARS.get((asked, kind))
        yield figure(
            f"{what}, {kind}: batch, flat ÷ approximate",
            "us a query",
            [min(times[0]) * 1e6 / len(together)],
            [min(times[1]) * 1e6 / len(together)],
            None if bar is None else f">= {bar}",
            f"floor: approximate, which found the nearest of {share:.4f}",
        )


def _chosen(promise: Promise) -> str:
    """How far queries look, and what the samples say."""
    kinds = {"known": promise.known, "unknown": promise.unknown, "between": promise.between}
    found = ", ".join(f"{kind} {each.recall:.4f}" for kind, each in kinds.items() if each)
    return f"{promise.effort}; {found or 'nothing keeps it'}"
