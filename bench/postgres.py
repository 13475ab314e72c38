"""A gallery in PostgreSQL against the same one in a directory: `python -m bench.postgres SERVER`.

SERVER is a database without a gallery's name, such as postgresql://localhost/bench, in which the
role may make schemas. The vectors are those of the digits, embedded once; each round builds both
galleries and asks both, in turns, so that a busy machine slows both.
"""

from __future__ import annotations

import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

import click
import numpy as np

from bench.command import Benchmark
from embedder.data.sources import records
from embedder.model import Embedder
from index.address import Address, Place, place_of
from index.decision import CheckOptions
from index.gallery import Gallery
from likewise.arrays import Floats

_AT_ONCE = 2048  # references in a transaction, as `likewise build` has them
_OPTIONS = CheckOptions(threshold=0.2)


@click.command(cls=Benchmark)
@click.argument("server")
@click.option("--references", default=60_000, show_default=True)
@click.option("--queries", default=10_000, show_default=True)
@click.option("--rounds", default=5, show_default=True)
def main(server: str, references: int, queries: int, rounds: int) -> None:
    """Measure build, check and catching up; one line of JSON for each."""
    model = Embedder.load()
    held, labels, pictures = _embedded(model, "mnist/train", references)
    asked, _, _ = _embedded(model, "mnist/test", queries)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LIKEWISE_CACHE"] = f"{folder}/cache"
        places: dict[str, Place] = {
            "sqlite": Path(folder, "g"),
            "postgres": address_in(server, "bench"),
        }
        figures: dict[str, dict[str, list[float]]] = {}
        for _ in range(rounds):
            answers = []
            for name, place in places.items():
                gallery = _created(place, model)
                _note(figures, f"build {name}", partial(_fill, gallery, held, labels, pictures))
                gallery.close()
                gallery = Gallery.open(place)
                gallery.warm()
                near = gallery.search(asked, 5)
                _note(figures, f"check {name}", partial(gallery.check, asked, _OPTIONS))
                answers.append(near.distances.tobytes() + repr(near.ids.tolist()).encode())
                if isinstance(place, Address):
                    _staleness(figures, place, gallery)
                gallery.discard()
            assert answers[0] == answers[1], "answers differ"
    for figure, measured in figures.items():
        print(json.dumps({"figure": figure, **{k: sorted(v) for k, v in measured.items()}}))


def address_in(server: str, name: str) -> Address:
    """The address of a gallery in a database.

    Raises:
        UsageError: If the database has no address.
    """
    place = place_of(f"{server}#{name}")
    if not isinstance(place, Address):
        raise click.UsageError(f"Expected an address, as postgresql://host/db. Received: {server}.")
    return place


def _embedded(model: Embedder, source: str, count: int) -> tuple[Floats, list[str], np.ndarray]:
    taken = list(islice(records(source), count))
    pixels = [record.pixels() for record in taken]
    vectors = np.concatenate(
        [
            model.embed(model.prepare(pixels[start : start + _AT_ONCE]))
            for start in range(0, len(pixels), _AT_ONCE)
        ]
    )
    return vectors, [str(record.label) for record in taken], np.stack(pixels)


def _created(place: Place, model: Embedder) -> Gallery:
    return Gallery.create(place, dim=model.dim, fingerprint=model.fingerprint)


def _fill(gallery: Gallery, vectors: Floats, labels: list[str], pictures: np.ndarray) -> None:
    for start in range(0, len(vectors), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        ids = [f"{place:06}" for place in range(start, start + len(vectors[rows]))]
        gallery.add(ids, vectors[rows], labels[rows], pictures=pictures[rows])


def _note(
    figures: dict[str, dict[str, list[float]]], name: str, work: Callable[[], object]
) -> None:
    """Measure the seconds of some work: on the wall, and of this process's processor time."""
    wall, used = time.perf_counter(), _used()
    work()
    measured = {"wall": time.perf_counter() - wall, "processor": _used() - used}
    for kind, seconds in measured.items():
        figures.setdefault(name, {}).setdefault(kind, []).append(round(seconds, 4))


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _staleness(
    figures: dict[str, dict[str, list[float]]], place: Address, gallery: Gallery
) -> None:
    """How long it takes until another open client answers with a reference that was added."""
    with Gallery.open(place) as writer:
        vector = np.zeros((1, gallery.dim), np.float32)
        gallery.search(vector, 1)
        writer.add(["new"], vector, ["new"])
        _note(figures, "a second client sees a change", lambda: gallery.search(vector, 1))
        assert gallery.search(vector, 1).ids.tolist() == [["new"]]


if __name__ == "__main__":
    main()
