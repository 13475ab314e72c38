"""`python -m bench.million [--count N]`: exact search by cells, and approximate, beside flat.

The million is x + 1.5 (a - b), normalised: x a digit's embedding, a and b two of its ten nearest.
Known queries are test digits; unknown ones are outliers made of test digits, and letters, doodles,
crops and noise. FAISS's flat search with BLAS, on one thread and with the better threshold for
single queries, is 1. Processor time, the search alone: the least of all rounds, because other work
on the machine slows Python more than FAISS; of single queries the median, each the least of all
rounds. These are asked in a row, as a process asks them: a flat scan before each would empty the
processor's caches. Takes minutes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click
import faiss
import numpy as np

from bench.command import Benchmark
from bench.material import Material
from bench.measure import Figure, figure, line
from bench.recall import approximate
from bench.strangers import strangers
from embedder.data.sources import load
from embedder.model import Embedder
from embedder.training.outliers import make_outliers
from index.search.by_cells import nearest_by_cells
from index.search.cells import Cells
from index.search.division import measured_gain
from index.search.exact import ExactIndex
from index.search.faiss_calls import one_thread
from index.search.pruned import candidates
from likewise.arrays import Doubles, Floats, Indices, Strings

K = 5
NEIGHBOURS, STEP = 10, 1.5
BATCH, SINGLE, ROUNDS = 4096, 40, 3
OF_EACH = 50  # members of a tight group
BARS = {
    ("60,000 digits", "known"): (">= 5", "<= 0.4"),
    ("60,000 digits", "unknown"): (">= 1.2", None),
    ("a million", "known"): (">= 8", "<= 0.25"),
    ("a million", "unknown"): (">= 2.5", "<= 1.1"),
    ("even vectors", "even"): (">= 0.9", None),
}


@click.command(cls=Benchmark)
@click.option("--model", type=click.Path(path_type=Path), help="[default: the shipped one]")
@click.option("--count", default=1_000_000, show_default=True, help="Vectors of the million.")
def main(model: Path | None, count: int) -> None:
    """Measure and print one line of JSON for each figure."""
    with tempfile.TemporaryDirectory(prefix="likewise-bench-") as folder:
        for result in figures(Material(Path(folder), model), count):
            print(line(result), flush=True)


def figures(material: Material, count: int) -> Iterator[Figure]:
    """Ratios for each set of references and each kind of queries.

    Args:
        material: With the model to embed by.
        count: Vectors of the million.
    """
    digits, rng = material.vectors, np.random.default_rng(0)
    queries = {"known": material.litert(material.test), "unknown": unknown(material)}
    yield from _compared("60,000 digits", digits, queries)
    made, sources = million(digits, count, rng)
    name = "a million" if count == 1_000_000 else f"{count:,} references"  # which have no bars
    yield from _compared(name, made, queries)
    labels = np.array(load("mnist/train").labels, object)[sources]
    yield from approximate(name, made, labels, queries)
    groups, members = grouped(digits.shape[1], count // OF_EACH, rng)
    yield from _compared(f"{count // OF_EACH:,} tight groups", groups, {"of a group": members})
    even = rng.normal(size=(60_000 + BATCH, digits.shape[1])).astype(np.float32)
    yield from _compared("even vectors", even[BATCH:], {"even": even[:BATCH]})


def million(digits: Floats, count: int, rng: np.random.Generator) -> tuple[Floats, Indices]:
    """Many vectors distributed as a few are, `(count, dim)`, and which x each is made of.

    Args:
        digits: The few, `(n, dim)`, of unit length.
        count: How many to make.
        rng: Chooses them.
    """
    with one_thread(digits.shape[1]):
        near = faiss.knn(digits, digits, NEIGHBOURS + 1)[1][:, 1:]
    vectors = np.empty((count, digits.shape[1]), np.float32)
    sources = np.empty(count, np.int64)
    for start in range(0, count, 100_000):
        size = min(100_000, count - start)
        x = sources[start : start + size] = rng.integers(len(digits), size=size)
        a, b = (digits[near[x, rng.integers(NEIGHBOURS, size=size)]] for _ in range(2))
        part = digits[x] + np.float32(STEP) * (a - b)
        vectors[start : start + size] = part / np.linalg.norm(part, axis=1, keepdims=True)
    return vectors, sources


def grouped(
    dim: int, groups: int, rng: np.random.Generator, of_each: int = OF_EACH
) -> tuple[Floats, Floats]:
    """Groups that lie close together, and further members as queries.

    Args:
        dim: Length of the vectors.
        groups: How many.
        rng: Chooses them.
        of_each: Members of each.
    """
    centres = rng.normal(size=(groups, dim)).astype(np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    spread = np.float32(0.1 / np.sqrt(dim))
    members = np.repeat(centres, of_each, axis=0)
    members += rng.standard_normal(size=members.shape, dtype=np.float32) * spread
    chosen = centres[rng.integers(groups, size=BATCH)]
    return members, chosen + rng.normal(size=chosen.shape).astype(np.float32) * spread


def unknown(material: Material) -> Floats:
    """Embeddings of pictures that are no digits, mixed, `(n, dim)`.

    Args:
        material: With the model to embed by.
    """
    labels = np.array([int(label) for label in load("mnist/test").labels])
    made = material.litert(make_outliers(material.test, labels, BATCH, 0))
    drawn = [picture for kind in strangers().values() for picture in kind]
    prepared = Embedder.load().prepare(drawn)  # by today's rules, whatever the model's are
    both = np.concatenate([material.litert(prepared), made])
    rows: Floats = both[np.random.default_rng(1).permutation(len(both))]
    return rows


def row_names(rows: Indices) -> Strings:
    """Names of rows: their numbers."""
    return rows.astype(object)


def _compared(name: str, stored: Floats, queries: dict[str, Floats]) -> Iterator[Figure]:
    index = ExactIndex(faiss.IndexFlatL2(stored.shape[1]))
    index.append(stored)
    start = time.process_time()
    cells = Cells.train(stored)
    used = time.process_time() - start
    assert cells is not None
    note = f"{len(cells.centroids)} cells, made in {used:.1f} s of processor time"
    gain = measured_gain(partial(candidates, cells), stored)
    yield figure(f"{name}: gain measured when cells are made", "x", [gain], [1.0], None, note)

    def by_cells(asked: Floats) -> object:
        return nearest_by_cells(cells, stored, asked, K, row_names, index._flat)

    def flat(asked: Floats) -> object:
        with one_thread(stored.shape[1]):
            return faiss.knn(asked, stored, K)

    for kind, every in queries.items():
        batch, single = BARS.get((name, kind), (None, None))
        what, per = f"{name}, {kind}", "us a query"
        flats, ours = _least(flat, by_cells, [every[:BATCH]])
        title, note = f"{what}: batch, flat ÷ cells", "floor: cells"
        yield figure(title, per, (flats / BATCH).tolist(), (ours / BATCH).tolist(), batch, note)
        flats, ours = _least(flat, by_cells, np.split(every[:SINGLE], SINGLE))
        title, note = f"{what}: one query, cells ÷ flat", "floor: flat"
        median, floor = (float(np.median(times)) for times in (ours, flats))
        yield figure(title, per, [median], [floor], single, note)


def _least(
    flat: Callable[[Floats], object], ours: Callable[[Floats], object], asked: list[Floats]
) -> Doubles:
    """Microseconds of processor time of both for each call, the least of all rounds, `(2, n)`."""
    times = np.empty((ROUNDS, 2, len(asked)))
    for turn in range(ROUNDS):
        for row, search in enumerate((flat, ours)):
            times[turn, row] = [_microseconds(search, queries) for queries in asked]
    least: Doubles = times.min(axis=0)
    return least


def _microseconds(search: Callable[[Floats], object], queries: Floats) -> float:
    start = time.process_time()
    search(queries)
    return 1e6 * (time.process_time() - start)


if __name__ == "__main__":
    main()
