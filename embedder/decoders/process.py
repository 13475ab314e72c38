"""The parent's side of a process with limits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from embedder.decoders.task import receive, send

_HERE = str(Path(__file__).parents[2])  # where the process finds this package
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class EndedError(Exception):
    """The process ended instead of answering.

    Attributes:
        timed_out: Whether because it took too long.
    """

    def __init__(self, *, timed_out: bool) -> None:
        super().__init__()
        self.timed_out = timed_out


class LimitedProcess:
    """A process that answers one message after the other (`embedder.decoders.loop`).

    Args:
        program: Its module, and what comes before the limits among its arguments.
        seconds: Processor time per message, in seconds.
        memory: Bytes that it may take, beside what it takes when it begins.
        polite: Whether others go first on a busy machine.
    """

    def __init__(
        self, program: tuple[str, ...], seconds: float, memory: int, *, polite: bool = False
    ) -> None:
        path = os.pathsep.join(filter(None, (_HERE, os.environ.get("PYTHONPATH"))))
        reading, writing = os.pipe()
        self._answers = os.fdopen(reading, "rb")
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", *program, str(seconds), str(memory), str(int(polite))],
                stdin=subprocess.PIPE,
                stdout=writing,
                stderr=subprocess.DEVNULL,  # libraries write there about damaged files
                env={**os.environ, "PYTHONPATH": path, **dict.fromkeys(_ONE_THREAD, "1")},
                start_new_session=True,  # a Ctrl+C is for us, who end it in order
            )
        except BaseException:
            self._answers.close()
            raise
        finally:
            os.close(writing)

    def ask(self, note: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        """Send a message and wait for the answer.

        Args:
            note: The message, JSON.
            body: Bytes that follow it.

        Returns:
            The note and the bytes of the answer.

        Raises:
            EndedError: If the process ends instead.
        """
        assert self._process.stdin is not None
        try:
            send(self._process.stdin, note, body)  # type: ignore[arg-type]
            answer = receive(self._answers)
        except OSError:  # the pipe has no reader any more
            answer = None
        if answer is None:
            raise EndedError(timed_out=self.close() == -getattr(signal, "SIGPROF", 0))
        return answer

    def kill(self) -> None:
        """End it at once; who waits for its answer gets an `EndedError`."""
        self._process.kill()

    def close(self) -> int:
        """End it, and return its exit status."""
        self._process.kill()
        with self._answers, suppress(BrokenPipeError), self._process:
            pass
        return self._process.returncode
