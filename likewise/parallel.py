"""Parallel map over a persistent thread pool, and over a stream in threads that run ahead.

Threads of the pool are kept because a new one starts on the core of its creator, and for some
milliseconds both share that core while another is idle: two parts of five milliseconds take ten.
"""

from __future__ import annotations

import functools
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event, Semaphore
from typing import TypeVar

P = TypeVar("P")
T = TypeVar("T")
R = TypeVar("R")


def count() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_items(
    function: Callable[[P], R], items: Sequence[P], *, threads: int | None = None
) -> list[R]:
    """Call a function on each item, in this thread and in the idle threads of the pool.

    Args:
        function: Should release Python's lock for most of its time.
        items: Taken in their order.
        threads: Calls at a time, at most; never more than there are cores. None for all cores.

    Returns:
        The results, in the order of the items.

    Raises:
        Exception: The first that a call raised; no further item is begun then.

    Example:
        >>> map_items(sum, [[1, 2], [3], []])
        [3, 3, 0]
    """
    if len(items) < 2:  # the common case of a single picture: spare it the count of cores
        return [function(item) for item in items]
    results: dict[int, R] = {}
    remaining = iter(enumerate(items))  # shared: each thread takes the next item

    def work() -> None:
        try:
            for place, item in remaining:
                results[place] = function(item)
        except BaseException:
            for _ in remaining:
                pass
            raise

    workers = min(count(), len(items), threads or len(items))
    started = (_pool().start(work) for _ in range(workers - 1))
    helpers = [helper for helper in started if helper is not None]
    try:
        work()
    finally:
        wait(helpers)  # the caller may change what they read once this has returned
    for helper in helpers:
        helper.result()
    return [results[place] for place in range(len(items))]


def ahead(
    function: Callable[[T], R],
    items: Iterable[T],
    *,
    threads: int,
    waiting: int,
    stopped: Event | None = None,
) -> Generator[R, None, None]:
    """Call a function on each item in threads; yield the results in the order of the items.

    Args:
        function: Called in a thread; its exceptions are raised here, in their turn.
        items: Drawn in the caller's thread, never further ahead than `waiting`.
        threads: Calls at a time.
        waiting: Results that may be under way or ready, beside the one just yielded.
        stopped: Set once no result is wanted any more, as after an interrupt: this waits for the
            calls that are under way, and long ones should look at it.

    Example:
        >>> list(ahead(str.upper, "abc", threads=2, waiting=2))
        ['A', 'B', 'C']
    """
    futures: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads, "ahead") as pool:
        try:
            for item in items:
                futures.append(pool.submit(function, item))
                if len(futures) > waiting:
                    yield futures.popleft().result()
            while futures:
                yield futures.popleft().result()
        finally:
            if stopped is not None:
                stopped.set()
            for future in futures:
                future.cancel()


class _Pool:
    """The persistent threads: one per core, except that of the caller."""

    def __init__(self) -> None:
        threads = max(1, count() - 1)
        self._idle = Semaphore(threads)
        self._pool = ThreadPoolExecutor(threads, "helper")

    def start(self, work: Callable[[], None]) -> Future[None] | None:
        """Begin work at once if a thread is idle; else return None."""

        def run() -> None:
            try:
                work()
            finally:
                self._idle.release()

        return self._pool.submit(run) if self._idle.acquire(blocking=False) else None


_pool = functools.cache(_Pool)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork
