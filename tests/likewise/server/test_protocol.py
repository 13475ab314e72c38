"""What a connection makes of bytes that a well-behaved client would not send so, or not so fast."""

from __future__ import annotations

import socket
import time

import pytest

from likewise.server.direct import Exchange
from likewise.server.settings import Settings
from tests.likewise.server.conftest import image, png, serving

ORDINARY = b"X-Likewise-Fingerprint: fa4e00000001\r\n"  # vectors' sender's: keeps off the short way


def connection(client) -> socket.socket:
    url = client.base_url
    return socket.create_connection((url.host, url.port), timeout=10)


def all_of(line: socket.socket) -> bytes:
    """What comes until the server closes the connection."""
    return b"".join(iter(lambda: line.recv(65536), b""))


def check(body: bytes, more: bytes = b"", *, id: int = 0) -> bytes:
    return (
        b"POST /v1/check?id=%d HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
        b"%bContent-Length: %d\r\n\r\n%b" % (id, more, len(body), body)
    )


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"


@pytest.mark.parametrize("more", [b"", ORDINARY], ids=["short", "ordinary"])
@pytest.mark.parametrize("cut", [10, 100, -5])
def test_a_wish_for_another_protocol_is_passed_over(shared, queries, more, cut):
    asked = check(png(queries[0]), more + UPGRADE)
    with connection(shared) as line:
        line.sendall(asked[:cut])
        time.sleep(0.05)
        line.sendall(asked[cut:] + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        line.sendall(b"Connection: close\r\n\r\n")
        answer = all_of(line)
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert b'"decision": "' in answer


def test_a_tunnel_is_refused(shared):
    with connection(shared) as line:
        line.sendall(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n")
        assert all_of(line).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("more", [b"", ORDINARY], ids=["short", "ordinary"])
@pytest.mark.parametrize("count", [1, 3])
def test_requests_before_what_is_no_http_are_answered(shared, queries, more, count):
    body = png(queries[0])
    with connection(shared) as line:
        line.sendall(
            b"".join(check(body, more, id=n) for n in range(count)) + b"\0nonsense\r\n\r\n"
        )
        answer = all_of(line)
    assert answer.count(b"HTTP/1.1 200 OK") == answer.count(b"HTTP/1.1") == count
    assert b"HTTP/1.1 400" not in answer


def test_a_request_that_breaks_off_after_others_ends_the_connection_with_their_answers(
    shared, queries
):
    head = b"POST /v1/check HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connection(shared) as line:
        line.sendall(check(png(queries[0]), ORDINARY) + head + b"no length\r\n")
        answer = all_of(line)
    assert answer.count(b"HTTP/1.1 200 OK") == answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("more", [b"", ORDINARY], ids=["short", "ordinary"])
def test_a_client_that_leaves_amid_its_requests_is_no_failure(gallery, queries, more, caplog):
    lines: list[str] = []
    body = png(queries[0])
    with serving(gallery, Settings(max_in_flight=12), tell=lines.append) as client:
        for _ in range(24):
            with connection(client) as line:
                line.sendall(b"".join(check(body, more, id=n) for n in range(20)))
        time.sleep(0.2)
        assert client.post("/v1/check", **image(queries[0])).status_code == 200
    assert [line for line in lines if "Error" in line] == caplog.records == []


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost: loc"], ids=["none", "some"])
def test_headers_that_do_not_end_in_time_end_the_connection(gallery, sent):
    with serving(gallery, Settings(timeout=0.2)) as client, connection(client) as line:
        line.sendall(sent)
        assert all_of(line) == b""


def test_a_request_that_is_told_too_late_is_told_once(gallery, queries, monkeypatch):
    """Its answer may come in the very turn of the loop in which its time is up."""
    done = Exchange._done

    def late(self, future):
        self._late()
        done(self, future)

    monkeypatch.setattr(Exchange, "_done", late)
    with serving(gallery) as client, connection(client) as line:
        line.sendall(check(png(queries[0])))
        answer = all_of(line)
    assert answer.count(b"HTTP/1.1 504") == answer.count(b"HTTP/1.1") == 1
