"""A minimal HTTP client: prepared requests over persistent connections, answers barely parsed.

It shares the cores with the server that it measures, so its own work distorts the figure.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import cast

import uvloop


def post(target: str, kind: str, body: bytes) -> bytes:
    """The bytes of a request."""
    head = (
        f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def ask(port: int, requests: Sequence[bytes], clients: int) -> list[float]:
    """Send all requests; each client sends the next one after the answer to its last.

    Returns:
        Seconds that each took, in the order of their ends.

    Raises:
        ValueError: If an answer is another than 200.
    """
    return uvloop.run(_ask(port, requests, clients))


async def _ask(port: int, requests: Sequence[bytes], clients: int) -> list[float]:
    loop = asyncio.get_running_loop()
    times: list[float] = []
    left = iter(requests)
    ends: list[asyncio.Future[None]] = [loop.create_future() for _ in range(clients)]
    for end in ends:
        client = _Client(left, times, end)
        await loop.create_connection(partial(_itself, client), "127.0.0.1", port)
    await asyncio.gather(*ends)
    return times


def _itself(client: _Client) -> _Client:
    return client


class _Client(asyncio.Protocol):
    """One persistent connection."""

    def __init__(
        self, left: Iterator[bytes], times: list[float], end: asyncio.Future[None]
    ) -> None:
        self._left, self._times, self._end = left, times, end
        self._got = bytearray()
        self._wanted = 0
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self._send()

    def data_received(self, data: bytes) -> None:
        """Wait for the whole answer, then send the next request."""
        self._got += data
        if not self._wanted:
            head = self._got.find(b"\r\n\r\n")
            if head < 0:
                return
            if not self._got.startswith(b"HTTP/1.1 200"):
                self._end.set_exception(ValueError(self._got.decode()))
                return
            at = self._got.index(b"content-length: ") + 16
            self._wanted = head + 4 + int(self._got[at : self._got.index(b"\r", at)])
        if len(self._got) >= self._wanted:
            self._times.append(time.perf_counter() - self._since)
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        """Fail if an answer is missing."""
        if not self._end.done():
            self._end.set_exception(error or ValueError("The server closed the connection."))

    def _send(self) -> None:
        self._got.clear()
        self._wanted = 0
        request = next(self._left, None)
        if request is None:
            self._transport.close()
            self._end.set_result(None)
            return
        self._since = time.perf_counter()
        self._transport.write(request)
