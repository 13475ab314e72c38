"""A minimum rate for transfers of any length: uploads of jobs and their results.

Only the time in which the client is waited for counts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import TypeVar

from starlette.types import Message, Receive, Send

from likewise.server.errors import ApiError

T = TypeVar("T")


class Pace:
    """The time that a client may still keep the server waiting; every byte it transfers adds to it.

    Args:
        seconds: At first, and at most.
        rate: Bytes that earn a second; with 0, each piece earns all.
    """

    def __init__(self, seconds: float, rate: int) -> None:
        self._most = self._left = seconds
        self._rate = rate

    def receiving(self, receive: Receive) -> Receive:
        """The same, but raises an `ApiError` once a body arrives too slowly."""
        ended = False

        async def paced() -> Message:
            nonlocal ended
            if ended:  # the body is complete, and the client may now disconnect
                return await receive()
            message = await self._waited(receive())
            self._earn(len(message.get("body", b"")))
            ended = not message.get("more_body", False)
            return message

        return paced

    def sending(self, send: Send) -> Send:
        """The same, but raises an `ApiError` once the client reads too slowly."""

        async def paced(message: Message) -> None:
            await self._waited(send(message))
            self._earn(len(message.get("body", b"")))

        return paced

    async def _waited(self, awaitable: Awaitable[T]) -> T:
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._left):
                return await awaitable
        except TimeoutError as error:
            raise ApiError(
                "too_slow",
                f"Expected at least {self._rate} bytes per second, over {self._most:g} s.",
                "Send it over a faster connection, or in smaller parts.",
                {"Connection": "close"},  # its body may still be coming
            ) from error
        finally:
            self._left = max(0.0, self._left - (time.monotonic() - started))

    def _earn(self, size: int) -> None:
        earned = size / self._rate if self._rate else self._most * min(size, 1)
        self._left = min(self._most, self._left + earned)
