"""The work loop of a process with limits: messages in on stdin, answers out on stdout.

A timer of the process's own processor time ends it in the midst of a message that takes too long.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from embedder.decoders.task import receive, send

_POLITE = 10  # niceness


def answer_all(
    answered: Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes]],
    seconds: float,
    memory: int,
    polite: bool,
) -> None:
    """Answer messages one after the other, until stdin ends.

    Args:
        answered: Gives the note and the bytes that answer a message's note and bytes.
        seconds: Processor time per message, in seconds.
        memory: Bytes that the process may take, beside what it takes now.
        polite: Whether other processes go first.
    """
    answers = _answers_apart()
    _limit(memory, polite)
    while (message := receive(sys.stdin.buffer)) is not None:
        with _timer(seconds):
            send(answers, *answered(*message))


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
