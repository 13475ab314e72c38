"""Two machines build, check and serve one gallery, and one process of each kind is killed.

A machine is a cache of its own and the processes that use it. `pytest -s` shows the session.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from embedder.data.sources import records
from index.address import place_of
from index.errors import GalleryError
from index.gallery import Gallery
from tests.eventually import eventually
from tests.likewise.server.processes import ServerProcess
from tests.postgres_server import Server

ROOT = Path(__file__).parents[2]
COUNT = 6_000  # pictures that each machine adds: three transactions

pytestmark = pytest.mark.slow


class Machine:
    """Starts commands of likewise with a cache of its own."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.cache = name, folder / name

    def start(self, *words: object) -> subprocess.Popen[str]:
        print(f"{self.name}$ likewise {' '.join(map(str, words))}")
        command = [sys.executable, "-c", "from cli import main; main()", *map(str, words)]
        environment = {**os.environ, "LIKEWISE_CACHE": str(self.cache)}
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes)

    def done(self, *words: object) -> str:
        process = self.start(*words)
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        print(errors, end="")
        return output

    def killed(self, process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        print(f"{self.name}: killed")

    def serve(self, address: str) -> ServerProcess:
        print(f"{self.name}$ likewise serve {address}")
        server = ServerProcess(address, "--cache", self.cache)
        with server.client() as client:
            eventually(lambda: client.get("/readyz").status_code == 200)
        return server


@pytest.fixture
def machines(tmp_path) -> tuple[Machine, Machine]:
    return Machine("one", tmp_path), Machine("two", tmp_path)


@pytest.fixture
def halves(tmp_path) -> list[Path]:
    """A folder of training digits for each machine, with other names."""
    folders = [tmp_path / name for name in ("first", "second")]
    for place, record in enumerate(islice(records("mnist/train"), 2 * COUNT)):
        path = folders[place % 2] / str(record.label) / f"{place:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(record.pixels()).save(path)
    return folders


def held(address: str) -> int:
    """References of the gallery; 0 where there is none yet."""
    try:
        with Gallery.open(place_of(address)) as gallery:
            return len(gallery)
    except GalleryError:
        return 0


def test_two_machines_share_a_gallery_while_one_process_of_each_kind_is_killed(
    postgres: Server, machines, halves, tmp_path
):
    one, two = machines
    address = postgres.url("digits")

    # The first builds and is killed once some of it is stored; both go on at the same time.
    building = one.start("build", address, halves[0], "--model", "digits")
    eventually(lambda: held(address), until=lambda count: count > 0)
    one.killed(building)
    stored = held(address)
    adding = [one.start("add", address, halves[0]), two.start("add", address, halves[1])]
    told = [process.communicate(timeout=300)[1] for process in adding]
    print(*told, sep="")
    assert [process.returncode for process in adding] == [0, 0]
    assert f"{COUNT - stored} added, 0 replaced, {stored} unchanged" in told[0]
    assert f"{COUNT} added, 0 replaced, 0 unchanged" in told[1]
    assert held(address) == 2 * COUNT
    one.done("doctor", address, "--format", "json")

    # Each checks half of the test digits; one is killed and goes on; the whole is that of one run.
    rows, whole = tmp_path / "rows.csv", tmp_path / "whole.csv"
    check = ("check", address, "mnist/test", "-o", rows, "--shard")
    first, second = one.start(*check, "1/2"), two.start(*check, "2/2")
    partial = Path(f"{rows}.part-2-of-2.partial")
    eventually(lambda: partial.read_bytes().count(b"\n") > 1, retry=FileNotFoundError)
    two.killed(second)
    first.communicate(timeout=300)
    two.done(*check, "2/2", "--resume")
    two.done("merge", rows)
    one.done("check", address, "mnist/test", "-o", whole)
    assert rows.read_bytes() == whole.read_bytes()

    # Each serves; one is killed, the other answers on; so it does after the database was killed.
    question = {"content": next((halves[0] / "5").glob("*.png")).read_bytes()}
    asked = {"headers": {"Content-Type": "image/png"}, **question}
    with one.serve(address) as served, two.serve(address) as other:
        with served.client() as client:
            answer = client.post("/v1/check", **asked).json()["rows"]
        served.kill()
        print("one: its server was killed")
        with other.client() as client:
            assert client.post("/v1/check", **asked).json()["rows"] == answer
            postgres.kill()
            print("the database was killed")
            assert client.post("/v1/check", **asked).status_code == 503
            postgres.start()
            eventually(lambda: client.get("/readyz").status_code == 200)
            assert client.post("/v1/check", **asked).json()["rows"] == answer
        with one.serve(address) as again, again.client() as client:
            assert client.post("/v1/check", **asked).json()["rows"] == answer
    with Gallery.open(place_of(address)) as gallery:
        assert len(gallery) == 2 * COUNT
        gallery.verify()
