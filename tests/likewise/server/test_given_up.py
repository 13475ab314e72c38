"""Abandoned work ends, or keeps its slot until it has ended."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from PIL import Image

from index.gallery import Gallery
from likewise import enrolment
from likewise.server import reachable
from likewise.server.answering.decoders import Decoders
from likewise.server.routes import health, references
from likewise.server.settings import Settings
from tests.embedder.bombs import encoded, repeated_scans
from tests.eventually import eventually
from tests.likewise.server.conftest import image, serving
from tests.likewise.server.processes import ROOT, ServerProcess

BOMB = repeated_scans(1024, 2500)  # 32 KB that take any processor seconds


@pytest.mark.costly
def test_what_is_given_up_ends_and_leaves_the_decoders_to_others(gallery, queries, monkeypatch):
    made: list[Decoders] = []
    make = Decoders.__init__

    def kept(self: Decoders, *arguments: Any) -> None:
        made.append(self)
        make(self, *arguments)

    monkeypatch.setattr(Decoders, "__init__", kept)
    large = encoded(Image.new("1", (6000, 6000), 1), "PNG")
    form = [("images", (f"{n}.png", large)) for n in range(200)]
    with serving(gallery, Settings(timeout=1.0)) as client, ThreadPoolExecutor(6) as pool:
        url = f"{client.base_url}v1/check"
        asked = [pool.submit(httpx.post, url, files=form, timeout=60) for _ in range(6)]
        assert {item.result().status_code for item in asked} == {504}
        [decoders] = made
        eventually(lambda: not decoders._pool._busy)
        assert decoders._threads._work_queue.empty()
    with serving(gallery) as client:
        drawn = encoded(Image.fromarray(255 - queries[0].pixels()), "PNG")
        pair = {"first": ("a", drawn), "second": ("b", drawn)}
        assert client.post("/v1/compare", files=pair).status_code == 200


def test_a_change_that_is_given_up_keeps_its_turn_until_it_has_ended(gallery, queries, monkeypatch):
    free = threading.Event()
    running, most = 0, 0
    enrol = enrolment.enrol

    def held(*arguments: Any) -> Any:
        nonlocal running, most
        running += 1
        most = max(most, running)
        free.wait(60)
        running -= 1
        return enrol(*arguments)

    monkeypatch.setattr(references, "enrol", held)
    with serving(gallery, Settings(timeout=0.3)) as client:
        for n in range(12):  # more than there are threads
            answer = client.put(f"/v1/references/{n}?label=7", **image(queries[0]))
            assert answer.status_code == 504
        assert (running, most) == (1, 1)
        free.set()
        put = {"method": "PUT", "url": "/v1/references/last?label=7", **image(queries[0])}
        eventually(lambda: client.request(**put).status_code, until=lambda code: code < 300)
        assert most == 1


def test_readyz_says_no_while_nothing_is_answered(gallery, fake, queries, monkeypatch):
    free = threading.Event()
    embed = fake.embed
    monkeypatch.setattr(fake, "embed", lambda images: (free.wait(60), embed(images))[1])
    monkeypatch.setattr(health, "STALLED", 0.1)
    with serving(gallery) as client, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(
            lambda: httpx.post(f"{client.base_url}v1/check", **image(queries[0]), timeout=60)
        )
        eventually(lambda: client.get("/readyz"), until=lambda answer: answer.status_code == 503)
        assert client.get("/readyz").json()["hint"]
        assert client.get("/healthz").status_code == 200
        free.set()
        assert asked.result().status_code == 200
        assert client.get("/readyz").status_code == 200


def test_readyz_says_no_while_those_who_hold_the_references_hang(gallery, monkeypatch):
    free, asked = threading.Event(), []

    def hanging(gallery: Gallery) -> None:
        asked.append(gallery)
        free.wait(60)

    monkeypatch.setattr(reachable, "PATIENCE", 0.1)
    with serving(gallery) as client:
        monkeypatch.setattr(Gallery, "require_reachable", hanging)
        refused = eventually(
            lambda: client.get("/readyz"), until=lambda answer: answer.status_code == 503
        )
        assert refused.json()["message"] == "The gallery does not answer in time."
        for _ in range(12):  # more than there are threads
            assert client.get("/readyz").status_code == 503
        assert len(asked) == 1
        assert client.get("/v1/gallery").status_code == 200
        free.set()
        eventually(lambda: client.get("/readyz").status_code, until=lambda status: status == 200)


@pytest.mark.costly
def test_a_server_that_decodes_something_dear_ends_at_a_signal(real_gallery):
    with ServerProcess(real_gallery, "--timeout", "2") as server, ThreadPoolExecutor(4) as pool:
        files = [("images", (f"{n}.jpg", BOMB)) for n in range(50)]
        for _ in range(4):
            pool.submit(httpx.post, f"{server.url}/v1/check", files=files, timeout=60)
        eventually(lambda: children_of(server.process.pid))
        decoders = children_of(server.process.pid)
        assert server.stop() == 0
        assert children_of(server.process.pid) == []
        eventually(lambda: not [pid for pid in decoders if is_alive(pid)])


def children_of(pid: int) -> list[int]:
    result = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in result.stdout.split()]


def is_alive(pid: int) -> bool:
    result = subprocess.run(["kill", "-0", str(pid)], capture_output=True, check=False)
    return result.returncode == 0


STUCK = """
import sys, threading
from pathlib import Path
from tests.fakes import install
from likewise.server.run import serve
from likewise.server.settings import Settings
install(batches=0)  # nothing is embedded until stdin ends
tell = lambda line: print(line, file=sys.stderr, flush=True)
serve(Path(sys.argv[1]), Settings(grace=1.0), host="127.0.0.1", port=0, tell=tell)
"""


def test_a_server_whose_work_does_not_end_ends_after_its_grace(built, queries):
    with subprocess.Popen(
        [sys.executable, "-c", STUCK, str(built)],
        cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        url = process.stderr.readline().rpartition(" on ")[2].strip()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(httpx.post, f"{url}v1/check", **image(queries[0]), timeout=60)
            eventually(lambda: "likewise_batch_pictures_sum 1.0" in httpx.get(f"{url}metrics").text)
            process.terminate()
            assert process.wait(60) == 1  # while stdin is open
        assert "Ended after 1 s with work that did not stop." in process.stderr.read()
