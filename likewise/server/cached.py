"""Expensive values, recomputed in the background when the gallery changes."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from threading import Lock, Thread
from typing import Generic, TypeVar

from index.errors import StoreError
from likewise.server.errors import ApiError

T = TypeVar("T")

_PAUSE = 20.0  # pause between computations, in multiples of the last one's duration


class Cached(Generic[T]):
    """A value that depends on a state and is computed in the background.

    Once there is a value, `get` returns it immediately, even if outdated, and a new value is
    computed in the background. A computation that raises an `ApiError` says that there is none
    any more, and the earlier one is dropped.

    Args:
        compute: Returns the value. Called in its own thread, one call at a time.
        state: Returns the state; a new state makes the value outdated.

    Example:
        >>> cached = Cached(lambda: 7, lambda: "generation 1")
        >>> cached.wait()
        >>> cached.get()
        7
    """

    def __init__(self, compute: Callable[[], T], state: Callable[[], Hashable]) -> None:
        self._compute = compute
        self._state = state
        self._lock = Lock()
        self._thread: Thread | None = None
        self._of: Hashable = None  # the state of the value or error
        self._not_before = 0.0
        self._values: list[T] = []  # none or one
        self._error: Exception | None = None

    def get(self) -> T:
        """Return the latest value.

        Raises:
            ApiError: If the first value is still being computed, or the state has none.
            Exception: The exception of the first computation.
        """
        state = self._state()
        with self._lock:
            running = self._thread is not None and self._thread.is_alive()
            if state != self._of and not running and time.monotonic() >= self._not_before:
                self._thread = Thread(target=self._run, args=(state,), name="cached", daemon=True)
                self._thread.start()
                running = True
            if self._values:
                return self._values[0]
            if self._error is not None and not running:
                raise self._error.with_traceback(None)  # it would grow by every caller
        raise ApiError("not_ready", "This is being computed for the first time.", "Try again soon.")

    def wait(self) -> None:
        """Wait for the running computation, or start the first one and wait."""
        if self._thread is None:
            with suppress(ApiError):
                self.get()
        if self._thread is not None:
            self._thread.join()

    def _run(self, state: Hashable) -> None:
        started, error = time.monotonic(), None
        values: list[T] = []
        try:
            values = [self._compute()]
        except Exception as failed:
            error = failed
            if not isinstance(failed, ApiError):
                values = self._values
        _give_back()
        with self._lock:
            self._of, self._values, self._error = state, values, error
            if isinstance(error, StoreError):  # a database or a part that is away comes back
                self._of = None
            self._not_before = time.monotonic() + _PAUSE * (time.monotonic() - started)


def _give_back() -> None:
    """Return freed memory to the system; glibc keeps it: 170 MB, once a million were searched."""
    with suppress(OSError, AttributeError, TypeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
