"""Exchange two directories, in one step where the system can."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from contextlib import suppress
from pathlib import Path

_CURRENT = -100  # AT_FDCWD: paths are relative to the working directory
_SWAP = 2  # RENAME_EXCHANGE on Linux, RENAME_SWAP on macOS
_UNKNOWN = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)  # to the system, or to this file system


def exchange(new: Path, place: Path, aside: Path) -> None:
    """Put the directory `new` at `place`, and the one that is there at `new`.

    Where the system cannot exchange names in one step, a kill between two leaves nothing at
    `place`, and the older directory whole at `aside`.

    Args:
        new: A directory.
        place: Another one, on the same file system.
        aside: An unused path on it, for the older directory.

    Raises:
        OSError: If they cannot be renamed; both stay as they were.
    """
    if _swapped(new, place):
        return
    os.rename(place, aside)
    try:
        os.rename(new, place)
    except BaseException:
        os.rename(aside, place)
        raise
    os.rename(aside, new)


def _swapped(new: Path, place: Path) -> bool:
    """Exchange two names in one step; False where the system cannot."""
    if sys.platform not in ("linux", "darwin"):
        return False
    paths = (os.fsencode(new), os.fsencode(place))
    with suppress(AttributeError):  # an old C library
        libc = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "linux":
            failed = libc.renameat2(_CURRENT, paths[0], _CURRENT, paths[1], _SWAP)
        else:
            failed = libc.renamex_np(*paths, _SWAP)
        if not failed:
            return True
        if (number := ctypes.get_errno()) not in _UNKNOWN:
            raise OSError(number, os.strerror(number), str(place))
    return False
