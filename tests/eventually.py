"""Waiting for a condition: poll until it holds, or fail with the last value."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.05  # seconds


def eventually(
    check: Callable[[], T],
    *,
    until: Callable[[T], object] = bool,
    within: float = 60.0,
    retry: type[Exception] | tuple[type[Exception], ...] = AssertionError,
) -> T:
    """Call `check` until its value satisfies `until`, and return that value.

    The pause between two calls grows, so that a quick condition is seen at once and a slow one
    costs a busy machine little. Time running out is a failure that shows the last value.

    Args:
        check: Returns the value to judge. An assertion in it that fails means "not yet".
        until: Whether a value is the awaited one; by default, whether it is true.
        within: Seconds, far more than a quiet machine needs.
        retry: Exceptions of `check` that mean "not yet"; others are raised at once.
    """
    end = time.monotonic() + within
    pause = _FIRST_PAUSE
    while True:
        late = time.monotonic() >= end  # read before the call: the last one is made in time
        cause: Exception | None = None
        try:
            value = check()
        except retry as error:
            cause, last = error, f"raised {error!r}"
        else:
            if until(value):
                return value
            last = f"returned {value!r}"
        if late:
            raise AssertionError(f"not within {within:g} s: the last call {last}") from cause
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
