"""One connection: uvicorn's HTTP/1.1 protocol with stricter limits and errors.

Invalid HTTP gets a standard error response, unless earlier requests are still to be answered: then
the connection ends with their answers. Headers have size and time limits. An upgrade request is
read as if it did not ask for the upgrade.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from likewise.server.errors import ApiError
from likewise.server.gate import Gate
from likewise.server.refusals import (
    MOST_ADDRESS,
    MOST_HEAD,
    address_too_long,
    headers_too_large,
    refusal,
    unknown_method,
    written,
)

_LAST = 5.0  # seconds in which a client that is refused may end what it sends


class Protocol(HttpToolsProtocol):
    """A connection; uvicorn makes one for each."""

    _head = 0  # bytes of a request that has come so far, while its headers have not ended
    _head_ends: asyncio.TimerHandle | None = None  # when they must have
    _unanswered: Sequence[Any] = ()  # requests, in order; more than one if they did not wait
    _refused = False  # what comes from now on is not read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Register the connection and expect a request."""
        super().connection_made(transport)
        state = cast(Gate, self.app).state
        self._batcher, self._timeout = state.answering.batcher, state.settings.timeout
        self._batcher.expect(self)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel all requests; uvicorn itself only cancels the latest."""
        self._head_came()
        self._batcher.expect_no_more(self)
        for cycle in self._waiting():
            _give_up(cycle)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data, within the limit of the headers' size."""
        if self._refused:
            return
        self._unset_keepalive_if_required()
        unread: bytes | None = data
        while unread is not None:
            unread = self._read(unread)

    def _read(self, data: bytes) -> bytes | None:
        """Feed the parser; return the bytes that it has not read, never all of `data`."""
        self._head += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(refusal(error, data))
        else:
            if self._head > 0:
                self._await_rest()
        return None

    def on_message_begin(self) -> None:
        """Begin a request, with its headers."""
        super().on_message_begin()
        self._head = max(self._head, 1)

    def on_url(self, url: bytes) -> None:
        """Take a piece of the address.

        Raises:
            ApiError: If it is too long; the parser passes it on.
        """
        super().on_url(url)
        if len(self.url) > MOST_ADDRESS:
            raise address_too_long()

    def on_headers_complete(self) -> None:
        """Start to answer; the body follows, which has its own limit.

        Raises:
            ApiError: At a tunnel, whose bytes would be no HTTP; the parser passes it on.
        """
        if self.parser.get_method() == b"CONNECT":
            raise unknown_method("This server opens no tunnels: it does not know CONNECT.")
        self._head_came()
        self._batcher.expect_no_more(self)
        if self._asks_to_upgrade():
            return
        self._head = -sys.maxsize
        if not self.url.startswith(b"/"):
            self._take_host_of_address()
        waiting = self._waiting()
        super().on_headers_complete()
        self._unanswered = [*waiting, self.cycle]

    def on_message_complete(self) -> None:
        """End a request; another may follow."""
        if self._asks_to_upgrade():
            return
        self._head = 0
        super().on_message_complete()

    def _take_host_of_address(self) -> None:
        """Let the host of an absolute address stand for the header (RFC 9112, 3.2.2)."""
        host = urlsplit(self.url).netloc
        if host:
            others = [header for header in self.headers if header[0] != b"host"]
            self.headers[:] = [(b"host", host), *others]

    def _refuse(self, error: ApiError) -> None:
        """Report an invalid request and end the connection, with the answers to those before it.

        What the client is still sending is read and dropped for a while: closing at once would
        reset the connection, and the client would see that in place of the response.
        """
        if self._refused or self.transport.is_closing():
            return
        waiting = self._waiting()
        if waiting and waiting[-1].more_body:  # the invalid request
            _give_up(waiting.pop())
        if waiting:
            waiting[-1].keep_alive = False
            return
        self._refused = True
        self._head_came()
        self._batcher.expect_no_more(self)
        self.transport.write(written(error))
        self.transport.write_eof()
        self.loop.call_later(_LAST, self.transport.close)

    def _waiting(self) -> list[Any]:
        """Requests that are not answered yet, in order."""
        return [cycle for cycle in self._unanswered if not cycle.response_complete]

    # ------------------------------------------------------------ headers in time

    def _await_rest(self) -> None:
        """Wait for the rest of the headers, for a limited time and number of bytes."""
        if self._head > MOST_HEAD:
            self._refuse(headers_too_large())
        elif self._head_ends is None:
            self._expect_head()

    def _expect_head(self) -> None:
        self._head_ends = self.loop.call_later(self._timeout, self.shutdown)

    def _head_came(self) -> None:
        if self._head_ends is not None:
            self._head_ends.cancel()
            self._head_ends = None

    # ------------------------------------------------------------ another protocol

    def _asks_to_upgrade(self) -> bool:
        """Whether a request names another protocol, at which the parser stops before its body."""
        return bool(self.parser.should_upgrade())

    def _without_upgrade(self, rest: bytes) -> bytes:
        """Return a request without its upgrade, which a server may ignore (RFC 9110, 7.8).

        Args:
            rest: What came after its headers.
        """
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        return b"\r\n".join([*lines, b"", rest])


def _give_up(cycle: Any) -> None:
    """Notify a request that its client has disconnected."""
    cycle.disconnected = True
    cycle.message_event.set()
