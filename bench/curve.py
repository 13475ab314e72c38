"""`python -m bench.curve [--count N]`: search here and in other libraries, at equal recall.

For each library and setting, and for known and unknown queries apart: the share of the 1 to 5
nearest references that is found, and the processor time of a query, in a batch and alone. The
queries are those of `bench.million`, and so are other numbers of references than the 60,000 digits.
Prints a line of JSON for each, and with --picture draws them all. Ours is `Gallery.search` as a
user calls it, with a snapshot and with ids and labels; the others return numbers of rows. Needs
hnswlib and usearch; takes minutes, at a million an hour.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import faiss
import numpy as np

from bench.command import Benchmark
from bench.curve_picture import draw
from bench.material import Material
from bench.measure import machine
from bench.million import million, unknown
from bench.rivals import Search, require_rivals, rivals
from embedder.data.sources import load
from index.gallery import Gallery
from index.search.faiss_calls import one_thread
from index.search.setting import SearchSetting
from likewise.arrays import Doubles, Floats, Indices, Strings

K, BATCH, SINGLE, ROUNDS = 5, 4096, 200, 3
RECALL, AT_ONCE = 0.99, 100_000


@dataclass(frozen=True, slots=True)
class Point:
    """One setting of a library, asked one kind of queries.

    Attributes:
        library: Its name.
        setting: What was set; empty where there is nothing to set.
        kind: `known` or `unknown`.
        recall: Share of the nearest 1, 2, ... 5 references that is found.
        batch: Processor time of a query among 4,096, in microseconds.
        single: The same of a query alone.
    """

    library: str
    setting: str
    kind: str
    recall: list[float]
    batch: float
    single: float


@click.command(cls=Benchmark)
@click.option("--count", default=60_000, show_default=True, help="References.")
@click.option("--picture", type=click.Path(path_type=Path), help="PNG file to draw.")
def main(count: int, picture: Path | None) -> None:
    """Measure, print one line of JSON for each point, and draw them."""
    require_rivals()  # before minutes of work
    with tempfile.TemporaryDirectory(prefix="likewise-bench-") as folder:
        points = []
        for point in measured(Material(Path(folder)), count, Path(folder)):
            points.append(point)
            print(json.dumps(asdict(point)), flush=True)
    load = round(os.getloadavg()[0], 2)
    print(json.dumps({"count": count, "load": load, "machine": machine()}))
    if picture is not None:
        draw(points, count, picture)


def measured(material: Material, count: int, folder: Path) -> Iterator[Point]:
    """All points.

    Args:
        material: The digits.
        count: How many references.
        folder: An empty folder to make a gallery in.
    """
    stored, sources = material.vectors, np.arange(len(material.vectors))
    if count != len(stored):
        stored, sources = million(stored, count, np.random.default_rng(0))
    queries = {"known": material.litert(material.test), "unknown": unknown(material)}
    queries = {kind: every[:BATCH] for kind, every in queries.items()}
    with one_thread(stored.shape[1]):
        nearest = {kind: faiss.knn(every, stored, K)[1] for kind, every in queries.items()}
    exact = {kind: _distances(queries[kind], stored, rows) for kind, rows in nearest.items()}

    def points(library: str, setting: str, search: Search) -> Iterator[Point]:
        for kind, asked in queries.items():
            found = _distances(asked, stored, search(asked, K))
            recall = [round(_recall(found, exact[kind], k), 5) for k in range(1, K + 1)]
            times = _batch(search, asked), _alone(search, asked)
            yield Point(library, setting, kind, recall, *times)

    labels = np.array(load("mnist/train").labels, object)[sources]
    with _gallery(folder / "made.gallery", stored, labels) as gallery:
        for name, search in ours(gallery):
            yield from points(name, "", search)
    for library, searches in rivals(stored):
        for setting, search in searches:
            yield from points(library, setting, search)


def ours(gallery: Gallery) -> Iterator[tuple[str, Search]]:
    """Our searches; a row's id is its number.

    Args:
        gallery: Holds the references.
    """

    def exactly(queries: Floats, k: int) -> Indices:
        return gallery.search(queries, k, exact=True).ids.astype(np.int64)

    def approximately(queries: Floats, k: int) -> Indices:
        return gallery.search(queries, k).ids.astype(np.int64)

    yield "likewise, exact", exactly
    gallery.choose_search(SearchSetting(recall=RECALL))
    yield f"likewise, --recall {RECALL}", approximately


@contextmanager
def _gallery(path: Path, stored: Floats, labels: Strings) -> Iterator[Gallery]:
    """A gallery of vectors whose ids are their numbers."""
    with Gallery.create(path, dim=stored.shape[1], fingerprint="bench") as gallery:
        for start in range(0, len(stored), AT_ONCE):
            rows = range(start, min(start + AT_ONCE, len(stored)))
            part = slice(rows.start, rows.stop)
            gallery.add(list(map(str, rows)), stored[part], labels[part].tolist())
    with Gallery.open(path) as gallery:
        yield gallery


def _distances(queries: Floats, stored: Floats, rows: Indices) -> Doubles:
    """Distances of rows that were found, `(n, k)`, nearest first; infinite for those that were not.

    Args:
        queries: `(n, dim)`.
        stored: `(m, dim)`.
        rows: `(n, k)`, -1 for none.
    """
    gaps = stored[rows] - queries[:, None].astype(np.float64)
    distances: Doubles = np.sqrt(np.einsum("nkd,nkd->nk", gaps, gaps))
    distances[rows < 0] = np.inf
    return np.sort(distances, axis=1)


def _recall(found: Doubles, exact: Doubles, k: int) -> float:
    """The share of the k nearest that is found, by distance: of equally near ones any counts."""
    return float((found[:, :k] <= exact[:, k - 1 : k] * (1 + 1e-6) + 1e-9).mean())


def _batch(search: Search, queries: Floats) -> float:
    """Microseconds of a query in a batch, the least of all rounds."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        search(queries, K)
        times.append(time.process_time() - start)
    return round(min(times) * 1e6 / len(queries), 2)


def _alone(search: Search, queries: Floats) -> float:
    """Microseconds of a query alone: of the median query, each the least of all rounds."""
    times = np.empty((ROUNDS, SINGLE))
    for turn in range(ROUNDS):
        for row in range(SINGLE):
            start = time.process_time()
            search(queries[row : row + 1], K)
            times[turn, row] = time.process_time() - start
    return round(float(np.median(times.min(axis=0))) * 1e6, 2)


if __name__ == "__main__":
    main()
