"""Whether the database of a gallery, or those who hold its references, answer, for `/readyz`."""

from __future__ import annotations

import asyncio
import time

from index.gallery import Gallery
from likewise.server.errors import ApiError

_FRESH = 1.0  # seconds: nobody needs a key to ask, so the database is not asked each time
PATIENCE = 5.0  # seconds; whoever asks for longer takes no answer for the same


class Reachable:
    """Asks the gallery's store, at most once a second and once at a time.

    Args:
        gallery: The gallery.
    """

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._until = self._since = 0.0
        self._asking: asyncio.Task[Exception | None] | None = None

    async def require(self) -> None:
        """Refuse a gallery that is not in place, or whose store does not answer in time.

        Raises:
            GalleryError: Why it cannot be asked.
            ApiError: If there is no answer.
        """
        self._gallery.require_in_place()
        if time.monotonic() < self._until:
            return
        if self._asking is None:
            self._since = time.monotonic()
            self._asking = asyncio.create_task(self._ask())
        asking = self._asking
        await asyncio.wait({asking}, timeout=max(0.0, self._since + PATIENCE - time.monotonic()))
        if not asking.done():  # it goes on, so that one that hangs holds one thread only
            raise ApiError("not_ready", "The gallery does not answer in time.", "Try again later.")
        if (error := asking.result()) is not None:
            raise error

    async def _ask(self) -> Exception | None:
        """What is wrong with the store, if anything: returned, because nobody may wait for it."""
        try:
            await asyncio.to_thread(self._gallery.require_reachable)
            self._until = time.monotonic() + _FRESH
        except Exception as error:
            return error
        finally:
            self._asking = None
        return None
