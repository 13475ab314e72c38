"""`python -m bench.groups`: search and distances by group, beside scans.

For each set of references, in a batch and alone: one search for two neighbours as the index is
divided, by bundles or cells, beside a flat one; distances by group beside a scan of all vectors,
and beside one search. 20,000 groups are what lies nearest to 20,000 vectors chosen among 200,000
made as `bench.million` makes them; tight ones are random balls. Processor time, in turns, the least
of all rounds. Takes minutes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import faiss
import numpy as np

from bench.command import Benchmark
from bench.material import Material
from bench.measure import Figure, figure, line
from bench.million import grouped, million, row_names
from embedder.data.sources import load
from index.search.by_group import GroupedVectors
from index.search.exact import ExactIndex
from index.search.faiss_calls import one_thread
from likewise.arrays import Floats, Indices
from likewise.metrics.groups import rows_by_group

BATCH, SCANNED, SINGLE, ROUNDS = 4096, 256, 15, 3  # queries, and turns
GROUPS, OF_EACH = 20_000, 10
TIGHT = (10, 50)  # of each tight group


@click.command(cls=Benchmark)
@click.option("--model", type=click.Path(path_type=Path), help="[default: the shipped one]")
def main(model: Path | None) -> None:
    """Measure and print one line of JSON for each figure."""
    with tempfile.TemporaryDirectory(prefix="likewise-bench-") as folder:
        for result in figures(Material(Path(folder), model)):
            print(line(result), flush=True)


def figures(material: Material) -> Iterator[Figure]:
    """Ratios for each set of references.

    Args:
        material: With the model to embed by.
    """
    digits, rng = material.vectors, np.random.default_rng(0)
    labels, asked = _labels("mnist/train"), _labels("mnist/test")
    test = material.litert(material.test)
    yield from _compared("60,000 digits of 10 groups", digits, labels, test, asked)
    made, _ = million(digits, GROUPS * OF_EACH + BATCH, rng)
    near = _nearest(made, made[rng.choice(GROUPS * OF_EACH, GROUPS, replace=False)])
    yield from _compared("20,000 groups", made[BATCH:], near[BATCH:], made[:BATCH], near[:BATCH])
    for of_each in TIGHT:
        tight, further = grouped(digits.shape[1], GROUPS, rng, of_each)
        codes = np.repeat(np.arange(GROUPS), of_each)
        own = _nearest(further, tight[::of_each])  # groups lie ten times as far apart
        yield from _compared(f"20,000 tight groups of {of_each}", tight, codes, further, own)
    even = rng.normal(size=(60_000 + BATCH, digits.shape[1])).astype(np.float32)
    codes = rng.integers(0, 10, len(even))
    yield from _compared("even vectors", even[BATCH:], codes[BATCH:], even[:BATCH], codes[:BATCH])


def _labels(name: str) -> Indices:
    return np.array([int(label) for label in load(name).labels])


def _nearest(vectors: Floats, centres: Floats) -> Indices:
    nearest: Indices = faiss.knn(vectors, centres, 1)[1][:, 0]
    return nearest


def _compared(
    name: str, stored: Floats, codes: Indices, queries: Floats, own: Indices
) -> Iterator[Figure]:
    """Compare; codes are from 0 to the number of groups."""
    rows = rows_by_group([f"{code:05}" for code in codes.tolist()])
    column = {int(label): place for place, label in enumerate(rows)}
    queries, own = queries[:BATCH], np.array([column.get(at, -1) for at in own[:BATCH].tolist()])
    ours, flat = _index(stored), _index(stored)
    ours.divided().groups = lambda: codes
    ours.divided().make(ours.stored)
    flat.divided().way = "flat"
    grouped, scanned = (GroupedVectors(index, list(rows.values())) for index in (ours, flat))
    works: dict[str, Callable[[slice], object]] = {
        "search": lambda part: ours.nearest(queries[part], 2, row_names),
        "flat": lambda part: flat.nearest(queries[part], 2, row_names),
        "by group": lambda part: grouped.search(queries[part], own[part]),
        "scan": lambda part: scanned.search(queries[part], own[part]),
    }
    grouped.search(queries, own)  # makes the cells or bundles of its vectors
    note = _note(ours)
    for kind, least in (("batch", _batch(works)), ("single", _single(works))):
        for one, other, bar in (
            ("flat", "search", None),
            ("scan", "by group", None),
            ("by group", "search", "<= 2"),
        ):
            title = f"{name}, {kind}: {one} ÷ {other}"
            yield figure(title, "us a query", [least[one]], [least[other]], bar, note)


def _batch(works: dict[str, Callable[[slice], object]]) -> dict[str, float]:
    """The least microseconds a query, of a batch; of scans, of a part of it."""
    least = dict.fromkeys(works, np.inf)
    for _ in range(ROUNDS):
        for name, work in works.items():
            count = SCANNED if name in ("flat", "scan") else BATCH
            least[name] = min(least[name], 1e6 / count * _seconds(work, slice(0, count)))
    return least


def _single(works: dict[str, Callable[[slice], object]]) -> dict[str, float]:
    """The median microseconds of single queries, each the least of all rounds."""
    times = np.full((len(works), SINGLE, ROUNDS), np.inf)
    for query in range(SINGLE):
        for turn in range(ROUNDS):
            for row, work in enumerate(works.values()):
                times[row, query, turn] = 1e6 * _seconds(work, slice(query, query + 1))
    medians = np.median(times.min(axis=2), axis=1)
    return dict(zip(works, medians.tolist(), strict=True))


def _seconds(work: Callable[[slice], object], part: slice) -> float:
    """Processor seconds of some work with a part of the queries."""
    start = time.process_time()
    work(part)
    return time.process_time() - start


def _note(index: ExactIndex) -> str:
    """What was measured, and what is used."""
    divided = index.divided()
    used = [name for name, part in (("bundles", divided.bundles), ("cells", divided.cells)) if part]
    gains = f"gain of cells {divided.gain:.1f}, of bundles {divided.bundle_gain:.1f}"
    return f"{gains}; used: {' and '.join(used) or 'a scan'}"


def _index(stored: Floats) -> ExactIndex:
    index = ExactIndex(faiss.IndexFlatL2(stored.shape[1]))
    with one_thread(stored.shape[1]):
        index.append(stored)
    return index


if __name__ == "__main__":
    main()
