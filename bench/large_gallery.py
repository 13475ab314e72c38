"""`python -m bench.large_gallery [--count N]`: a gallery of millions, beside one of 60,000.

The references are made of digits' embeddings as `bench.million` makes them. Each command runs as a
process of its own; what is compared is its processor time. Takes about a minute for each million.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from bench.child import Used, likewise, used
from bench.command import Benchmark
from bench.material import Material
from bench.measure import Figure, figure, line
from bench.million import million
from embedder.data.sources import load
from likewise.arrays import Floats, Indices
from likewise.matcher import Matcher

PART = 100_000  # references of one `add`
ROUNDS = 3
SMALL = 60_000
BARS = {"query, one picture": "<= 1.5", "check, 10,000 pictures": None}
OTHERS = "<= 2"


@click.command(cls=Benchmark)
@click.option("--count", default=1_000_000, show_default=True, help="References.")
@click.option("--recall", type=float, help="Also `likewise tune --recall`, and check again.")
def main(count: int, recall: float | None) -> None:
    """Measure and print one line of JSON for each figure."""
    with tempfile.TemporaryDirectory(prefix="likewise-bench-") as folder:
        for result in figures(Material(Path(folder)), count, recall):
            print(line(result), flush=True)


def figures(material: Material, count: int, recall: float | None = None) -> Iterator[Figure]:
    """Processor time and peak memory of each command.

    Args:
        material: With an empty folder.
        count: References of the large gallery.
        recall: Search it approximately in the end.
    """
    labels = np.array(load("mnist/train").labels, object)
    rng = np.random.default_rng(0)
    vectors, sources = million(material.vectors, count, rng)
    large, small = material.folder / "large", material.folder / "small"
    few = rng.permutation(count)[:SMALL]
    per_few = _filled(material, small, vectors[few], labels[sources[few]]) / SMALL
    per_many = _filled(material, large, vectors, labels[sources]) / count
    size = sum(path.stat().st_size for path in large.rglob("*") if path.is_file()) / 2**30
    note = f"processor time for each reference; {count:,} references, {size:.2f} GiB on the disk"
    yield figure("fill and close", "s CPU", [per_many], [per_few], None, note)
    del vectors, sources
    for name, command in _commands(material).items():
        yield _compared(name, large, small, command)
    if recall is not None:
        tuned = used(likewise("tune", large, "--recall", str(recall)))
        yield _alone(f"tune --recall {recall}", tuned)
        check = _commands(material)["check, 10,000 pictures"]
        yield _compared(f"check at recall {recall}", large, small, check)


def _filled(material: Material, path: Path, vectors: Floats, labels: Indices) -> float:
    """Make a gallery; the processor time that it took."""
    start = time.process_time()
    with Matcher.create(path, material.embedder) as matcher:
        for first in range(0, len(vectors), PART):
            rows = range(first, min(first + PART, len(vectors)))
            part = slice(rows.start, rows.stop)
            ids = [f"{row:09}" for row in rows]
            matcher.gallery.add(ids, vectors[part], labels[part].tolist())
    return time.process_time() - start


def _commands(material: Material) -> dict[str, list[str]]:
    """Words of each command, without the gallery, which stands after the first."""
    rows = str(material.folder / "rows.csv")
    removed = [f"{row:09}" for row in range(1000)]
    return {
        "query, one picture": ["query", str(material.pngs[0])],
        "info": ["info"],
        "add one picture": ["add", str(material.pngs[1]), "--label", "7"],
        "remove 1,000": ["remove", *removed],
        "check, 10,000 pictures": ["check", "mnist/test", "-o", rows],
    }


def _compared(name: str, large: Path, small: Path, words: list[str]) -> Figure:
    """One command on both galleries, in turns; a change is made once."""
    rounds = 1 if words[0] in ("add", "remove", "check") else ROUNDS
    many: list[Used] = []
    few: list[Used] = []
    for _ in range(rounds):
        for path, runs in ((large, many), (small, few)):
            runs.append(used(likewise(words[0], path, *words[1:])))
    peaks = [max(run.mib for run in runs) for runs in (many, few)]
    note = f"floor: {SMALL:,} references; peak memory {peaks[0]:.0f} and {peaks[1]:.0f} MiB"
    times = [run.seconds for run in many]
    floors = [run.seconds for run in few]
    return figure(name, "s CPU", times, floors, BARS.get(name, OTHERS), note)


def _alone(name: str, run: Used) -> Figure:
    note = f"peak memory {run.mib:.0f} MiB; it said: {run.output.strip()}"
    return Figure(name, "s CPU", round(run.seconds, 3), None, None, None, None, note)


if __name__ == "__main__":
    main()
