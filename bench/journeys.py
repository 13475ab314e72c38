"""`python -m bench.journeys`: which of the project's files one small picture enters, and how often.

A journey is the code that a reader must follow to understand an answer. Each is walked once before
it is traced, so that imports and caches do not count.
"""

from __future__ import annotations

import io
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Any

import click
import httpx
from PIL import Image

from bench.command import Benchmark
from bench.measure import ROOT
from cli import main as likewise
from embedder.data.sources import records
from embedder.model import Embedder
from likewise.matcher import Matcher
from likewise.server.run import Server
from likewise.server.settings import Settings

PACKAGES = tuple(f"{ROOT / name}/" for name in ("likewise", "embedder", "index"))
REFERENCES = 300
AIM = {"likewise check": 20, "POST /v1/check, image/png": 20, "POST /v1/check, multipart": 22}


class Trace:
    """Counts the calls of functions in the project's own files, in all threads, while it is on."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._is_on = False
        threading.setprofile(self._called)  # for threads that start from now on
        sys.setprofile(self._called)

    def _called(self, frame: FrameType, event: str, argument: Any) -> None:
        if self._is_on and event == "call" and frame.f_code.co_filename.startswith(PACKAGES):
            self.calls[frame.f_code.co_filename.removeprefix(f"{ROOT}/")] += 1

    @contextmanager
    def on(self) -> Iterator[Counter[str]]:
        """Count the calls within the block."""
        self.calls.clear()
        self._is_on = True
        try:
            yield self.calls
        finally:
            self._is_on = False


def traced(trace: Trace, walk: Callable[[], object]) -> Counter[str]:
    """Walk, then walk again and again; the files entered by the shortest of these.

    Other threads of the process are traced too, and may be at work on something else meanwhile.
    """
    walk()
    walks = []
    for _ in range(5):
        with trace.on() as calls:
            walk()
        walks.append(Counter(calls))
    return min(walks, key=len)


def by_command(gallery: Path, picture: Path) -> None:
    """Check one picture as `likewise check` does."""
    with redirect_stdout(io.TextIOWrapper(io.BytesIO())):
        likewise(["check", str(gallery), str(picture)], standalone_mode=False)


def journeys(folder: Path) -> Iterator[tuple[str, Counter[str]]]:
    """Walk every journey; yields its name and the files that it entered."""
    trace = Trace()
    gallery, picture = folder / "digits.gallery", folder / "digit.png"
    with Matcher.create(gallery, Embedder.load()) as matcher:
        matcher.add(islice(records("mnist/train"), REFERENCES))
    Image.fromarray(next(records("mnist/test/00000")).pixels()).save(picture)
    yield "likewise check", traced(trace, lambda: by_command(gallery, picture))
    png = picture.read_bytes()
    with serving(gallery) as client:
        yield (
            "POST /v1/check, image/png",
            traced(trace, lambda: post(client, content=png, headers={"Content-Type": "image/png"})),
        )
        files = {"images": ("digit.png", png, "image/png")}
        yield "POST /v1/check, multipart", traced(trace, lambda: post(client, files=files))


@contextmanager
def serving(gallery: Path) -> Iterator[httpx.Client]:
    """A client of a server in a thread of this process, whose calls are traced too."""
    server = Server(gallery, Settings(), tell=lambda line: None)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with httpx.Client(base_url=server.address, timeout=60) as client:
            while client.get("/readyz").status_code != 200:
                pass
            yield client
    finally:
        server.should_exit = True
        thread.join()


def post(client: httpx.Client, **body: Any) -> None:
    """Check one picture over HTTP."""
    client.post("/v1/check", **body).raise_for_status()


@click.command(cls=Benchmark)
@click.option("--files", is_flag=True, help="Print each file that was entered, with its calls.")
def main(files: bool) -> None:
    """Print how many of the project's files each journey enters."""
    with tempfile.TemporaryDirectory(prefix="likewise-journeys-") as folder:
        for name, calls in journeys(Path(folder)):
            print(f"{name}: {len(calls)} files, {calls.total()} calls; aim: {AIM[name]} files")
            for file, count in calls.most_common() if files else ():
                print(f"    {count:4} {file}")


if __name__ == "__main__":
    main()
