"""Connections that receive malformed, pipelined or unusually fast requests."""

from __future__ import annotations

import socket
import time

import pytest

from likewise.server.answering.batcher import Batcher
from likewise.server.settings import Settings
from tests.eventually import eventually
from tests.likewise.server.conftest import image, png, serving


def connection(client) -> socket.socket:
    url = client.base_url
    return socket.create_connection((url.host, url.port), timeout=60)


def all_of(line: socket.socket) -> bytes:
    """What comes until the server closes the connection."""
    return b"".join(iter(lambda: line.recv(65536), b""))


def check(body: bytes, more: bytes = b"", *, id: int = 0) -> bytes:
    return (
        b"POST /v1/check?id=%d HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
        b"%bContent-Length: %d\r\n\r\n%b" % (id, more, len(body), body)
    )


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"


@pytest.mark.parametrize("cut", [10, 100, -5])
def test_a_wish_for_another_protocol_is_passed_over(shared, queries, cut):
    asked = check(png(queries[0]), UPGRADE)
    with connection(shared) as line:
        line.sendall(asked[:cut])
        time.sleep(0.05)  # so that it mostly comes in two pieces; the answer is the same in one
        line.sendall(asked[cut:] + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        line.sendall(b"Connection: close\r\n\r\n")
        answer = all_of(line)
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert b'"decision":"' in answer


@pytest.mark.parametrize("target", [b"example.org:443", b"/", b"/v1/check", b"/healthz"])
@pytest.mark.parametrize("more", [b"", UPGRADE], ids=["", "upgrade"])
def test_a_tunnel_is_refused_once(shared, target, more):
    head = b"CONNECT %b HTTP/1.1\r\nHost: localhost\r\n%b\r\n" % (target, more)
    with connection(shared) as line:
        line.sendall(head + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = all_of(line)
    assert answer.startswith(b"HTTP/1.1 501")
    assert answer.count(b"content-length") == 1  # what follows would be the tunnel's


def test_any_number_of_wishes_for_another_protocol_gets_as_many_answers(shared):
    wish = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n%b\r\n" % UPGRADE
    count = 1500  # more than Python's stack has frames
    with connection(shared) as line:
        line.sendall(wish * count + b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert all_of(line).count(b'{"status":"ok"}') == count


@pytest.mark.parametrize("count", [1, 3])
def test_requests_before_what_is_not_http_are_answered(shared, queries, count):
    body = png(queries[0])
    with connection(shared) as line:
        line.sendall(b"".join(check(body, id=n) for n in range(count)) + b"\0nonsense\r\n\r\n")
        answer = all_of(line)
    assert answer.count(b"HTTP/1.1 200 OK") == answer.count(b"HTTP/1.1") == count
    assert b"HTTP/1.1 400" not in answer


def test_a_request_that_breaks_off_after_others_ends_the_connection_with_their_answers(
    shared, queries
):
    head = b"POST /v1/check HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connection(shared) as line:
        line.sendall(check(png(queries[0])) + head + b"no length\r\n")
        answer = all_of(line)
    assert answer.count(b"HTTP/1.1 200 OK") == answer.count(b"HTTP/1.1") == 1


def test_a_client_that_leaves_amid_its_requests_is_not_a_failure(gallery, queries, caplog):
    lines: list[str] = []
    body = png(queries[0])
    with serving(gallery, Settings(max_in_flight=12), tell=lines.append) as client:
        for _ in range(24):
            with connection(client) as line:
                line.sendall(b"".join(check(body, id=n) for n in range(20)))
        eventually(  # a place is free again once the server has seen that they left
            lambda: client.post("/v1/check", **image(queries[0])).status_code,
            until=lambda status: status == 200,
        )
    assert [line for line in lines if "Error" in line] == caplog.records == []


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost: loc"], ids=["none", "some"])
def test_headers_that_do_not_end_in_time_end_the_connection(gallery, sent):
    with serving(gallery, Settings(timeout=0.2)) as client, connection(client) as line:
        line.sendall(sent)
        assert all_of(line) == b""


def test_a_client_that_connects_is_expected_until_it_asks_or_leaves(client, monkeypatch):
    came: list[object] = []
    expected: set[object] = set()

    def expect(batcher: Batcher, client: object) -> None:
        came.append(client)
        expected.add(client)

    monkeypatch.setattr(Batcher, "expect", expect)
    monkeypatch.setattr(Batcher, "expect_no_more", lambda batcher, item: expected.discard(item))
    head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
    for sent in (b"", head, head + b"\r\n", head + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n"):
        came.clear()
        with connection(client) as line:
            eventually(lambda: len(expected) == len(came) == 1)
            line.sendall(sent)
            if sent.endswith(b"\r\n\r\n"):
                assert line.recv(65536).startswith(b"HTTP/1.1 200")
                assert not expected
        eventually(lambda: not expected)


def test_requests_sent_without_waiting_are_answered_in_order(shared, queries):
    body = png(queries[0])
    requests = b"".join(
        b"POST /v1/check?id=%d HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
        b"Content-Length: %d\r\nConnection: %b\r\n\r\n%b" % (n, len(body), keep, body)
        for n, keep in enumerate([b"keep-alive", b"keep-alive", b"close"])
    )
    with connection(shared) as line:
        line.sendall(requests)
        answer = all_of(line)
    assert [answer.count(b'"id":"%d"' % n) for n in range(3)] == [1, 1, 1]
    assert answer.index(b'"id":"0"') < answer.index(b'"id":"1"') < answer.index(b'"id":"2"')


def test_a_body_that_does_not_come_is_given_up(gallery):
    with serving(gallery, Settings(timeout=0.2)) as client, connection(client) as line:
        line.sendall(
            b"POST /v1/check HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
            b"Content-Length: 10\r\n\r\nabc"
        )
        answer = all_of(line)
    assert answer.startswith(b"HTTP/1.1 504")


def test_a_client_that_went_away_is_not_counted_as_working(gallery, queries):
    with serving(gallery, Settings(max_in_flight=2)) as client:
        for _ in range(5):
            with connection(client) as line:
                line.sendall(
                    b"POST /v1/check HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
                    b"Content-Length: 10\r\n\r\nabc"
                )
        eventually(  # a place is free again once the server has seen that they left
            lambda: client.post("/v1/check", **image(queries[0])).status_code,
            until=lambda status: status == 200,
        )
