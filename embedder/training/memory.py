"""Keep the memory that a training step frees for the next one."""

from __future__ import annotations

import ctypes

import keras

_TOP_PAD, _MMAP_THRESHOLD = -2, -3  # mallopt(3)
_KEPT = 256 << 20  # bytes at the end of the heap that are not given back
_MAPPED_FROM = 32 << 20  # bytes from which glibc maps and unmaps a block by itself, at most


class KeepFreedMemory(keras.callbacks.Callback):
    """Have glibc's malloc keep what a step frees, in this process, for good.

    TensorFlow sets malloc's thresholds when Python begins to feed a training: every tensor of a
    step is then mapped and unmapped anew, and a third of a training's processor time goes into
    page faults. What is set before the first batch would be set back, so it is set after it. Does
    nothing where there is no `mallopt`.
    """

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Set the thresholds after the first batch of an epoch."""
        if batch > 0:
            return
        try:
            mallopt = ctypes.CDLL(None).mallopt
        except (AttributeError, TypeError, OSError):  # another C library, macOS, Windows
            return
        mallopt(_MMAP_THRESHOLD, _MAPPED_FROM)
        mallopt(_TOP_PAD, _KEPT)
