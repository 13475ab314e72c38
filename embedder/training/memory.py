"""Keep the memory that a training step frees for the next one."""

from __future__ import annotations

import ctypes

_TOP_PAD, _MMAP_THRESHOLD = -2, -3  # mallopt(3)
_KEPT = 256 << 20  # bytes at the end of the heap that are not given back
_MAPPED_FROM = 32 << 20  # bytes from which glibc maps and unmaps a block by itself, at most


def keep_freed_memory() -> None:
    """Have glibc's malloc keep what is freed, in this process, for good.

    TensorFlow sets its trim threshold to 128 KiB once Python feeds a training, and with it ends
    glibc's own adaptation: every tensor of a step is then mapped and unmapped anew, and a third of
    a training's processor time goes into page faults. Does nothing where there is no `mallopt`.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, TypeError, OSError):  # another C library, macOS, Windows
        return
    mallopt(_MMAP_THRESHOLD, _MAPPED_FROM)
    mallopt(_TOP_PAD, _KEPT)
