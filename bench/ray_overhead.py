"""What Ray costs beside the same shards in plain processes: `python -m bench.ray_overhead`.

Both divide the same pictures into the same shards and write the same file. Ray's processes and the
others are started, and have opened the gallery, before the clock starts. They take turns, so that
a busy machine slows both; the processor time is that of all their processes, Ray's own included.
Needs the extra `ray`.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

import click

import likewise
from bench.command import Benchmark
from bench.processes import processor_seconds
from embedder.data.records import Record
from embedder.data.sources import records
from index.decision import CheckOptions
from likewise.bulk.division import divided
from likewise.bulk.elsewhere import Machines, Work, done
from likewise.bulk.job import Job
from likewise.bulk.ray import AUTO, Cluster, joined
from likewise.matcher import Matcher

_WARM = 64  # pictures that are checked before the clock starts


class Processes:
    """Plain processes of this machine, to which work goes as it goes to Ray's."""

    def __init__(self, at_once: int, size: int) -> None:
        self._size, self._at_once = size, at_once
        self._pool = ProcessPoolExecutor(at_once, multiprocessing.get_context("spawn"))

    def results(self, work: Work[Any], stream: Iterable[Record]) -> Generator[Any, None, None]:
        """Give the result of each part in the order of the input."""
        sent: deque[Future[Any]] = deque()
        for part in divided(stream, self._size):
            sent.append(self._pool.submit(done, work, part))
            if len(sent) > 2 * self._at_once:
                yield sent.popleft().result().result
        while sent:
            yield sent.popleft().result().result

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown()


@click.command(cls=Benchmark)
@click.option("--pictures", default=20_000, show_default=True)
@click.option("--references", default=10_000, show_default=True)
@click.option("--rounds", default=3, show_default=True)
def main(pictures: int, references: int, rounds: int) -> None:
    """Measure both; one line of JSON."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "g")
        likewise.build(place, islice(records("mnist/train"), references)).close()
        started = time.monotonic()
        with joined(AUTO, pictures) as cluster, Matcher.open(place) as matcher:
            plain = Processes(cluster.at_once, cluster.size)
            machines: dict[str, Machines] = {"ray": cluster, "processes": plain}
            for name, each in machines.items():
                _check(matcher, _WARM, Path(folder, f"{name}.csv"), each)
            warm = time.monotonic() - started
            figures = _rounds(matcher, pictures, Path(folder), machines, rounds)
            plain.close()
            click.echo(json.dumps(_line(cluster, pictures, warm, figures)))


def _rounds(
    matcher: Matcher, pictures: int, folder: Path, machines: dict[str, Machines], rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """Seconds and processor seconds of each round, by who did it."""
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in machines}
    for turn in range(rounds):
        for name in sorted(machines, reverse=bool(turn % 2)):
            before, used = time.monotonic(), processor_seconds()
            _check(matcher, pictures, folder / f"{name}.csv", machines[name])
            figures[name].append((time.monotonic() - before, processor_seconds() - used))
        contents = {(folder / f"{name}.csv").read_bytes() for name in machines}
        assert len(contents) == 1, "the same shards give the same bytes"
    return figures


def _check(matcher: Matcher, pictures: int, output: Path, machines: Machines) -> None:
    digits = chain.from_iterable(records("mnist/test") for _ in repeat(None))
    stream = islice(digits, pictures)
    Job(matcher, stream, ["digits"], CheckOptions(), lambda n: None, machines).write(output)


def _line(
    cluster: Cluster, pictures: int, warm: float, figures: dict[str, list[tuple[float, float]]]
) -> dict[str, Any]:
    pairs = list(zip(figures["ray"], figures["processes"], strict=True))
    ratio = {
        name: round(statistics.median(ray[place] / plain[place] for ray, plain in pairs), 3)
        for place, name in enumerate(("seconds", "processor"))
    }
    medians = {
        f"{name} {what}": round(statistics.median(turn[place] for turn in turns), 2)
        for name, turns in figures.items()
        for place, what in enumerate(("seconds", "processor"))
    }
    counts = {"pictures": pictures, "shard": cluster.size, "tasks_at_once": cluster.at_once}
    return counts | {"started_seconds": round(warm, 1)} | medians | {"ray / processes": ratio}


if __name__ == "__main__":
    main()
