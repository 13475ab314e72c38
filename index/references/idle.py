"""Run an action after a period without activity, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Idle:
    """Calls `action` once, `seconds` after the last `touch`; a later `touch` begins anew.

    Args:
        seconds: Length of the period, > 0.
        action: Called in a daemon thread, which lives no longer than that.
    """

    def __init__(self, seconds: float, action: Callable[[], object]) -> None:
        self._seconds = seconds
        self._action = action
        self._changed = threading.Condition()
        self._due = 0.0
        self._waiting = False

    def touch(self) -> None:
        """Note activity."""
        with self._changed:
            self._due = time.monotonic() + self._seconds
            if not self._waiting:
                self._waiting = True
                threading.Thread(target=self._wait, name="idle", daemon=True).start()

    def stop(self) -> None:
        """Cancel the call, unless it has begun."""
        with self._changed:
            self._waiting = False
            self._changed.notify_all()

    def _wait(self) -> None:
        with self._changed:
            while self._waiting and (left := self._due - time.monotonic()) > 0:
                self._changed.wait(left)
            if not self._waiting:
                return
            self._waiting = False
        self._action()
