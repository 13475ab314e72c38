"""A log that fails, blocks or loses lines does not change any answer."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from likewise.server.auth import WRITE_VARIABLE, Keys
from likewise.server.lines import LineHandler, LineWriter, all_in
from likewise.server.settings import Settings
from tests.eventually import eventually
from tests.likewise.server.conftest import image, serving
from tests.likewise.server.processes import ROOT, ServerProcess

KEY = "a-key-that-may-change"
PIPE = 64 << 10  # bytes that a pipe holds


def test_lines_come_in_order():
    lines: list[str] = []
    writer = LineWriter(lines.append)
    for n in range(1000):
        writer(str(n))
    writer.close()
    assert lines == [str(n) for n in range(1000)]
    assert writer.lost == 0


def test_a_log_that_stands_still_loses_lines_and_says_how_many_once_it_goes_on():
    lines: list[str] = []
    goes_on = threading.Event()

    def write(line: str) -> None:
        goes_on.wait(60)
        lines.append(line)

    writer = LineWriter(write, waiting=3)
    writer("first")
    eventually(lambda: writer._lines.empty())  # it is being written
    for n in range(10):
        writer(str(n))
    assert writer.lost == 7
    goes_on.set()
    eventually(lambda: lines, until=lambda lines: len(lines) == 5)
    assert lines[0] == "first"
    assert json.loads(lines[1])["message"] == "Lost lines of this log: 7."
    assert lines[2:] == ["0", "1", "2"]
    writer.close()


def test_a_log_that_stands_still_is_given_up_at_the_end():
    writer = LineWriter(lambda line: threading.Event().wait())
    writer("first")
    writer.close()  # returns


def test_a_log_that_fails_goes_on_with_the_next_line():
    lines: list[str] = []

    def write(line: str) -> None:
        if line == "bad":
            raise OSError("No space left on device")
        lines.append(line)

    writer = LineWriter(write)
    for line in ("a", "bad", "bad", "b"):
        writer(line)
    writer.close()
    assert (lines[0], lines[-1], len(lines)) == ("a", "b", 4)
    lost = [json.loads(line)["message"] for line in lines[1:3]]
    assert lost == ["Lost lines of this log: 1."] * 2


def test_what_libraries_warn_of_goes_to_the_log():
    lines: list[str] = []
    logger = logging.getLogger("of.a.library")
    handler = LineHandler(lines.append)
    logger.addHandler(handler)
    try:
        logger.info("not this")
        logger.error("but %s\nin one line", "this")
        try:
            raise ValueError("why")
        except ValueError:
            logger.exception("and its cause")
    finally:
        logger.removeHandler(handler)
    first, second = map(json.loads, lines)
    assert first.keys() == {"time", "level", "logger", "message"}
    assert (first["level"], first["logger"]) == ("error", "of.a.library")
    assert first["message"] == "but this\nin one line"
    assert second["error"].endswith("ValueError: why")


def test_what_ends_a_thread_goes_to_the_log():
    lines: list[str] = []
    with all_in(lines.append):
        thread = threading.Thread(target=lambda: [][0])
        thread.start()
        thread.join()
    [line] = lines
    assert "IndexError" in json.loads(line)["error"]


def test_a_log_that_raises_changes_no_answer(gallery, queries):
    def full(line: str) -> None:
        if line.startswith("{"):
            raise OSError("No space left on device")

    settings = Settings(keys=Keys(write=(KEY,)), log_all=True)
    with serving(gallery, settings, tell=full) as client:
        assert client.post("/v1/check", **image(queries[0])).status_code == 401
        client.headers["X-API-Key"] = KEY
        assert client.post("/v1/check", **image(queries[0])).status_code == 200
        put = client.put("/v1/references/x?label=7", **image(queries[0]))
        assert put.status_code == 201


# ------------------------------------------------------------------ as processes


@pytest.mark.costly
def test_nothing_but_json_lines_follows_the_first_line_on_stderr(real_gallery, queries):
    damaged = {"Content-Type": "multipart/form-data; boundary=CC"}
    body = b"--BB\r\nContent-Disposition: form-data; name=images\r\n\r\nx\r\n--BB--\r\n"
    with ServerProcess(real_gallery, "--log-all") as server, server.client() as client:
        answers = [
            client.post("/v1/check", content=body, headers=damaged),
            client.post("/v1/check", files={"images": ("x.png", b"no picture")}),
            client.post("/v1/check", **image(queries[0])),
        ]
        assert [answer.status_code for answer in answers] == [422, 422, 200]
        assert server.stop() == 0
    first, *lines = server.log
    assert first.startswith("Serving ")
    assert [json.loads(line)["status"] for line in lines] == [422, 422, 200]


@contextmanager
def logging_to(gallery: Path, stderr: int) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server whose stderr goes there, and its address once it answers."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", "from cli import main; main()", "serve", gallery, "--port", port],
        cwd=ROOT, stderr=stderr, env={**os.environ, WRITE_VARIABLE: KEY},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        eventually(
            lambda: httpx.get(f"{url}/readyz").status_code,
            until=lambda status: status == 200,
            retry=httpx.TransportError,
        )
        yield process, url
    finally:
        process.kill()
        process.wait()


def free_port() -> str:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        return str(taken.getsockname()[1])


def assert_answers(url: str, queries) -> None:
    headers = {"X-API-Key": KEY}
    for key, status in (("a-wrong-key-0000000", 401), (KEY, 201), (KEY, 200)):
        answer = httpx.put(
            f"{url}/v1/references/x?label=7",
            content=image(queries[0])["content"],
            headers={"X-API-Key": key, "Content-Type": "image/png"},
        )
        assert answer.status_code == status
    assert httpx.get(f"{url}/v1/gallery", headers=headers).status_code == 200


@pytest.mark.costly
def test_a_server_whose_log_is_full_starts_answers_and_ends(real_gallery, tmp_path, queries):
    gallery = copy_of(real_gallery, tmp_path)
    with open("/dev/full", "wb") as full, logging_to(gallery, full.fileno()) as (process, url):
        assert_answers(url, queries)
        process.terminate()
        assert process.wait(60) == 0


@pytest.mark.costly
def test_a_server_whose_log_has_no_reader_any_more_answers_and_ends(
    real_gallery, tmp_path, queries
):
    gallery = copy_of(real_gallery, tmp_path)
    reading, writing = os.pipe()
    with logging_to(gallery, writing) as (process, url):
        os.close(writing)
        os.close(reading)
        assert_answers(url, queries)
        process.terminate()
        assert process.wait(60) == 0


@pytest.mark.costly
def test_a_server_whose_log_is_not_read_answers_and_ends(real_gallery, tmp_path, queries):
    gallery = copy_of(real_gallery, tmp_path)
    reading, writing = os.pipe()
    with logging_to(gallery, writing) as (process, url):
        os.close(writing)
        with httpx.Client(base_url=url) as client:
            refused = PIPE // 100  # a line has more than 100 bytes
            for _ in range(refused):
                assert client.get("/v1/gallery").status_code == 401
            assert client.get("/healthz").status_code == 200
        assert_answers(url, queries)
        process.terminate()
        assert process.wait(60) == 0
    with open(reading, "rb") as log:
        lines = log.read().split(b"\n")
    assert re.match(rb"Serving .* on http://", lines[0])
    assert json.loads(lines[1])["status"] == 401


def copy_of(gallery: Path, folder: Path) -> Path:
    import shutil

    return Path(shutil.copytree(gallery, folder / "digits.gallery"))
