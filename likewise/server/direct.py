"""Checks and queries of one small picture, answered without ASGI, which would cost as much again.

Such a request is all there when its first piece of data is read, and its answer is written at once,
so neither needs a task of its own. It passes the same gate and gets the same answer, with its
headers in another order. Every other request goes the ordinary way (`gate`, `answers`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from starlette.responses import Response
from starlette.types import Scope

from likewise.server.answering.answer import CHECK, QUERY, Answer, Question
from likewise.server.answering.ask import ask, take_note
from likewise.server.answering.pictures import LargePictureError, Subject
from likewise.server.errors import as_api_error
from likewise.server.gate import Gate
from likewise.server.metrics import READ
from likewise.server.requests.bodies import FINGERPRINT, IMAGE
from likewise.server.routes.check import options_of, written
from likewise.server.state import Context

_MOST = 32 << 10  # bytes of a body
_KINDS = {b"/v1/check": CHECK, b"/v1/query": QUERY}
_ORDINARY = (b"expect", b"transfer-encoding", b"content-encoding", FINGERPRINT)

Headers = dict[bytes, bytes]


def kind_of(method: bytes, url: bytes, headers: Headers, most: int) -> str | None:
    """What a request asks, `CHECK` or `QUERY`; None if it must go the ordinary way.

    Args:
        method: GET and so on.
        url: Path and query string.
        headers: Of the request.
        most: Bytes of a body that the server takes.
    """
    kind = _KINDS.get(url.partition(b"?")[0])
    if method != b"POST" or kind is None or not _is_small_picture(headers, min(most, _MOST)):
        return None
    return None if any(name in headers for name in _ORDINARY) else kind


def _is_small_picture(headers: Headers, most: int) -> bool:
    length = headers.get(b"content-length", b"")
    return (
        headers.get(b"content-type", b"").startswith(IMAGE.encode())
        and length.isdigit()
        and int(length) <= most
    )


class Exchange:
    """One such request and its answer; to uvicorn's protocol it is a cycle like any other.

    Attributes:
        body: What has come of it.
        response_complete: Whether it is answered.
        keep_alive: Whether the connection stays open after it.
        disconnected: Set when the client went away.

    Args:
        gate: Which it passes.
        context: Of the application.
        scope: As of ASGI.
        headers: Of the request.
        kind: What it asks.
        keep_alive: As above.
        respond: Writes an answer, with the headers that all have.
    """

    def __init__(
        self,
        gate: Gate,
        context: Context,
        scope: Scope,
        headers: Headers,
        kind: str,
        *,
        keep_alive: bool,
        respond: Callable[[Exchange, Response], object],
    ) -> None:
        self.body, self.more_body = bytearray(), True
        self.response_complete = self.disconnected = False
        self.keep_alive = keep_alive
        self._gate, self._context = gate, context
        self._scope, self._headers, self._kind = scope, headers, kind
        self._respond = respond
        self._started = time.perf_counter()
        self._id = gate.enter(headers)
        self._timer = asyncio.get_running_loop().call_later(context.settings.timeout, self._late)
        self._answer: asyncio.Future[Any] | None = None

    @property
    def message_event(self) -> Exchange:
        """That is set when something came, or the client went away: kept, it would be a cycle."""
        return self

    def set(self) -> None:
        """Give up a request that will never be whole; one that is gets its answer computed."""
        if self.disconnected and self._answer is None and not self.response_complete:
            self._leave(0)

    def start(self) -> None:
        """Ask, now that the body is there."""
        if self.response_complete:
            return
        try:
            self._gate.admit(self._scope, self._headers)
            self._options, name = options_of(self._kind, self._scope["query_string"])
        except Exception as error:
            self._fail(error)
            return
        self._subject = Subject([name], [bytes(self.body)])
        self._context.metrics.took(READ, time.perf_counter() - self._started)
        self._wait_for(self._context.batcher.put(Question(self._options, self._subject), 1))

    def _wait_for(self, answer: asyncio.Future[Any]) -> None:
        self._answer = answer
        answer.add_done_callback(self._done)

    def _done(self, future: asyncio.Future[Any]) -> None:
        """Answer with what the batcher or, for a large picture, `ask` gave."""
        if future.cancelled() or self.response_complete:  # it took too long, and was told so
            return
        try:
            answers = future.result()
            if isinstance(answers, Answer):
                answers = [answers]
                take_note(self._context, self._subject, answers)
        except LargePictureError:
            asked = ask(self._context, self._options, self._subject)
            self._wait_for(asyncio.get_running_loop().create_task(asked))
        except Exception as error:
            self._fail(error)
        else:
            self._scope["likewise.decisions"] = answers[0].decisions
            self._end(written(self._kind, answers))

    def _late(self) -> None:
        if self._answer is not None:
            self._answer.cancel()
        self._fail(TimeoutError())

    def _fail(self, error: Exception) -> None:
        told = as_api_error(error)
        self._end(told.response(), error if told.code == "internal" else None)

    def _end(self, response: Response, failed: Exception | None = None) -> None:
        response.raw_headers += [(b"x-request-id", self._id)]
        self._leave(response.status_code, failed)
        if not self.disconnected:
            self._respond(self, response)

    def _leave(self, status: int, failed: Exception | None = None) -> None:
        self._timer.cancel()
        self.response_complete = True
        seconds = time.perf_counter() - self._started
        self._gate.leave(self._scope, self._id, status, seconds, failed)
