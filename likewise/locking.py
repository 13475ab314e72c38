"""Exclusive locks on open files; the system releases one when the file is closed or a kill comes.

The modules of the system are imported when a lock is taken: Windows has no `fcntl`, others no
`msvcrt`.
"""

from __future__ import annotations

import time
from typing import BinaryIO

_WINDOWS_BYTE = 2**31 - 2  # the byte to lock there: what is locked nobody else can read
_PAUSE = 0.05  # seconds between two tries


def try_lock(file: BinaryIO) -> bool:
    """Lock a file without waiting.

    Returns:
        Whether the lock is ours; False if another open file has it.
    """
    try:
        import fcntl
    except ImportError:
        return _try_lock_on_windows(file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_for_lock(file: BinaryIO) -> None:
    """Lock a file, once no other open file has its lock."""
    while not try_lock(file):
        time.sleep(_PAUSE)


def _try_lock_on_windows(file: BinaryIO) -> bool:
    import msvcrt

    place = file.tell()
    try:
        file.seek(_WINDOWS_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    except PermissionError:
        return False
    finally:
        file.seek(place)
    return True
