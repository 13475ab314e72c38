"""Write log lines without ever delaying or failing those who log.

A log whose disk is full, or whose reader stands still or has died, loses lines; how many is written
once it takes them again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import Full, Queue
from threading import Thread

_WAITING = 10_000  # lines
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
                    self._write(f"Lost lines of this log: {lost - reported}.")
                    reported = lost
                self._write(line)
            except Exception:  # a full disk, or a reader that died: there is no place to report it
                self.lost += 1


class LineHandler(logging.Handler):
    """Hand the warnings and errors of libraries over to a log.

    Args:
        write: Function that takes one line.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        super().__init__(logging.WARNING)
        self._write_line = write

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record as one line or, with a traceback, several."""
        self._write_line(self.format(record))
