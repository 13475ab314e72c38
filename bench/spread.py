"""References in parts on a cluster beside all in one process: `python -m bench.spread`.

Random vectors of length 1, in groups of a hundred. Filling, searching alone and searching in parts
are processes of their own, so that each has its own memory; both searches must give the same bytes.
Needs the extra `ray`.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.child import used
from bench.command import Benchmark
from bench.processes import processor_seconds
from index.gallery import Gallery
from index.references.rows import NewRow
from likewise.arrays import Floats

DIM = 64
_PART = 100_000  # references of one `add`
_K = 5


@click.command(cls=Benchmark)
@click.option("--count", default=1_000_000, show_default=True, help="References.")
@click.option("--queries", default=2048, show_default=True)
@click.option("--parts", default=4, show_default=True)
@click.option("--alone/--no-alone", default=True, help="Search in one process too.")
@click.option("--step", type=click.Choice(["fill", "alone", "parts"]), hidden=True)
@click.option("--folder", type=click.Path(path_type=Path), hidden=True)
def main(
    count: int, queries: int, parts: int, alone: bool, step: str | None, folder: Path | None
) -> None:
    """Measure, one line of JSON for each step."""
    if step is not None and folder is not None:
        print(json.dumps(_STEPS[step](folder / "g", count, queries, parts)))
        return
    with tempfile.TemporaryDirectory(prefix="likewise-bench-") as made:
        sums = set()
        for name in ("fill", *(["alone"] if alone else []), "parts"):
            words = {"--count": count, "--queries": queries, "--parts": parts, "--folder": made}
            line = [f"{option}={value}" for option, value in {**words, "--step": name}.items()]
            run = used([sys.executable, "-m", "bench.spread", *line])
            figures = json.loads(run.output.splitlines()[-1])
            sums |= {figures.pop("answers", None)} - {None}
            print(json.dumps({"step": name, **figures, "peak_mib": round(run.mib)}), flush=True)
        assert len(sums) == 1, "the same bits"


def fill(path: Path, count: int, queries: int, parts: int) -> dict[str, Any]:
    """Make the gallery, through its store alone: what is derived is made by who needs it."""
    started = time.monotonic()
    Gallery.create(path, dim=DIM, fingerprint="3f9a1c").close()
    with Gallery.open(path) as gallery, gallery.parts()[1].changing() as store:
        for first in range(0, count, _PART):
            vectors = _vectors(first, min(_PART, count - first))
            store.add([_row(first + at, vector) for at, vector in enumerate(vectors)])
    size = sum(file.stat().st_size for file in path.iterdir())
    return {"references": count, "seconds": _since(started), "gib_on_disk": round(size / 2**30, 2)}


def alone(path: Path, count: int, queries: int, parts: int) -> dict[str, Any]:
    """Search in this process."""
    with Gallery.open(path) as gallery:
        return _searched(gallery, queries, gallery.warm)


def in_parts(path: Path, count: int, queries: int, parts: int) -> dict[str, Any]:
    """Search in processes of a cluster that is started on this machine."""
    from likewise.bulk.ray import AUTO
    from likewise.spread.actors import spread_over

    with Gallery.open(path) as gallery:

        def ready() -> None:
            spread_over(AUTO, gallery, parts)
            gallery.search(_vectors(-1, 1), _K)

        return _searched(gallery, queries, ready) | {"parts": parts}


_STEPS: dict[str, Callable[[Path, int, int, int], dict[str, Any]]] = {
    "fill": fill,
    "alone": alone,
    "parts": in_parts,
}


def _searched(gallery: Gallery, queries: int, ready: Callable[[], object]) -> dict[str, Any]:
    """Seconds, processor seconds and MiB then, of holding all vectors and of searches."""
    figures: dict[str, Any] = {}
    asked = _vectors(-2, queries)
    digest = hashlib.sha256()

    def answers(*found: Any) -> None:
        for part in found:
            digest.update(part.tobytes() if part.dtype != object else repr(part.tolist()).encode())

    def nearest() -> None:
        found = gallery.search(asked, _K)
        answers(found.ids, found.labels, found.distances)

    def one_by_one() -> None:
        for query in asked[:20]:
            answers(gallery.search(query[None], _K).distances)

    def by_group() -> None:
        labels = [f"g{at:07}" for at in range(256)]
        _, columns, near = gallery.nearest_by_group(asked[:256], labels)
        answers(columns, near.own, near.other, near.nearest, near.closer)

    for name, work in {
        "hold": ready,
        "search": nearest,
        "20_alone": one_by_one,
        "256_by_group": by_group,
    }.items():
        started, before = time.monotonic(), processor_seconds()
        work()
        spent = [_since(started), round(processor_seconds() - before, 1)]
        figures[name] = [*spent, _resident("self")]
        if held := _holders():
            figures[f"{name}_mib_of_each_part"] = held
    return figures | {"answers": digest.hexdigest()}


def _holders() -> list[list[int]]:
    """Memory of each process that holds a part, now and at most, in MiB."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"ray::Holder" in (process / "cmdline").read_bytes():
                found.append([_resident(process.name, kind) for kind in ("VmRSS", "VmHWM")])
        except OSError:  # it has ended
            continue
    return sorted(found)


def _resident(process: str, kind: str = "VmRSS") -> int:
    [line] = [
        line
        for line in Path("/proc", process, "status").read_text().splitlines()
        if line.startswith(kind)
    ]
    return int(line.split()[1]) >> 10


def _vectors(seed: int, count: int) -> Floats:
    vectors = np.random.default_rng(abs(seed) + 7).normal(size=(count, DIM)).astype(np.float32)
    unit: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _row(place: int, vector: Floats) -> NewRow:
    return NewRow(f"r{place:09}", f"g{place // 100:07}", None, None, vector.tobytes(), None)


def _since(started: float) -> float:
    return round(time.monotonic() - started, 1)


if __name__ == "__main__":
    main()
