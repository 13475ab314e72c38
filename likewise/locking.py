"""Exclusive locks between processes, released when a process ends in any way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock of a file inside the block.

    filelock takes 0.1 s to import, so it is imported when a lock is taken.

    Args:
        path: Path of the lock file, which is empty and stays.
        wait: Whether to wait for another holder.

    Yields:
        Whether the lock is held; False if another has it and `wait` is not set.

    Raises:
        FileNotFoundError: If the folder of the file is gone; filelock would make it again.
    """
    from filelock import FileLock, Timeout

    path.parent.stat()
    lock = FileLock(path)
    try:
        lock.acquire(blocking=wait)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
