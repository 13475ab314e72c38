"""Pools of processes with limits, started on demand and replaced when they end."""

from __future__ import annotations

import atexit
import functools
import os
from pathlib import Path
from threading import Lock, Semaphore
from typing import Any

import numpy as np

from embedder.decoders.process import EndedError, LimitedProcess
from embedder.decoders.task import Result, Task, as_note
from embedder.errors import (
    BoxError,
    DecodingError,
    FormatError,
    ImageError,
    PreparationError,
    TooManyPixelsError,
)
from likewise import parallel
from likewise.arrays import Pixels

SECONDS = 60.0  # of a processor's time, for a picture on the command line
_seconds = SECONDS  # of the pool of this process
MEMORY = 2 << 30  # bytes
_DECODER = ("embedder.decoders",)
_ERRORS = {
    error.__name__: error
    for error in (ImageError, BoxError, FormatError, PreparationError, TooManyPixelsError)
}


class ProcessPool:
    """At most `size` processes that answer messages at a time; may be shared between threads.

    Args:
        program: What each runs: its module, and what comes before the limits among its arguments.
        size: Processes.
        seconds: Processor time per message, in seconds.
        memory: Bytes that a process may take, beside what it takes when it begins.
        polite: Whether the processes let others go first on a busy machine.
    """

    def __init__(
        self,
        program: tuple[str, ...],
        size: int,
        seconds: float,
        memory: int = MEMORY,
        *,
        polite: bool = False,
    ) -> None:
        self._program = program
        self._seconds = seconds
        self._memory = memory
        self._polite = polite
        self._slots = Semaphore(size)
        self._lock = Lock()
        self._idle: list[LimitedProcess] = []
        self._busy: set[LimitedProcess] = set()
        self._closed = False

    def ask(self, note: dict[str, Any], body: bytes = b"") -> tuple[dict[str, Any], bytes]:
        """Send a message to a process, as soon as one is free, and wait for the answer.

        Args:
            note: The message, JSON.
            body: Bytes that follow it.

        Raises:
            EndedError: If the process ends instead, or the pool is closed.
            OSError: If no process can be started.
        """
        with self._slots:
            process = self._taken()
            try:
                answer = process.ask(note, body)
            except EndedError:
                self._drop(process)
                raise
            except BaseException:  # an interrupt: the answer would be taken for the next one's
                process.close()
                self._drop(process)
                raise
            self._give_back(process)
        return answer

    def close(self) -> None:
        """Kill all processes; running work is lost."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            for process in self._busy:
                process.kill()
        for process in idle:
            process.close()

    def _taken(self) -> LimitedProcess:
        with self._lock:
            if self._closed:
                raise EndedError(timed_out=False)
            process = self._idle.pop() if self._idle else self._started()
            self._busy.add(process)
            return process

    def _started(self) -> LimitedProcess:
        return LimitedProcess(self._program, self._seconds, self._memory, polite=self._polite)

    def _give_back(self, process: LimitedProcess) -> None:
        with self._lock:
            self._busy.discard(process)
            if not self._closed:
                self._idle.append(process)
                return
        process.close()

    def _drop(self, process: LimitedProcess) -> None:
        with self._lock:
            self._busy.discard(process)


class DecoderPool(ProcessPool):
    """At most `size` processes that decode at a time; may be shared between threads.

    Args:
        size: Processes.
        seconds: Processor time per picture, in seconds.
        memory: Bytes that a process may take, beside what it takes when it begins.
        polite: Whether the processes let others go first on a busy machine.

    Example:
        >>> pool = DecoderPool(1)
        >>> pool.decode(Task(max_pixels=100), b"P5 2 1 255 " + bytes([0, 200])).pixels.tolist()
        [[0, 200]]
        >>> pool.close()
    """

    def __init__(
        self, size: int, seconds: float = SECONDS, *, memory: int = MEMORY, polite: bool = False
    ) -> None:
        super().__init__(_DECODER, size, seconds, memory, polite=polite)

    def decode(self, task: Task, source: bytes | str | os.PathLike[str] | Pixels) -> Result:
        """Decode one picture, as soon as a process is free.

        Args:
            task: How.
            source: The bytes of a file, its path, or pixels that are only to be prepared.

        Raises:
            ImageError: If it cannot be read.
            DecodingError: If it takes too long, or ends the process; an ImageError too.
        """
        try:
            answer = self.ask(*_message(task, source))
        except EndedError as error:
            raise DecodingError(self._reason(error)) from None
        except OSError as error:
            raise DecodingError(f"no process to decode it can be started ({error})") from error
        return _result(*answer)

    def _reason(self, error: EndedError) -> str:
        if self._closed:
            return "the decoders have ended"
        if error.timed_out:
            return (
                f"decoding it takes more than {self._seconds:g} s of a processor: save it again as "
                "PNG or JPEG, or scale it down"
            )
        return "its decoder ended before it was done: save it again as PNG or JPEG"


def _message(
    task: Task, source: bytes | str | os.PathLike[str] | Pixels
) -> tuple[dict[str, object], bytes]:
    note = as_note(task)
    if isinstance(source, bytes):
        return {"task": note}, source
    if isinstance(source, np.ndarray):
        return {"task": note, "pixels": source.shape}, source.tobytes()
    return {"task": note, "path": str(Path(source).absolute())}, b""


def _result(note: dict[str, object], body: bytes) -> Result:
    if "error" in note:
        raise _ERRORS[str(note["error"])](note["reason"])
    shape: tuple[int, ...] = tuple(note["shape"])  # type: ignore[arg-type]
    return Result(np.frombuffer(body, np.uint8).reshape(shape), bytes.fromhex(str(note["content"])))


def limit_seconds(seconds: float) -> None:
    """Limit the processor time for each picture in the pool of this process.

    Args:
        seconds: Maximum processor time to decode one picture.
    """
    global _seconds
    _seconds = seconds
    if shared.cache_info().currsize:  # its processes have another limit
        shared().close()
        shared.cache_clear()


def seconds_limit() -> float:
    """The limit of the pool of this process, in seconds."""
    return _seconds


@functools.cache
def shared() -> DecoderPool:
    """The pool of this process, as large as it has cores."""
    pool = DecoderPool(parallel.count(), _seconds)
    atexit.register(pool.close)
    return pool


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=shared.cache_clear)  # the pipes are the parent's
