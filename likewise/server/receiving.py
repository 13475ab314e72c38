"""Request bodies in transit: a request takes a slot once its whole body has arrived.

A client that sends slowly, or stops, holds a connection and none of the slots of those that are
answered. Large bodies share a room, so that many of them at once cannot fill the memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from starlette.types import Message, Receive

from likewise.server.admission import Slots
from likewise.server.errors import ApiError

_WITH_BODY = ("POST", "PUT")
_SMALL = 1 << 20  # bytes of each body that need no room: a picture finds one beside large bodies


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
        room: Bytes that bodies may hold together until they are answered, beyond the first MiB of
            each.
    """

    def __init__(self, most: int, slots: Slots, room: int) -> None:
        self._most, self._slots, self._room = most, slots, _Room(room)
        self._waits: dict[asyncio.Timeout, None] = {}  # the longest first

    @contextmanager
    def one(self, receive: Receive) -> Iterator[Receive]:
        """Take a slot for the rest of the block once the whole body has arrived.

        Yields:
            `receive`, which may raise an `ApiError` too: if all slots are taken, if large bodies
            fill the room, or if the body comes slowly while many others are waited for.

        Raises:
            ApiError: If all slots are taken from the start.
        """
        self._slots.require_one()
        with ExitStack() as slot, self._room.one() as hold:
            whole = False

            async def received() -> Message:
                nonlocal whole
                if whole:
                    return await receive()
                message = await self._next(receive)
                hold(len(message.get("body", b"")))
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


class _Room:
    """Bytes of memory that bodies share.

    Args:
        most: Maximum number of bytes that they hold together, beyond `_SMALL` of each.
    """

    def __init__(self, most: int) -> None:
        self._most, self._held = most, 0

    @contextmanager
    def one(self) -> Iterator[Callable[[int], None]]:
        """Hold the bytes of one body until the block ends.

        Yields:
            What takes the number of bytes that came; it raises an `ApiError` if they have no room.
        """
        came = held = 0

        def hold(size: int) -> None:
            nonlocal came, held
            came += size
            more = max(0, came - _SMALL) - held
            if self._held + more > self._most:
                raise ApiError(
                    "too_many",
                    f"The server already holds {self._held} bytes of other requests.",
                    "Try again after the seconds in Retry-After, or send less in a request.",
                )
            self._held += more
            held += more

        try:
            yield hold
        finally:
            self._held -= held
