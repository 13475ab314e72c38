"""One line of JSON for each request worth it: never a picture, never a key."""

from __future__ import annotations

import json
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

_SLOW = 1.0  # seconds
_TOLD = (401, 403, 429, 500, 504)  # statuses


class Log:
    """Writes lines.

    Args:
        write: Takes a line, without its end.
        every: Whether every request is told, and not only changes, refusals, failures and slow
            ones.

    Example:
        >>> lines = []
        >>> log = Log(lines.append)
        >>> log.request("a-1", "GET", "/v1/gallery", 200, 0.01)
        >>> log.request("a-2", "DELETE", "/v1/references/{id}", 200, 0.01, changed=True)
        >>> [json.loads(line)["id"] for line in lines]
        ['a-2']
    """

    def __init__(self, write: Callable[[str], object], *, every: bool = False) -> None:
        self._write = write
        self.every = every

    def request(
        self,
        id: str,
        method: str,
        route: str,
        status: int,
        seconds: float,
        *,
        changed: bool = False,
        decisions: Iterable[str] | None = None,
        error: Exception | None = None,
    ) -> None:
        """Tell of one request.

        Args:
            id: Of the request.
            method: GET and so on.
            route: Template of its path, which holds no ids.
            status: Of its answer; 0 if the client went away before.
            seconds: That it took.
            changed: Whether it was meant to change the gallery.
            decisions: Of its pictures, where it asked for some.
            error: What went wrong in the server, with its traceback.
        """
        refused = status in _TOLD
        if not (self.every or changed or refused or error or seconds > _SLOW):
            return
        told: dict[str, Any] = {
            "time": _now(),
            **{"id": id, "method": method, "route": route, "status": status},
            "seconds": round(seconds, 6),
        }
        if decisions is not None:
            counts = Counter(decisions)
            told |= {"images": counts.total(), "decisions": dict(counts)}
        if error is not None:
            told["error"] = _trace(error)
        self._write(json.dumps(told, ensure_ascii=False))

    def failure(self, what: str, error: Exception) -> None:
        """Tell of what went wrong beside any request."""
        told = {"time": _now(), "failure": what, "error": _trace(error)}
        self._write(json.dumps(told, ensure_ascii=False))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _trace(error: Exception) -> str:
    return "".join(traceback.format_exception(error))
