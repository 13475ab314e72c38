"""Write log lines without ever delaying or failing those who log.

A log whose disk is full, or whose reader stands still or has died, loses lines; how many is written
once it takes them again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Full, Queue
from threading import Thread

from likewise.server.logs import noted

_WAITING = 10_000  # lines
_FORMATTER = logging.Formatter()
_LAST = 1.0  # seconds to write waiting lines when the process ends


class LineWriter:
    """A thread that writes lines in their order; lines that it cannot write are lost.

    Attributes:
        lost: Number of lines lost so far.

    Args:
        write: Function that writes one line; it may block or raise.
        waiting: Number of lines that may wait.

    Example:
        >>> lines = []
        >>> writer = LineWriter(lines.append)
        >>> writer("Serving digits.gallery")
        >>> writer.close()
        >>> lines
        ['Serving digits.gallery']
    """

    def __init__(self, write: Callable[[str], object], waiting: int = _WAITING) -> None:
        self.lost = 0
        self._write = write
        self._lines: Queue[str | None] = Queue(waiting)
        self._thread = Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def __call__(self, line: str) -> None:
        """Queue a line for the thread, unless too many are waiting."""
        try:
            self._lines.put_nowait(line)
        except Full:
            self.lost += 1

    def close(self) -> None:
        """Wait briefly for the remaining lines; a log that is stuck is abandoned."""
        try:
            self._lines.put_nowait(None)
        except Full:
            return
        self._thread.join(_LAST)

    def _run(self) -> None:
        reported = 0
        while (line := self._lines.get()) is not None:
            try:
                if self.lost > reported:
                    lost = self.lost
                    self._write(noted(f"Lost lines of this log: {lost - reported}."))
                    reported = lost
                self._write(line)
            except Exception:  # a full disk, or a reader that died: there is no place to report it
                self.lost += 1


@contextmanager
def all_in(write: Callable[[str], object]) -> Iterator[None]:
    """Have all that libraries and threads report written as lines of a log.

    By itself Python would write it to stderr as text, and in the event loop.

    Args:
        write: Function that takes one line.
    """
    handler, of_threads = LineHandler(write), threading.excepthook
    logging.getLogger().addHandler(handler)
    logging.captureWarnings(True)
    threading.excepthook = _report
    try:
        yield
    finally:
        threading.excepthook = of_threads
        logging.captureWarnings(False)
        logging.getLogger().removeHandler(handler)


def _report(ended: threading.ExceptHookArgs) -> None:
    """Log what ended a thread."""
    if ended.exc_value is not None:
        error = (ended.exc_type, ended.exc_value, ended.exc_traceback)
        logging.getLogger("threading").error("A thread has ended.", exc_info=error)


class LineHandler(logging.Handler):
    """Hand the warnings and errors of libraries over to a log, as JSON.

    Args:
        write: Function that takes one line.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        super().__init__(logging.WARNING)
        self._write_line = write

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record as one line, with its traceback if it has one."""
        fields = {"level": record.levelname.lower(), "logger": record.name}
        if record.exc_info:
            fields["error"] = _FORMATTER.formatException(record.exc_info)
        self._write_line(noted(record.getMessage(), **fields))
