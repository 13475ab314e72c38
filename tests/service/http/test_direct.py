"""The short way of small checks and queries gives the answers of the ordinary one."""

from __future__ import annotations

import gc
import io
import socket
import time

import httpx
import pytest
from PIL import Image

from service.http.batching import Batcher
from service.http.direct import Exchange
from service.http.settings import Settings
from tests.service.http.conftest import image, png, serving

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


def test_an_answered_request_leaves_nothing_for_the_collector(shared, queries):
    def kept() -> int:
        return sum(isinstance(one, Exchange) for one in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = kept()  # the latest of each connection that is open
        for record in queries[:20]:
            assert shared.post("/v1/check", **image(record)).status_code == 200
        assert kept() <= before + 1
    finally:
        gc.enable()


def test_a_client_that_connects_is_expected_until_it_asks_or_leaves(client, queries, monkeypatch):
    told: list[int] = []
    monkeypatch.setattr(Batcher, "expect", lambda batcher, more: told.append(more))
    head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
    for sent in (b"", head, head + b"\r\n", head + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n"):
        told.clear()
        with raw(client) as connection:
            connection.sendall(sent)
            if sent.endswith(b"\r\n\r\n"):
                assert connection.recv(65536).startswith(b"HTTP/1.1 200")
                assert told == [1, -1]
        until = time.monotonic() + 10
        while told != [1, -1] and time.monotonic() < until:
            time.sleep(0.01)
        assert told == [1, -1]


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
