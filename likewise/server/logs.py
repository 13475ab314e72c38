"""Log notable requests as JSON lines, without pictures or keys."""

from __future__ import annotations

import json
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any


class Log:
    """Write log lines.

    Args:
        write: Called with each line, without its line end.
        every: Whether every request is logged, not only the notable ones; see `gate`.

    Example:
        >>> lines = []
        >>> Log(lines.append).request("a-2", "DELETE", "/v1/references/{id}", 200, 0.01)
        >>> json.loads(lines[0])["route"]
        '/v1/references/{id}'
    """

    def __init__(self, write: Callable[[str], object], *, every: bool = False) -> None:
        self._take = write
        self.every = every

    def request(
        self,
        id: str,
        method: str,
        route: str,
        status: int,
        seconds: float,
        decisions: Iterable[str] | None = None,
        error: Exception | None = None,
    ) -> None:
        """Log one request.

        Args:
            id: Its id.
            method: GET and so on.
            route: Template of its path, which holds no ids.
            status: Status of the response; 0 if the client disconnected first.
            seconds: Duration in seconds.
            decisions: One per picture, if it was a check.
            error: Exception in the server, logged with its traceback.
        """
        line: dict[str, Any] = {
            "time": _now(),
            **{"id": id, "method": method, "route": route, "status": status},
            "seconds": round(seconds, 6),
        }
        if decisions is not None:
            counts = Counter(decisions)
            line |= {"images": counts.total(), "decisions": dict(counts)}
        if error is not None:
            line["error"] = _trace(error)
        self._write(json.dumps(line, ensure_ascii=False))

    def _write(self, line: str) -> None:
        """Write a line; a log that fails changes no answer."""
        with suppress(Exception):
            self._take(line)

    def failure(self, what: str, error: Exception) -> None:
        """Log a failure outside any request.

        Args:
            what: What was being done.
            error: What went wrong.
        """
        line = {"time": _now(), "failure": what, "error": _trace(error)}
        self._write(json.dumps(line, ensure_ascii=False))


def noted(message: str, **fields: str) -> str:
    """What is no request and no failure, as a line of the log.

    Args:
        message: A sentence.
        fields: What else there is to say.

    Example:
        >>> json.loads(noted("Lost lines of this log: 3."))["message"]
        'Lost lines of this log: 3.'
    """
    return json.dumps({"time": _now(), **fields, "message": message}, ensure_ascii=False)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
