"""Request bodies in transit: a request takes a slot once its whole body has arrived.

A client that sends slowly, or stops, holds a connection and none of the slots of those that are
answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from starlette.types import Message, Receive

from likewise.server.admission import Slots
from likewise.server.errors import ApiError

_WITH_BODY = ("POST", "PUT")


def has_body(method: str, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a body comes with a request to a route that reads bodies.

    Args:
        method: Its method.
        headers: Its headers, by lower-case names.
    """
    announced = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
    return announced and method in _WITH_BODY


class Receiving:
    """The bodies that the server waits for; if there are too many, the longest wait is ended.

    Args:
        most: Maximum number of them.
        slots: Slots of the requests that are answered.
    """

    def __init__(self, most: int, slots: Slots) -> None:
        self._most, self._slots = most, slots
        self._waits: dict[asyncio.Timeout, None] = {}  # the longest first

    @contextmanager
    def one(self, receive: Receive) -> Iterator[Receive]:
        """Take a slot for the rest of the block once the whole body has arrived.

        Yields:
            `receive`, which may raise an `ApiError` too: if all slots are taken, or if the body
            comes slowly while many others are waited for.

        Raises:
            ApiError: If all slots are taken from the start.
        """
        self._slots.require_one()
        with ExitStack() as slot:
            whole = False

            async def received() -> Message:
                nonlocal whole
                if whole:
                    return await receive()
                message = await self._next(receive)
                if not message.get("more_body", False):
                    whole = True
                    slot.enter_context(self._slots.one())
                return message

            yield received

    async def _next(self, receive: Receive) -> Message:
        if len(self._waits) >= self._most:
            longest = next(iter(self._waits))
            del self._waits[longest]
            longest.reschedule(0)  # at once
        wait = asyncio.timeout(None)
        try:
            async with wait:
                self._waits[wait] = None
                return await receive()
        except TimeoutError as error:
            raise ApiError(
                "too_slow", "The body arrived too slowly while many others were arriving."
            ) from error
        finally:
            self._waits.pop(wait, None)
