"""ASGI middleware: request ids, authentication, limits, timeouts, errors, security headers.

The busiest routes are called from here, because the framework's routing would cost as much as the
answer.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from itertools import count
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from likewise.server.auth import Access
from likewise.server.errors import ApiError, as_api_error, too_large
from likewise.server.ids import check_utf8
from likewise.server.requests.validation import named_values
from likewise.server.settings import Settings
from likewise.server.state import ServerState, state_of

Endpoint = Callable[[Request, ServerState], Awaitable[Response]]

_OPEN = ("/", "/healthz", "/readyz")  # paths without a key, besides the page's files
_PLAIN_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"}  # other methods are counted together
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_JOBS = "/v1/jobs"  # uploads and results of any length, which have their own timeouts
_READS = {"/v1/check", "/v1/query", "/v1/compare", "/v1/embed", "/v1/gallery/map"}  # by POST
_NOTABLE = (401, 403, 429, 500, 504)  # statuses
_SLOW = 1.0  # seconds
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
        self._in_flight = 0
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
        self._in_flight += 1
        request_id = self._request_id(headers)
        response = _Response(send, request_id)
        started, failed = time.perf_counter(), None
        try:
            self._admit(scope, headers)
            long = scope["path"].startswith(_JOBS)
            async with asyncio.timeout(None if long else self.state.settings.timeout):
                await self._pass(scope, self._limited(receive, headers, long), response)
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
            self._in_flight -= 1
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
        changed = _changes(method, path) and path not in self._hot
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

    # ------------------------------------------------------------ authentication

    def _admit(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        """Authorize a request.

        Raises:
            ApiError: If its key does not allow it, or too many requests are in flight.
        """
        settings = self.state.settings
        path, method = scope["path"], scope["method"]
        if settings.keys is None:
            _check_loopback(headers)
        if path in _OPEN or path.startswith("/page/"):
            return
        access = _access(settings, headers)
        if access is Access.NONE:
            raise ApiError(
                "unauthorized",
                "This needs an API key that the server knows.",
                "Send it as Authorization: Bearer KEY, or as X-API-Key: KEY.",
                {"WWW-Authenticate": "Bearer"},
            )
        if _changes(method, path):
            if settings.read_only:
                raise ApiError("read_only", "This server is read-only.")
            if access < Access.WRITE:
                raise ApiError("forbidden", "This key may read, but not change the gallery.")
        if self._in_flight > settings.max_in_flight and path != "/metrics":
            raise ApiError(
                "too_many",
                f"The server is already working on {settings.max_in_flight} requests.",
                "Try again after the seconds in Retry-After.",
            )
        if b"%" in scope["raw_path"]:
            check_utf8(scope["raw_path"])

    # ------------------------------------------------------------ limits

    def _limited(self, receive: Receive, headers: Mapping[bytes, bytes], long: bool) -> Receive:
        """Refuse a body that is too large: by its declared length, or while it is read."""
        settings = self.state.settings
        most = settings.max_upload if long else settings.max_bytes
        declared = headers.get(b"content-length")
        if declared is not None:  # to which the server cuts what comes
            if int(declared) > most:
                raise _too_many_bytes(most)
            return receive
        came = 0

        async def limited() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most:  # who knows how much is to follow
                raise _too_many_bytes(most, {"Connection": "close"})
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


def _changes(method: str, path: str) -> bool:
    """Whether a request changes the gallery; jobs do not.

    Example:
        >>> _changes("POST", "/v1/check"), _changes("DELETE", "/v1/references/a.png")
        (False, True)
    """
    if method in ("GET", "HEAD", "OPTIONS") or path.startswith(_JOBS):
        return False
    return path not in _READS


def key_of(headers: Mapping[bytes, bytes]) -> str | None:
    """The API key of a request."""
    kind, _, key = headers.get(b"authorization", b"").partition(b" ")
    if kind.lower() != b"bearer" or not key:
        key = headers.get(b"x-api-key", b"")
    return key.strip().decode("latin-1") or None


def may_write(request: Request) -> bool:
    """Whether a request's key may change the gallery of this server."""
    settings = state_of(request).settings
    access = _access(settings, dict(request.scope["headers"]))
    return not settings.read_only and access is Access.WRITE


def _access(settings: Settings, headers: Mapping[bytes, bytes]) -> Access:
    """Access of a request; everything on a server without keys."""
    return Access.WRITE if settings.keys is None else settings.keys.access(key_of(headers))


def _check_loopback(headers: Mapping[bytes, bytes]) -> None:
    """Refuse other sites' names for this machine, and other sites' pages."""
    host = headers.get(b"host", b"").decode("latin-1")
    if not _is_loopback(host):
        raise ApiError(
            "forbidden",
            "A server without keys answers only as localhost, 127.0.0.1 or [::1].",
            "Start it with --keys FILE to reach it by another name.",
        )
    origin = headers.get(b"origin")
    if origin is not None and origin.decode("latin-1").lower() != f"http://{host}".lower():
        raise ApiError(
            "forbidden", "A server without keys refuses requests from other sites' pages."
        )


@lru_cache(maxsize=64)  # few host names occur
def _is_loopback(host: str) -> bool:
    try:
        return "@" not in host and urlsplit(f"//{host}").hostname in _LOOPBACK
    except ValueError:
        return False


def _too_many_bytes(most: int, headers: Mapping[str, str] | None = None) -> ApiError:
    hint = "Send fewer pictures in a request."
    return too_large("The body is too large", f"{most} bytes", hint, headers)
