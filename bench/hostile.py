"""How long 16 honest clients wait beside one hostile client: `python -m bench.hostile`.

Each attack is measured in turns with the same clients alone, on the same server, and printed as a
table in Markdown. Clients, attack and server share the cores. It is not part of `make bench`,
because it takes ten minutes.
"""

from __future__ import annotations

import asyncio
import io
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException
from itertools import cycle, islice
from pathlib import Path

import click
import numpy as np
from PIL import Image

from bench.client import ask, post
from bench.command import Benchmark
from bench.material import Material
from bench.serve import CHECK, server

CLIENTS, REQUESTS, ROUNDS = 16, 4_000, 5
WARM_UP = 1.0  # seconds of an attack before the others are measured
HELD, EVERY = 800, 1.0  # slow bodies, and seconds from byte to byte
JSON_BYTES = 4_000_000
BOMB_BYTES, BOMBS = 32_000, 256
JOB_PICTURES = 20_000
Attack = Callable[[int], None]


@click.command(cls=Benchmark)
def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="likewise-bench-") as folder:
        material = Material(Path(folder))
        pngs = [path.read_bytes() for path in material.pngs[:1000]]
        requests = [post(CHECK, "image/png", png) for png in islice(cycle(pngs), REQUESTS)]
        print("| attack | p50 alone | p99 alone | p50 beside it | p99 beside it | p99, ratio |")
        print("|---|---|---|---|---|---|")
        for name, attack in attacks(material).items():
            with server(material.gallery) as (_, port):
                ask(port, requests[:1000], CLIENTS)
                print(_row(name, attack, requests, port), flush=True)


def attacks(material: Material) -> dict[str, Attack]:
    """The attacks by name; each runs until it is stopped."""
    faulty = b'{"images":[' + b"{}," * (JSON_BYTES // 3) + b"{}]}"
    whole = b'{"vectors":[[' + b"0.5," * (JSON_BYTES // 4) + b"0.5]]}"
    bomb = _bomb()
    return {
        f"{HELD} bodies of a byte a second": _slow_bodies,
        "JSON of 4 MB with a fault in each item": partial(_repeat, [("json", faulty)]),
        "JSON of 4 MB in one vector": partial(_repeat, [("json", whole)]),
        "JPEGs of 32 KB with 2,300 scans, one by one": partial(_repeat, [("jpeg", bomb)]),
        f"forms of {BOMBS} such JPEGs": partial(_repeat, [("form", _form([bomb] * BOMBS))]),
        f"jobs of {JOB_PICTURES:,} pictures": partial(
            _jobs, np.resize(material.test, (JOB_PICTURES, 28, 28))
        ),
    }


def _row(name: str, attack: Attack, requests: Sequence[bytes], port: int) -> str:
    """Measure in turns; the medians of all rounds."""
    rounds = []
    for _ in range(ROUNDS):
        alone = _percentiles(ask(port, requests, CLIENTS))
        with _under(attack, port):
            rounds.append((*alone, *_percentiles(ask(port, requests, CLIENTS))))
    cells = [f"{statistics.median(column):.1f} ms" for column in zip(*rounds, strict=True)]
    ratio = statistics.median(beside / alone for _, alone, _, beside in rounds)
    return f"| {name} | {' | '.join(cells)} | {ratio:.2f} |"


def _percentiles(times: Sequence[float]) -> tuple[float, float]:
    p50, p99 = 1000 * np.percentile(times, [50, 99])
    return float(p50), float(p99)


@contextmanager
def _under(attack: Attack, port: int) -> Iterator[None]:
    """Run an attack in a separate process for the duration of the block."""
    process = multiprocessing.get_context("fork").Process(target=attack, args=(port,), daemon=True)
    process.start()
    time.sleep(WARM_UP)
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _repeat(bodies: Sequence[tuple[str, bytes]], port: int) -> None:
    for kind, body in cycle(bodies):
        _send(port, "/v1/check?k=1", kind, body)


def _jobs(pixels: np.ndarray, port: int) -> None:
    """Keep a job waiting at all times."""
    names = ",".join(f"pixel{place}" for place in range(pixels[0].size))
    rows = "\n".join(",".join(map(str, picture.ravel())) for picture in pixels)
    body = f"{names}\n{rows}\n".encode()
    while True:
        _send(port, "/v1/jobs/check", "csv", body)
        time.sleep(1)


def _send(port: int, path: str, kind: str, body: bytes) -> None:
    """Send one request and wait for any answer."""
    types = {
        **{"json": "application/json", "jpeg": "image/jpeg", "csv": "text/csv"},
        "form": "multipart/form-data; boundary=hostile",
    }
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    with suppress(OSError, HTTPException):
        connection.request("POST", path, body, {"Content-Type": types[kind]})
        connection.getresponse().read()
    connection.close()


def _slow_bodies(port: int) -> None:
    asyncio.run(_hold(port))


async def _hold(port: int) -> None:
    await asyncio.gather(*(_trickle(port, number) for number in range(HELD)))


async def _trickle(port: int, number: int) -> None:
    """Send a body byte by byte, to a check or as a job; begin again when it is refused."""
    path, kind = [("/v1/check", "image/png"), ("/v1/jobs/check", "text/csv")][number % 2]
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
        "Content-Length: 1000000\r\n\r\n"
    )
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head.encode())
            while not writer.is_closing():
                await asyncio.sleep(EVERY)
                writer.write(b"1")
                await writer.drain()
        await asyncio.sleep(EVERY)


def _bomb() -> bytes:
    """A progressive JPEG that repeats its last scan, each a pass over a megapixel."""
    stream = io.BytesIO()
    Image.new("L", (1024, 1024), 255).save(stream, "JPEG", progressive=True, quality=50)
    content = stream.getvalue()
    scan = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + scan * ((BOMB_BYTES - len(content)) // len(scan)) + content[-2:]


def _form(pictures: Sequence[bytes]) -> bytes:
    parts = [
        b'--hostile\r\nContent-Disposition: form-data; name="images"; filename="%d.jpg"\r\n\r\n'
        % number
        + picture
        + b"\r\n"
        for number, picture in enumerate(pictures)
    ]
    return b"".join(parts) + b"--hostile--\r\n"


if __name__ == "__main__":
    main()
