"""The short way of small checks and queries gives the answers of the ordinary one."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable

import httpx
import pytest
from PIL import Image

from likewise.server.answering.batcher import Batcher
from likewise.server.settings import Settings
from tests.likewise.server.conftest import image, png, serving

ORDINARY = {
    "X-Likewise-Fingerprint": "fa4e00000001"
}  # vectors' sender's, which the short way leaves


def told(response: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """All of an answer but what differs with each."""
    headers = {name: value for name, value in response.headers.items() if name != "date"}
    return response.status_code, headers, response.content


def raw(client: httpx.Client) -> socket.socket:
    url = client.base_url
    return socket.create_connection((url.host, url.port), timeout=10)


@pytest.mark.parametrize(
    "target",
    ["/v1/check", "/v1/check?k=2&id=seven", "/v1/query?k=3", "/v1/check?at=none", "/v1/query?x=1"],
)
def test_both_ways_give_one_answer(shared, queries, target):
    sent = image(queries[0])
    headers = {**sent["headers"], "X-Request-Id": "one"}
    ways = [
        shared.post(target, content=sent["content"], headers={**headers, **way})
        for way in ({}, ORDINARY)
    ]
    assert told(ways[0]) == told(ways[1])


@pytest.mark.parametrize("body", [b"", b"no picture"], ids=["empty", "no picture"])
def test_both_ways_refuse_alike(shared, body):
    headers = {"Content-Type": "image/png", "X-Request-Id": "one"}
    ways = [
        shared.post("/v1/check", content=body, headers={**headers, **way}) for way in ({}, ORDINARY)
    ]
    assert told(ways[0]) == told(ways[1])


def test_a_client_that_connects_is_expected_until_it_asks_or_leaves(client, monkeypatch):
    came: list[object] = []
    expected: set[object] = set()

    def expect(batcher: Batcher, client: object) -> None:
        came.append(client)
        expected.add(client)

    def wait_until(held: Callable[[], bool]) -> None:
        until = time.monotonic() + 10
        while not held():
            assert time.monotonic() < until
            time.sleep(0.01)

    monkeypatch.setattr(Batcher, "expect", expect)
    monkeypatch.setattr(Batcher, "expect_no_more", lambda batcher, one: expected.discard(one))
    head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
    for sent in (b"", head, head + b"\r\n", head + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n"):
        came.clear()
        with raw(client) as connection:
            wait_until(lambda: len(expected) == len(came) == 1)
            connection.sendall(sent)
            if sent.endswith(b"\r\n\r\n"):
                assert connection.recv(65536).startswith(b"HTTP/1.1 200")
                assert not expected
        wait_until(lambda: not expected)


def test_a_small_file_of_a_large_picture_is_answered_too(shared):
    buffer = io.BytesIO()
    Image.new("L", (1200, 1200)).save(buffer, "PNG")  # more than the batcher's thread decodes
    assert len(buffer.getvalue()) < 32 << 10
    answer = shared.post(
        "/v1/check", content=buffer.getvalue(), headers={"Content-Type": "image/png"}
    )
    assert answer.status_code == 200


def test_requests_sent_without_waiting_are_answered_in_order(shared, queries):
    body = png(queries[0])
    requests = b"".join(
        b"POST /v1/check?id=%d HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
        b"Content-Length: %d\r\nConnection: %b\r\n\r\n%b" % (n, len(body), keep, body)
        for n, keep in enumerate([b"keep-alive", b"keep-alive", b"close"])
    )
    with raw(shared) as connection:
        connection.sendall(requests)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))  # until it is closed
    assert [answer.count(b'"id": "%d"' % n) for n in range(3)] == [1, 1, 1]
    assert answer.index(b'"id": "0"') < answer.index(b'"id": "1"') < answer.index(b'"id": "2"')


def test_a_body_that_does_not_come_is_given_up(gallery):
    with serving(gallery, Settings(timeout=0.2)) as client, raw(client) as connection:
        connection.sendall(
            b"POST /v1/check HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
            b"Content-Length: 10\r\n\r\nabc"
        )
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 504")


def test_a_client_that_went_away_is_not_counted_as_working(gallery, queries):
    with serving(gallery, Settings(max_in_flight=2)) as client:
        for _ in range(5):
            with raw(client) as connection:
                connection.sendall(
                    b"POST /v1/check HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
                    b"Content-Length: 10\r\n\r\nabc"
                )
        time.sleep(0.1)
        assert client.post("/v1/check", **image(queries[0])).status_code == 200
