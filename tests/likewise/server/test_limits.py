"""Limits of a server: bytes, pixels, pictures, requests, seconds."""

from __future__ import annotations

import base64
import io
import socket
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from likewise.errors import LikewiseError
from likewise.server.settings import Settings
from tests.likewise.server.conftest import image, png, serving

PNG = {"Content-Type": "image/png"}


@pytest.mark.parametrize("limit", ["timeout", "decode_timeout", "keep_jobs"])
def test_a_limit_that_is_not_a_number_is_refused(limit):
    options: dict[str, Any] = {limit: float("nan")}
    with pytest.raises(
        LikewiseError, match="a number of seconds for timeout, decode_timeout and keep_jobs"
    ):
        Settings(**options)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def small(gallery):
    """A client of a server that takes little."""
    with serving(gallery, Settings(max_bytes=20_000, max_pixels=2_000_000, max_images=3)) as client:
        yield client


def test_a_body_that_says_it_is_too_large_is_not_even_read(small):
    url = small.base_url
    with socket.create_connection((url.host, url.port), timeout=60) as connection:
        connection.sendall(
            b"POST /v1/check HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
            b"Content-Length: 20001\r\n\r\n"  # and nothing follows
        )
        answer = b""
        while b'"hint": ' not in answer:
            answer += connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"code": "too_large"' in answer


def test_a_body_of_unknown_length_ends_when_it_becomes_too_large(small):
    sent = 0

    def endless():
        nonlocal sent
        while sent < 100_000_000:
            sent += 1000
            yield bytes(1000)

    try:
        answer = small.post("/v1/check", content=endless(), headers=PNG)
        assert code(answer) == (413, "too_large")
    except httpx.TransportError:
        pass  # the server had closed the connection already
    assert sent < 100_000_000


def test_more_pictures_than_allowed_are_refused_in_every_form(small, queries):
    picture = png(queries[0])
    images = [{"id": "a", "data": base64.b64encode(picture).decode()}] * 4
    array = io.BytesIO()
    np.save(array, np.zeros((4, 28, 28), np.uint8))
    for body in (
        {"files": [("images", (f"{n}.png", picture)) for n in range(4)]},
        {"json": {"images": images}},
        {"content": array.getvalue(), "headers": {"Content-Type": "application/x-npy"}},
    ):
        assert code(small.post("/v1/check", **body)) == (413, "too_large")


def test_a_bomb_is_refused_by_its_header(small):
    bomb = encoded(Image.new("1", (10_000, 10_000)))  # 100 million pixels
    assert len(bomb) < 20_000
    for path in ("/v1/check", "/v1/embed", "/v1/query"):
        assert code(small.post(path, content=bomb, headers=PNG)) == (413, "too_large")
    put = small.put("/v1/references/x?label=7", content=bomb, headers=PNG)
    assert code(put) == (413, "too_large")
    pair = {"first": ("a.png", bomb), "second": ("b.png", bomb)}
    assert code(small.post("/v1/compare", files=pair)) == (413, "too_large")


def test_a_large_picture_within_the_limit_is_answered(small):
    fair = encoded(Image.new("L", (1400, 1400)))
    assert small.post("/v1/check", content=fair, headers=PNG).status_code == 200


def test_a_small_file_of_a_large_picture_is_answered_too(shared):
    file = encoded(Image.new("L", (1200, 1200)))  # more than the batcher's thread decodes
    assert len(file) < 32 << 10
    assert shared.post("/v1/check", content=file, headers=PNG).status_code == 200


def test_a_request_that_takes_too_long_is_ended_and_its_work_dropped(blocked, gallery, queries):
    with serving(gallery, Settings(timeout=0.3)) as client, ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask, client.base_url, queries[0]) for _ in range(2)]
        assert [code(item.result()) for item in asked] == [(504, "timeout")] * 2
        blocked.set()
    with serving(gallery) as client:
        assert client.post("/v1/check", **image(queries[0])).status_code == 200


@pytest.fixture
def blocked(fake, monkeypatch):
    """What must be set before the embedder goes on."""
    free = threading.Event()
    embed = fake.embed
    monkeypatch.setattr(fake, "embed", lambda images: (free.wait(20), embed(images))[1])
    yield free
    free.set()


def ask(address: httpx.URL, record) -> httpx.Response:
    return httpx.post(f"{address}v1/check", **image(record), timeout=30)


def test_requests_beyond_those_in_flight_are_sent_away_for_a_while(blocked, gallery, queries):
    with (
        serving(gallery, Settings(max_in_flight=2)) as client,
        ThreadPoolExecutor(3) as pool,
    ):
        asked = [pool.submit(ask, client.base_url, queries[0]) for _ in range(3)]
        refused = next(as_completed(asked)).result()
        assert code(refused) == (429, "too_many")
        assert refused.headers["retry-after"] == "1"
        assert client.get("/healthz").status_code == 200
        blocked.set()
        assert sorted(item.result().status_code for item in asked) == [200, 200, 429]
