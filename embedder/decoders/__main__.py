"""The decoder process: `python -P -m embedder.decoders SECONDS BYTES POLITE`.

Reads tasks from stdin and writes results to stdout, one after the other, until stdin ends. A timer
of its own processor time ends it in the midst of whatever it does.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

import numpy as np

from embedder.data.images import NO_MEMORY, decode
from embedder.data.splits import content_hash
from embedder.decoders.task import as_task, receive, send
from embedder.errors import ImageError
from embedder.preprocessing.prepare import prepare
from likewise.arrays import Pixels

_POLITE = 10  # niceness


def main(seconds: float, memory: int, polite: bool) -> None:
    """Decode until stdin ends.

    Args:
        seconds: Processor time that a picture may take.
        memory: Bytes that the process may use.
        polite: Whether other processes go first.
    """
    answers = _answers_apart()
    _limit(memory, polite)
    while (message := receive(sys.stdin.buffer)) is not None:
        with _timer(seconds):
            send(answers, *_answered(*message))


def _answered(note: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    """Do a task: the note and the bytes of its answer."""
    task = as_task(note["task"])
    try:
        pixels = _pixels(note, body, task.max_pixels)
        content = content_hash(pixels) if task.hashed else b""
        if task.preprocessing is not None:
            pixels = prepare([pixels], task.preprocessing, task.shape)[0]
        return {"shape": pixels.shape, "content": content.hex()}, pixels.tobytes()
    except ImageError as error:
        return {"error": type(error).__name__, "reason": str(error)}, b""
    except MemoryError:
        return {"error": "ImageError", "reason": NO_MEMORY}, b""


def _pixels(note: dict[str, Any], body: bytes, max_pixels: int) -> Pixels:
    """The picture of a task: pixels already, a file on the disk, or the bytes of one."""
    if "pixels" in note:
        return np.frombuffer(body, np.uint8).reshape(note["pixels"])
    if "path" not in note:
        return decode(io.BytesIO(body), max_pixels)
    try:
        with open(note["path"], "rb") as file:
            return decode(file, max_pixels)
    except OSError as error:  # it was there a moment ago
        raise ImageError(f"cannot be opened ({error.strerror})") from error


def _answers_apart() -> BinaryIO:
    """Keep stdout for answers: what a library prints goes where errors go."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _limit(memory: int, polite: bool) -> None:
    """Limit memory, leave no core dumps, and let others go first."""
    if polite:
        with suppress(OSError, AttributeError):  # forbidden in a strict sandbox; unknown to Windows
            os.nice(_POLITE)
    with suppress(ImportError, OSError, ValueError):  # Windows; a lower limit that holds already
        import resource

        with open("/proc/self/statm") as file:  # only Linux enforces it anyway
            taken = int(file.read().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (taken + memory, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextmanager
def _timer(seconds: float) -> Iterator[None]:
    """End this process once the block has taken so much processor time."""
    if not hasattr(signal, "setitimer"):  # Windows: by the clock, at least
        timer = threading.Timer(seconds, os._exit, [1])
        timer.daemon = True
        timer.start()
        yield
        timer.cancel()
        return
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends it, in the midst of C code too
    signal.setitimer(signal.ITIMER_PROF, seconds)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1")
