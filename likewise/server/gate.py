"""ASGI middleware: request ids, authentication, limits, timeouts, errors, security headers.

The busiest routes are called from here, because the framework's routing would cost as much as the
answer.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from likewise.server.admission import Slots, authorize, changes, is_open, is_transfer
from likewise.server.errors import ApiError, as_api_error, too_large
from likewise.server.ids import check_utf8
from likewise.server.pace import Pace
from likewise.server.receiving import Receiving, has_body
from likewise.server.requests.validation import named_values
from likewise.server.state import ServerState

Endpoint = Callable[[Request, ServerState], Awaitable[Response]]

_PLAIN_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"}  # other methods are counted together
_NOTABLE = (401, 403, 429, 500, 504)  # statuses
_SLOW = 1.0  # seconds
_ROOM = 8  # largest bodies that are in memory at the same time
_FEWER = "Send fewer pictures in a request, or many as a job: POST /v1/jobs/check."
_SPLIT = "Split it into several jobs, or start the server with a larger --max-upload."
HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        b"connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


def is_notable(status: int, seconds: float, *, changed: bool) -> bool:
    """Whether a request is logged by default: a change, a refusal, a failure, or a slow one.

    Args:
        status: Status of the response; 0 if the client disconnected first.
        seconds: Duration in seconds.
        changed: Whether it was a request for a change.

    Example:
        >>> is_notable(200, 0.01, changed=False), is_notable(401, 0.01, changed=False)
        (False, True)
    """
    return changed or status in _NOTABLE or seconds > _SLOW


class Gate:
    """The ASGI middleware around an application.

    Attributes:
        state: The server's state.

    Args:
        app: The application.
        state: The server's state.
        hot: Endpoints that are called without the application's routing, by method and path.
    """

    def __init__(
        self, app: ASGIApp, state: ServerState, hot: Mapping[tuple[str, str], Endpoint]
    ) -> None:
        self._app = app
        self.state = state
        self._hot = hot
        settings = state.settings
        self._requests = Slots(settings.max_in_flight, "requests")
        room = _ROOM * settings.max_bytes
        self._receiving = Receiving(settings.max_in_flight, self._requests, room)
        self._transfers = Slots(settings.max_transfers, "uploads and results of jobs")
        self._name = os.urandom(6).hex().encode()  # of this process, in the ids of requests
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if scope["method"] == "HEAD":  # answered as GET: the server leaves the body out
            scope = {**scope, "method": "GET"}
        request_id = self._request_id(headers)
        response = _Response(send, request_id)
        started, failed = time.perf_counter(), None
        try:
            authorize(scope, headers, self.state.settings)
            if b"%" in scope["raw_path"]:
                check_utf8(scope["raw_path"])
            await self._within_limits(scope, headers, receive, response)
        except ClientDisconnect:
            pass  # the client has left
        except Exception as error:
            shown = as_api_error(error)
            failed = error if shown.code == "internal" else None
            if not response.started:
                await shown.response()(scope, receive, response)
            elif not response.ended:  # the response has started: only closing is left
                raise
        finally:
            seconds = time.perf_counter() - started
            self._record(scope, request_id, response.status, seconds, failed)

    def _record(
        self, scope: Scope, id: bytes, status: int, seconds: float, error: Exception | None
    ) -> None:
        """Count and log a finished request."""
        method, path = scope["method"], scope["path"]
        route = path if (method, path) in self._hot else _template(scope)
        if method not in _METHODS:
            method = "other"
        self.state.metrics.request(method, route, status)
        changed = changes(method, path) and path not in self._hot
        if self.state.log.every or error or is_notable(status, seconds, changed=changed):
            decisions = scope.get("likewise.decisions")
            name = id.decode("latin-1")
            self.state.log.request(name, method, route, status, seconds, decisions, error)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._hot.get((scope["method"], scope["path"]))
        if endpoint is None:
            if scope["path"].startswith("/v1/"):
                named_values(scope["query_string"])
            await self._app(scope, receive, send)
        else:
            response = await endpoint(Request(scope, receive), self.state)
            await response(scope, receive, send)

    def _request_id(self, headers: Mapping[bytes, bytes]) -> bytes:
        """The client's request id if it is short and plain, else a new one."""
        id = headers.get(b"x-request-id")
        if id is not None and _PLAIN_ID.fullmatch(id):
            return id
        return b"%b-%d" % (self._name, next(self._numbers))

    # ------------------------------------------------------------ limits

    async def _within_limits(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        """Pass a request on while there is a slot for it, within its bytes and its time."""
        settings = self.state.settings
        if is_transfer(scope["method"], scope["path"]):  # of any length, so by its rate
            pace = Pace(settings.timeout, settings.min_rate)
            received = pace.receiving(receive)
            limited = self._limited(received, headers, settings.max_upload, _SPLIT)
            with self._transfers.one():
                await self._pass(scope, limited, pace.sending(send))
            return
        limited = self._limited(receive, headers, settings.max_bytes, _FEWER)
        async with asyncio.timeout(settings.timeout):
            with self._slot(scope, headers, limited) as received:
                await self._pass(scope, received, send)

    @contextmanager
    def _slot(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive
    ) -> Iterator[Receive]:
        """Hold a slot while a request is answered, if its route needs any."""
        if is_open(scope["path"]) or scope["path"] == "/metrics":
            yield receive
        elif has_body(scope["method"], headers):
            with self._receiving.one(receive) as received:
                yield received
        else:
            with self._requests.one():
                yield receive

    def _limited(
        self, receive: Receive, headers: Mapping[bytes, bytes], most: int, hint: str
    ) -> Receive:
        """Refuse a body that is too large: by its declared length, or while it is read."""
        declared = headers.get(b"content-length")
        if declared is not None:  # the server reads no more than this
            if int(declared) > most:
                raise _too_many_bytes(most, hint)
            return receive
        came = 0

        async def limited() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most:  # there is no declared length, so any amount may follow
                raise _too_many_bytes(most, hint, {"Connection": "close"})
            return message

        return limited


class _Response:
    """Sends a response with the common headers.

    Attributes:
        started: Whether its status was sent.
        ended: Whether all of it was sent.
        status: The status, 0 before it was sent.
    """

    __slots__ = ("_request_id", "_send", "ended", "started", "status")

    def __init__(self, send: Send, request_id: bytes) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 0
        self.started = self.ended = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started, self.status = True, message["status"]
            message["headers"] += [*HEADERS, (b"x-request-id", self._request_id)]
        await self._send(message)
        self.ended = message["type"] == "http.response.body" and not message.get("more_body")


def _template(scope: Scope) -> str:
    """The route's path template; `other` for unknown paths."""
    route = scope.get("route")
    return str(getattr(route, "path_format", "other"))


def _too_many_bytes(most: int, hint: str, headers: Mapping[str, str] | None = None) -> ApiError:
    return too_large("The body is too large", f"{most} bytes", hint, headers)
