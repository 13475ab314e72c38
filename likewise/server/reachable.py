"""Whether the database of a gallery answers, for `/readyz`."""

from __future__ import annotations

import asyncio
import time

from index.gallery import Gallery

_FRESH = 1.0  # seconds: nobody needs a key to ask, so the database is not asked each time


class Reachable:
    """Asks the gallery's store, at most once a second.

    Args:
        gallery: The gallery.
    """

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._lock = asyncio.Lock()
        self._until = 0.0

    async def require(self) -> None:
        """Refuse a gallery that is not in place, or whose database does not answer.

        Raises:
            GalleryError: Why it cannot be asked.
        """
        self._gallery.require_in_place()
        async with self._lock:
            if time.monotonic() >= self._until:
                await asyncio.to_thread(self._gallery.require_reachable)
                self._until = time.monotonic() + _FRESH
