"""Who may ask what: keys, loopback names, changes, and slots for the requests being worked on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import Scope

from likewise.server.auth import Access
from likewise.server.errors import ApiError
from likewise.server.settings import Settings
from likewise.server.state import state_of

_OPEN = ("/", "/healthz", "/readyz")  # paths without a key, besides the page's files
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_JOBS = "/v1/jobs"
_UPLOAD = "/v1/jobs/check"
_READS = {"/v1/check", "/v1/query", "/v1/compare", "/v1/embed", "/v1/gallery/map"}  # by POST


def is_open(path: str) -> bool:
    """Whether a path needs no key."""
    return path in _OPEN or path.startswith("/page/")


def is_transfer(method: str, path: str) -> bool:
    """Whether a request sends or fetches a file of any length: an upload or a result of a job.

    Args:
        method: The request's method, in capitals.
        path: Its path, without the query.

    Example:
        >>> is_transfer("POST", "/v1/jobs/check"), is_transfer("GET", "/v1/jobs")
        (True, False)
    """
    if not path.startswith(_JOBS):
        return False
    if method == "POST":
        return path == _UPLOAD
    return method == "GET" and path.endswith("/result")


def changes(method: str, path: str) -> bool:
    """Whether a request changes the gallery; jobs do not.

    Args:
        method: The request's method, in capitals.
        path: Its path, without the query.

    Example:
        >>> changes("POST", "/v1/check"), changes("DELETE", "/v1/references/a.png")
        (False, True)
    """
    if method in ("GET", "HEAD", "OPTIONS") or path.startswith(_JOBS):
        return False
    return path not in _READS


def authorize(scope: Scope, headers: Mapping[bytes, bytes], settings: Settings) -> None:
    """Refuse a request that its key does not allow.

    Args:
        scope: The request's.
        headers: The same as in `scope`, by name.
        settings: Keys, and whether the gallery may be changed.

    Raises:
        ApiError: If it is not allowed.
    """
    path, method = scope["path"], scope["method"]
    if settings.keys is None:
        _check_loopback(method, headers)
    if is_open(path):
        return
    access = _access(settings, headers)
    if access is Access.NONE:
        raise ApiError(
            "unauthorized",
            "This needs an API key that the server knows.",
            "Send it as Authorization: Bearer KEY, or as X-API-Key: KEY.",
            {"WWW-Authenticate": "Bearer"},
        )
    if changes(method, path):
        if settings.read_only:
            raise ApiError("read_only", "This server is read-only.")
        if access < Access.WRITE:
            raise ApiError("forbidden", "This key may read, but not change the gallery.")


class Slots:
    """Places for requests that are worked on at the same time.

    Args:
        most: Maximum number of them.
        what: The requests, in messages.
    """

    def __init__(self, most: int, what: str) -> None:
        self._most, self._what, self._taken = most, what, 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Take a slot for the length of the block.

        Raises:
            ApiError: If all are taken.
        """
        self.require_one()
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    def require_one(self) -> None:
        """Check that a slot is free.

        Raises:
            ApiError: If all are taken.
        """
        if self._taken >= self._most:
            raise ApiError(
                "too_many",
                f"The server is already working on {self._most} {self._what}.",
                "Try again after the seconds in Retry-After.",
            )


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


def _check_loopback(method: str, headers: Mapping[bytes, bytes]) -> None:
    """Refuse other sites' names for this machine, and other sites' pages."""
    host = headers.get(b"host", b"").decode("latin-1")
    if not _is_loopback(host):
        raise ApiError(
            "forbidden",
            "A server without keys answers only as localhost, 127.0.0.1 or [::1].",
            "Start it with --keys FILE to reach it by another name.",
        )
    origin = headers.get(b"origin")
    foreign = origin is not None and origin.decode("latin-1").lower() != f"http://{host}".lower()
    if foreign or _is_part_of_other_page(method, headers):
        raise ApiError(
            "forbidden",
            "A server without keys refuses requests from other sites' pages.",
            "Start it with --keys FILE to ask it from another site.",
        )


def _is_part_of_other_page(method: str, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a browser says that another site's page asks: for a picture, a script and so on.

    Such requests need no `Origin`. A link that somebody follows is none of them, and may lead here.
    """
    if headers.get(b"sec-fetch-site", b"none") in (b"none", b"same-origin"):
        return False
    follows = headers.get(b"sec-fetch-mode") == b"navigate" and method in ("GET", "HEAD")
    return not follows or headers.get(b"sec-fetch-dest") in (b"object", b"embed")


@lru_cache(maxsize=64)  # few host names occur
def _is_loopback(host: str) -> bool:
    try:
        return "@" not in host and urlsplit(f"//{host}").hostname in _LOOPBACK
    except ValueError:
        return False
