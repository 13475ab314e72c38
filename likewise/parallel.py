"""Work on all cores, by threads that are kept.

A new thread begins on the core of the one that made it, and for some milliseconds both share that
core while another has nothing to do: two parts of five milliseconds take ten.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Semaphore
from typing import TypeVar

P = TypeVar("P")
R = TypeVar("R")


def count() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def side_by_side(
    work: Callable[[P], R], parts: Sequence[P], *, threads: int | None = None
) -> list[R]:
    """Do some work on each part, in this thread and in those of the kept ones that are idle.

    Args:
        work: Should leave Python's lock to others for most of its time.
        parts: Taken in their order.
        threads: That work at a time, at most; None and what is beyond is one for each core.

    Returns:
        What came of each part, in their order.

    Raises:
        Exception: Whatever the work raised; then no further part is begun.

    Example:
        >>> side_by_side(sum, [[1, 2], [3], []])
        [3, 3, 0]
    """
    if len(parts) < 2:  # as for a single picture, which need not ask how many cores there are
        return [work(part) for part in parts]
    results: dict[int, R] = {}
    left = iter(enumerate(parts))  # of which each thread takes what is next

    def take() -> None:
        try:
            for place, part in left:
                results[place] = work(part)
        except BaseException:
            for _ in left:
                pass
            raise

    workers = min(count(), len(parts), threads or len(parts))
    helpers = [one for _ in range(workers - 1) if (one := _helpers().start(take))]
    try:
        take()
    finally:
        wait(helpers)  # what they read may change once this has returned
    for helper in helpers:
        helper.result()
    return [results[place] for place in range(len(parts))]


class _Helpers:
    """The kept threads: one for each core but that of whoever has the work."""

    def __init__(self) -> None:
        most = max(1, count() - 1)
        self._idle = Semaphore(most)
        self._pool = ThreadPoolExecutor(most, "helper")

    def start(self, work: Callable[[], None]) -> Future[None] | None:
        """Begin some work at once, if one of them is idle."""

        def run() -> None:
            try:
                work()
            finally:
                self._idle.release()

        return self._pool.submit(run) if self._idle.acquire(blocking=False) else None


_helpers = functools.cache(_Helpers)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.cache_clear)  # no thread survives that
