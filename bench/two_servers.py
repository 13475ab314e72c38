"""Two servers on one gallery in PostgreSQL, and a writer: `python -m bench.two_servers SERVER`.

SERVER is a database without a gallery's name, as for `bench.postgres`. Each server has its own
cache, as on a machine of its own. One line of JSON: answers a second of both servers together,
alone and while a writer adds a reference every half second, and how long after its acknowledgement
each of these is in the answers of both.
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

import click
from PIL import Image

from bench.client import ask, post
from bench.serve import server
from embedder.data.records import Record
from embedder.data.sources import records
from embedder.model import Embedder
from index.address import place_of
from index.gallery import Gallery
from likewise.matcher import Matcher

CHECK = "/v1/check"
CLIENTS = 8  # of each server
ADDED, PAUSE = 20, 0.5


@click.command()
@click.argument("database")
@click.option("--references", default=60_000, show_default=True)
@click.option("--questions", default=4_000, show_default=True, help="Of each server.")
def main(database: str, references: int, questions: int) -> None:
    """Measure."""
    place = place_of(f"{database}#two-servers")
    asked = [_png(record) for record in islice(records("mnist/test"), 1000, 2000)]
    requests = [post(CHECK, "image/png", asked[i % len(asked)]) for i in range(questions)]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        ports = []
        with Matcher.create(place, Embedder.load()) as matcher:
            stack.callback(_drop, database)
            matcher.add(islice(records("mnist/train"), references))
        for name in ("one", "two"):
            running = server(f"{database}#two-servers", "--cache", f"{folder}/{name}")
            ports.append(stack.enter_context(running)[1])
        alone = _rate(ports, requests)
        late = stack.enter_context(ThreadPoolExecutor()).submit(_write, database, ports)
        beside = _rate(ports, requests)
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


def _write(database: str, ports: list[int]) -> list[float]:
    """Add references one by one; milliseconds until each server answers with each of them."""
    late = []
    with Matcher.open(place_of(f"{database}#two-servers")) as matcher:
        for record in islice(records("mnist/test"), ADDED):
            added = Record(f"new/{record.id}", record.label, record.pixels())
            matcher.add([added])
            acknowledged = time.perf_counter()
            for port in ports:
                while _nearest(port, _png(record)) != added.id:
                    pass
                late.append(1000 * (time.perf_counter() - acknowledged))
            time.sleep(PAUSE)
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


def _drop(database: str) -> None:
    Gallery.open(place_of(f"{database}#two-servers")).discard()


if __name__ == "__main__":
    main()
