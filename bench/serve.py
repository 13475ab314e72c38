"""The server as a process, measured over its socket, beside the same work without a server.

Client and server share the cores, and so do the two sides of the bulk check that is the floor.
"""

from __future__ import annotations

import io
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.child import ENVIRONMENT, likewise, python, run
from bench.client import ask, post
from bench.material import K, Material
from bench.measure import Figure, compare, figure, ratio_of, seconds
from embedder.data.images import read_image
from embedder.data.records import Record
from index.decision import CheckOptions
from likewise.bulk.stream import check_stream
from likewise.errors import LikewiseError
from likewise.output.rows import decision_row, json_line

CHECK = f"/v1/check?k={K}"
CLIENTS, ONES, BULK_ROUNDS, ROUNDS, STARTS = 64, 300, 5, 20, 5
FEW, MANY = 1_000, 100_000
IMPORTS = "import faiss, numpy, PIL.Image, ai_edge_litert.interpreter, fastapi, uvicorn"


def figures(material: Material) -> Iterator[Figure]:
    """One client, many clients, many arrays in a request, the start, and the memory."""
    pngs = [path.read_bytes() for path in material.pngs]
    with server(material.gallery) as (process, port):
        ask(port, [post(CHECK, "image/png", png) for png in pngs[:200]], 8)
        yield from one_client(material, pngs, port)
        yield from many_clients(material, pngs, port)
        yield many_arrays(material, port)
    yield start(material.gallery)
    with server(material.gallery) as (process, port):
        yield memory(pngs, port, process.pid)


@contextmanager
def server(gallery: Path | str, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A running server that is ready, and its port.

    Raises:
        LikewiseError: If it ends before it is ready.
    """
    port = free_port()
    command = likewise("serve", gallery, "--port", str(port), *options)
    with tempfile.TemporaryFile() as said:
        started = subprocess.Popen(command, env=ENVIRONMENT, stderr=said)
        try:
            if not becomes_ready(port, started):
                said.seek(0)
                reason = said.read().decode().strip()
                raise LikewiseError(f"No server was started. It said: {reason}")
            yield started, port
        finally:
            started.terminate()
            started.wait()


def one_client(material: Material, pngs: list[bytes], port: int) -> Iterator[Figure]:
    """Milliseconds of one PNG on an idle server, less those of the same call in this process."""
    times: list[float] = []
    calls: list[float] = []
    for first in range(0, ONES, 10):  # in turns, so that a slow spell falls on both
        batch = pngs[first : first + 10]
        times += ask(port, [post(CHECK, "image/png", png) for png in batch], 1)
        calls += [seconds(partial(checked, material, png)) for png in batch]
    ours, floor = 1000 * statistics.median(times), 1000 * statistics.median(calls)
    judged = round(ours - floor, 3)
    note = "floor: the call in this process; the bar is on the difference"
    name = "/v1/check, one PNG, one client"
    yield Figure(name, "ms", round(ours, 3), round(floor, 3), None, "<= 3", judged, note)


def checked(material: Material, png: bytes) -> bytes:
    """The work of a request, without the request."""
    [answer] = material.matcher.check([read_image(png)], CheckOptions(k=K))
    return json_line(decision_row("image", answer))


def many_clients(material: Material, pngs: list[bytes], port: int) -> Iterator[Figure]:
    """Pictures per second of 64 clients, beside a bulk check; and the waits of the slowest."""
    requests = [post(CHECK, "image/png", png) for png in pngs]
    records = [Encoded(str(row), None, png) for row, png in enumerate(pngs)]
    waits: list[float] = []

    def over_http() -> None:
        waits.extend(ask(port, requests, CLIENTS))

    def in_bulk() -> None:
        lines = [
            json_line(row) for row in check_stream(material.matcher, records, CheckOptions(k=K))
        ]
        assert len(lines) == len(records)

    times, floors = compare(over_http, in_bulk, BULK_ROUNDS)
    rates, bulk = ([len(pngs) / time for time in seconds] for seconds in (times, floors))
    yield figure(
        f"/v1/check, one PNG each, {CLIENTS} clients",
        "pictures/s",
        rates,
        bulk,
        ">= 0.42",
        "floor: check_stream over the same bytes in this process, rows as JSON",
    )
    idle = [1000 * wait for wait in ask(port, requests[:ONES], 1)]
    slowest = 1000 * float(np.percentile(waits[len(requests) :], 99))  # without the unmeasured turn
    yield figure(
        f"p99 of {CLIENTS} clients",
        "ms",
        [slowest],
        [statistics.median(idle)],
        "<= 20",
        "floor: the median of one client on the idle server",
    )


@dataclass(frozen=True, slots=True)
class Encoded(Record):
    """A record whose picture is a file in memory."""

    image: bytes  # type: ignore[assignment]

    def pixels(self) -> npt.NDArray[np.uint8]:
        """Decode it."""
        return read_image(self.image)


def many_arrays(material: Material, port: int) -> Figure:
    """Pictures per second of 1,000 raw arrays in a request."""
    arrays = material.test[:1000]
    buffer = io.BytesIO()
    np.save(buffer, arrays)
    request = post(CHECK, "application/x-npy", buffer.getvalue())
    records = [Record(str(row), None, array) for row, array in enumerate(arrays)]

    def in_process() -> None:
        for row in check_stream(material.matcher, records, CheckOptions(k=K)):
            json_line(row)

    times, floors = compare(lambda: ask(port, [request], 1), in_process, ROUNDS)
    rates, bulk = ([len(arrays) / time for time in seconds] for seconds in (times, floors))
    note = "floor: check_stream over the same arrays in this process, rows as JSON"
    return figure("/v1/check, 1,000 arrays", "pictures/s", rates, bulk, ">= 0.8", note)


def start(gallery: Path) -> Figure:
    """Seconds from the start of the process to the first answer that it is ready."""
    times, floors = [], []
    for _ in range(STARTS):
        times.append(start_once(gallery))
        floors.append(seconds(lambda: run(python(IMPORTS))))
    value, floor = statistics.median(times), statistics.median(floors)
    note = "floor: a process that only imports the libraries; the bar is on the seconds"
    ratio = round(ratio_of(times, floors), 4)
    name = "start to ready, 60,000 references"
    judged = value = round(value, 3)
    return Figure(name, "s", value, round(floor, 3), ratio, "<= 1.5", judged, note)


def start_once(gallery: Path) -> float:
    """Seconds of one start."""
    begun = time.perf_counter()
    with server(gallery):
        return time.perf_counter() - begun


def memory(pngs: list[bytes], port: int, process: int) -> Figure:
    """MiB of the server after many requests, beside those after a few."""
    requests = cycle([post(CHECK, "image/png", png) for png in pngs])
    ask(port, list(islice(requests, FEW)), CLIENTS)
    few = resident_mib(process)
    ask(port, list(islice(requests, MANY - FEW)), CLIENTS)
    many = resident_mib(process)
    name = f"memory after {MANY:,} requests"
    return figure(name, "MiB", [many], [few], "<= 1.1", f"floor: after {FEW:,}")


def resident_mib(process: int) -> float:
    """Memory that a process holds now."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"There is no process {process}.")


def free_port() -> int:
    """A free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def becomes_ready(port: int, started: subprocess.Popen[bytes]) -> bool:
    """Poll until the server is ready, or has ended."""
    request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    while started.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(request)
                if connection.recv(64).startswith(b"HTTP/1.1 200"):
                    return True
        except ConnectionError:
            pass
        time.sleep(0.005)
    return False
