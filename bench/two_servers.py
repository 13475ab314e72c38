"""Two servers on one gallery in PostgreSQL, and a writer: `python -m bench.two_servers SERVER`.

SERVER is a database without a gallery's name, as for `bench.postgres`. Each server has its own
cache, as on a machine of its own. One line of JSON: answers a second of both servers together,
alone and while a writer adds a reference every half second, and how long after its acknowledgement
each of these is in the answers of both, asked one after the other.
"""

from __future__ import annotations

import http.client
import io
import json
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from threading import Event

import click
from PIL import Image

from bench.client import ask, post
from bench.command import Benchmark
from bench.postgres import address_in
from bench.serve import server
from embedder.data.records import Record
from embedder.data.sources import records
from embedder.model import Embedder
from index.address import Address
from index.gallery import Gallery
from likewise.matcher import Matcher

CHECK = "/v1/check"
CLIENTS = 8  # of each server
PAUSE = 0.5


@click.command(cls=Benchmark)
@click.argument("database")
@click.option("--references", default=60_000, show_default=True)
@click.option("--questions", default=4_000, show_default=True, help="Of each server.")
def main(database: str, references: int, questions: int) -> None:
    """Measure."""
    place = address_in(database, "two-servers")
    asked = [_png(record) for record in islice(records("mnist/test"), 1000, 2000)]
    requests = [post(CHECK, "image/png", asked[i % len(asked)]) for i in range(questions)]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        ports = []
        with Matcher.create(place, Embedder.load()) as matcher:
            stack.callback(_drop, place)
            matcher.add(islice(records("mnist/train"), references))
        for name in ("one", "two"):
            running = server(f"{database}#two-servers", "--cache", f"{folder}/{name}")
            ports.append(stack.enter_context(running)[1])
        _rate(ports, requests)  # unmeasured: each makes its cells
        alone = _rate(ports, requests)
        enough = Event()
        late = stack.enter_context(ThreadPoolExecutor()).submit(_write, place, ports, enough)
        stack.callback(enough.set)
        beside = _rate(ports, requests)
        enough.set()
        seen = late.result()
    told = {"answers a second, alone": round(alone, 1), "beside a writer": round(beside, 1)}
    told |= {"staleness ms, median": round(statistics.median(seen), 1), "most": round(max(seen), 1)}
    click.echo(json.dumps(told))


def _rate(ports: list[int], requests: list[bytes]) -> float:
    """Answers a second of all servers, each asked by clients of its own."""
    with ThreadPoolExecutor() as pool:
        start = time.perf_counter()
        done = list(pool.map(lambda port: len(ask(port, requests, CLIENTS)), ports))
        return sum(done) / (time.perf_counter() - start)


def _write(place: Address, ports: list[int], enough: Event) -> list[float]:
    """Add references one by one; milliseconds until all servers answer with each of them."""
    late = []
    with Matcher.open(place) as matcher:
        for record in records("mnist/test"):
            if enough.is_set():
                break
            added = Record(f"new/{record.id}", record.label, record.pixels())
            matcher.add([added])
            acknowledged = time.perf_counter()
            for port in ports:
                while _nearest(port, _png(record)) != added.id:
                    pass
            late.append(1000 * (time.perf_counter() - acknowledged))
            enough.wait(PAUSE)
    return late


def _nearest(port: int, png: bytes) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", CHECK, png, {"Content-Type": "image/png"})
    [row] = json.loads(connection.getresponse().read())["rows"]
    connection.close()
    return str(row["neighbours"][0]["id"])


def _png(record: Record) -> bytes:
    file = io.BytesIO()
    Image.fromarray(record.pixels()).save(file, "png")
    return file.getvalue()


def _drop(place: Address) -> None:
    Gallery.open(place).discard()


if __name__ == "__main__":
    main()
