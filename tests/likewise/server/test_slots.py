"""Slots of requests and of transfers: who may hold them, and for how long."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likewise.server.auth import Keys
from likewise.server.jobs.store import DONE, LIST, RESULTS, JobStore
from likewise.server.pace import Pace
from likewise.server.settings import Settings
from tests.eventually import eventually
from tests.likewise.server.conftest import image, serving

KEY = "a-key-that-may-read"
KEYS = Keys(read=(KEY,), write=("a-key-that-may-write",))
UPLOAD = (
    b"POST /v1/jobs/check HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
    b"Content-Length: 100000\r\n\r\nlabel,pixel0\n"
)
SLOW = Settings(timeout=1.0, min_rate=1000, max_in_flight=2, max_transfers=2)


@contextmanager
def connections(client: httpx.Client, count: int, sent: bytes) -> Iterator[list[socket.socket]]:
    """Connections that have sent some bytes and wait."""
    url = client.base_url
    with ExitStack() as stack:
        made = []
        for _ in range(count):
            line = stack.enter_context(socket.create_connection((url.host, url.port), timeout=60))
            line.sendall(sent)
            made.append(line)
        yield made


def answer_of(line: socket.socket) -> bytes:
    return b"".join(iter(lambda: line.recv(65536), b""))


@pytest.mark.parametrize(
    "head",
    [
        b"POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 9\r\n",
        b"POST /v1/check HTTP/1.1\r\nHost: x\r\nX-API-Key: wrong\r\nContent-Length: 9\r\n",
        b"POST /v1/jobs/check HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"
        b"Content-Length: 9\r\n",
        b"POST /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n",
        b"POST /page/page.js HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n",
    ],
    ids=["check", "wrong key", "job", "health", "page"],
)
def test_a_request_without_a_key_holds_nothing_but_its_connection(gallery, queries, head):
    settings = Settings(keys=KEYS, max_in_flight=1, max_transfers=1)
    with (
        serving(gallery, settings) as client,
        connections(client, 20, head + b"\r\n") as lines,
    ):
        for line in lines:  # refused before its body
            assert line.recv(65536).startswith(b"HTTP/1.1 4")
        client.headers["X-API-Key"] = KEY
        for record in queries[:3]:
            assert client.post("/v1/check", **image(record)).status_code == 200


@pytest.mark.parametrize("sent", [b"", b"some"], ids=["nothing", "a part"])
def test_bodies_that_do_not_come_take_no_slot_from_other_requests(gallery, queries, sent):
    settings = Settings(max_in_flight=2, timeout=600)  # they are not given up for their time
    head = b"POST /v1/check HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
    head += b"Content-Length: 100\r\n\r\n"
    with serving(gallery, settings) as client, connections(client, 5, head + sent) as lines:
        ended = eventually(  # of 5 waits for bodies, the 3 longest
            lambda: select.select(lines, [], [], 0)[0], until=lambda ended: len(ended) == 5 - 2
        )
        for line in ended:
            answer = answer_of(line)
            assert answer.startswith(b"HTTP/1.1 408")
            assert b'"code": "too_slow"' in answer
        for record in queries[:3]:
            assert client.post("/v1/check", **image(record)).status_code == 200


def test_large_bodies_share_a_room_and_leave_one_for_pictures(gallery, queries):
    size = 2 << 20  # a body needs room for its second MiB: 8 × 2 MiB hold 16 of them
    settings = Settings(max_bytes=size, timeout=600)
    head = b"POST /v1/check HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
    head += b"Content-Length: %d\r\n\r\n" % size
    with serving(gallery, settings) as client:
        with connections(client, 20, head + bytes(size - 1)) as lines:
            refused = eventually(
                lambda: select.select(lines, [], [], 0)[0],
                until=lambda refused: len(refused) == 20 - 16,
            )
            for line in refused:
                answer = line.recv(65536)
                assert answer.startswith(b"HTTP/1.1 429")
                assert b"retry-after: " in answer.lower()
            assert client.post("/v1/check", **image(queries[0])).status_code == 200
        png = {"Content-Type": "image/png"}
        eventually(  # the room of those who have left is free again: zeros are no picture
            lambda: client.post("/v1/check", content=bytes(size), headers=png).json()["code"],
            until=lambda code: code == "not_an_image",
        )


def test_uploads_take_no_slot_from_other_requests(gallery, queries, tmp_path):
    jobs = tmp_path / "jobs"
    settings = Settings(
        jobs=jobs, max_in_flight=1, max_transfers=2, timeout=600
    )  # they stand still
    with serving(gallery, settings) as client, connections(client, 2, UPLOAD):
        eventually(lambda: len(list(jobs.glob(".new.*"))) == 2)  # both have their slot
        headers = {"Content-Type": "text/csv"}
        refused = client.post("/v1/jobs/check", content=b"label,pixel0\n", headers=headers)
        assert refused.status_code == 429
        assert refused.json()["code"] == "too_many"
        assert refused.headers["retry-after"] == "1"
        assert client.post("/v1/check", **image(queries[0])).status_code == 200
        assert client.get("/v1/jobs").status_code == 200


def test_an_upload_that_comes_too_slowly_is_refused_and_leaves_nothing(gallery, tmp_path):
    settings = Settings(jobs=tmp_path / "jobs", timeout=0.5, min_rate=1000, max_transfers=2)
    with serving(gallery, settings) as client, connections(client, 2, UPLOAD) as lines:
        for line in lines:
            answer = answer_of(line)
            assert answer.startswith(b"HTTP/1.1 408")
            assert b'"code": "too_slow"' in answer
            assert b'"hint": "' in answer
        eventually(lambda: not list((tmp_path / "jobs").glob(".new.*")))
        csv = b"label,pixel0\n7,255\n"
        headers = {"Content-Type": "text/csv"}
        assert client.post("/v1/jobs/check", content=csv, headers=headers).status_code == 202


def finished(path, size: int) -> str:
    """A job that is done, whose result has so many bytes."""
    store = JobStore(path)
    with store.staging() as folder:
        (folder / LIST).write_text("")
        (folder / RESULTS["jsonl"]).write_bytes(bytes(size))
        job = store.submit(folder, LIST, "list", {"k": 5}, total=0)
    return store.update(job, state=DONE, finished=1e12).id


@pytest.mark.costly
def test_a_result_that_is_taken_too_slowly_gives_its_slot_back(gallery, tmp_path):
    id = finished(tmp_path / "jobs", 50_000_000)  # more than sockets hold
    settings = Settings(jobs=tmp_path / "jobs", timeout=0.5, min_rate=1000, max_transfers=1)
    head = b"GET /v1/jobs/%b/result HTTP/1.1\r\nHost: localhost\r\n\r\n" % id.encode()
    with serving(gallery, settings) as client, connections(client, 1, head) as [line]:
        assert line.recv(10).startswith(b"HTTP/1.1 2")  # and nothing more is read
        assert client.get("/v1/jobs").status_code == 200
        answer = eventually(
            lambda: client.get(f"/v1/jobs/{id}/result"),
            until=lambda answer: answer.status_code == 200,
        )
        assert len(answer.content) == 50_000_000


@given(
    st.floats(0.1, 100),
    st.integers(1, 10**6),
    st.lists(st.integers(0, 10**6), max_size=50),
)
def test_a_client_earns_seconds_by_bytes_but_never_more_than_at_first(seconds, rate, sizes):
    pace = Pace(seconds, rate)
    for size in sizes:
        before = pace._left
        pace._earn(size)
        assert before <= pace._left <= seconds
        assert pace._left == pytest.approx(min(seconds, before + size / rate))
