"""Work on all cores, by threads that are kept.

A new thread begins on the core of the one that made it, and for some milliseconds both share that
core while another has nothing to do: two parts of five milliseconds take ten.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
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

    workers = min(threads or count(), count(), len(parts))
    helpers = [_kept().submit(take) for _ in range(workers - 1)]
    try:
        take()
    finally:
        begun = [helper for helper in helpers if not helper.cancel()]
    for helper in begun:
        helper.result()
    return [results[place] for place in range(len(parts))]


@functools.cache
def _kept() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, count() - 1), "helper")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_kept.cache_clear)  # no thread survives that
