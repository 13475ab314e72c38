"""`python -m bench.groups`: distances by group, by cells beside a scan, and beside one search.

For each set of references: a batch of queries by cells, with the scan of all vectors as 1; and the
same with one search for two neighbours by the same cells as 1. 20,000 groups are what lies nearest
to 20,000 vectors chosen among 200,000 made as `bench.million` makes them; tight ones are random
balls. Processor time, in turns, the least of all rounds. Takes minutes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import faiss
import numpy as np

from bench.material import Material
from bench.measure import Figure, figure, line
from bench.million import grouped, million, seconds
from embedder.data.sources import load
from index.search.by_group import GroupedVectors
from index.search.exact import ExactIndex
from index.search.faiss_calls import one_thread
from likewise.arrays import Floats, Indices, Strings
from likewise.metrics.groups import rows_by_group

BATCH, ROUNDS = 4096, 3
GROUPS, OF_EACH = 20_000, 10


@click.command()
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
    tight, further = grouped(digits.shape[1], GROUPS, rng, OF_EACH)
    codes = np.repeat(np.arange(GROUPS), OF_EACH)
    yield from _compared(
        "20,000 tight groups", tight, codes, further, codes[_nearest(further, tight)]
    )
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
    divided, flat = _index(stored), _index(stored)
    divided.divided().make(divided.stored)
    flat.divided().gain, flat.divided()._trained = 0.0, len(stored)  # measured: of no use
    by_cells, by_scan = (GroupedVectors(index, list(rows.values())) for index in (divided, flat))
    by_cells.search(queries, own)  # makes the cells of its vectors
    scan, cells, search = np.full((3, ROUNDS), np.inf)
    for turn in range(ROUNDS):
        scan[turn] = seconds(lambda asked: by_scan.search(asked, own), queries)
        cells[turn] = seconds(lambda asked: by_cells.search(asked, own), queries)
        search[turn] = seconds(lambda asked: divided.nearest(asked, 2, _names), queries)
    scale, per = 1e6 / len(queries), "us a query"
    least = [[scale * float(part.min())] for part in (scan, cells, search)]
    note = f"gain of single searches {divided.divided().gain:.1f}"
    yield figure(f"{name}: scan ÷ cells", per, least[0], least[1], None, note)
    yield figure(f"{name}: by group ÷ one search", per, least[1], least[2], "<= 2", note)


def _index(stored: Floats) -> ExactIndex:
    index = ExactIndex(faiss.IndexFlatL2(stored.shape[1]))
    with one_thread(stored.shape[1]):
        index.append(stored)
    return index


def _names(rows: Indices) -> Strings:
    return rows.astype(object)


if __name__ == "__main__":
    main()
