"""Run the jobs of a directory one after the other, each in its own process.

If several servers share the directory, one runs jobs and the others wait until it ends. Stopping
kills the process; the next one continues from its journal.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from index.address import Place
from likewise.server.jobs.store import FAILED, NO_ROOM, JobStore, StoredJob

_COMMAND = (sys.executable, "-P", "-m", "likewise.server.jobs", "run")
_SWEEP = 600.0  # most seconds between two sweeps of expired jobs
_LOOK = 1.0  # seconds between two searches for other servers' jobs
_WITHOUT_ROOM = 30.0  # seconds before a job that met a full disk is tried again
_WAIT = 0.05  # seconds between two polls of the process
_CRASHED = {
    "code": "internal",
    "message": "The process that checked the pictures crashed before it had checked all of them.",
    "hint": "Leave out the pictures that follow the last row, or see the server's log.",
}


class JobRunner:
    """A thread that runs waiting jobs.

    Args:
        store: The jobs.
        gallery: The gallery to check against.
        keep: Seconds for which a finished job is kept.
        decode_timeout: Maximum processor time to decode one picture, in seconds.
    """

    def __init__(self, store: JobStore, gallery: Place, keep: float, decode_timeout: float) -> None:
        self._seconds = decode_timeout
        self._store = store
        self._gallery = gallery
        self._every = min(_SWEEP, keep)  # seconds between two sweeps
        self._swept = -math.inf
        self._not_before = 0.0  # a job met a full disk
        self._stop = Event()
        self._wake = Event()
        self._thread = Thread(target=self._run, name="jobs", daemon=True)

    def start(self) -> None:
        """Start, with the jobs that an earlier server left unfinished."""
        self._thread.start()

    def wake(self) -> None:
        """Look for a new job now."""
        self._wake.set()

    def close(self) -> None:
        """Stop; the next server continues a running job."""
        self._stop.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            with suppress(OSError):  # a full disk must not end the thread, which tries again
                self._sweep()
                self._work_through()
            self._wake.wait(_LOOK)
            self._wake.clear()

    def _sweep(self) -> None:
        """Remove expired jobs, where it is time for that."""
        if time.monotonic() - self._swept >= max(self._every, _LOOK):
            self._swept = time.monotonic()
            self._store.sweep()

    def _work_through(self) -> None:
        """Run all waiting jobs, unless another server runs them."""
        if self._store.next() is None:
            return
        with self._store.alone() as alone:
            while alone and self._may_work() and (job := self._store.next()):
                self._work(job)

    def _may_work(self) -> bool:
        return not self._stop.is_set() and time.monotonic() >= self._not_before

    def _environment(self) -> dict[str, str] | None:
        """The server's own; where the gallery's address has a password, with that."""
        if isinstance(self._gallery, Path):
            return None
        return {**os.environ, **self._gallery.environment()}

    def _work(self, job: StoredJob) -> None:
        """Run a job in a process; end it if the job is removed or the server stops."""
        directory = self._store.directory(job.id)
        with (directory / "log").open("ab") as log:
            process = subprocess.Popen(
                [*_COMMAND, str(directory), str(self._gallery), str(self._seconds)],
                stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
                env=self._environment(),
            )  # fmt: skip
        with process:
            while process.poll() is None:
                if self._stop.is_set() or not directory.exists():
                    process.kill()
                with suppress(OSError):
                    self._sweep()  # a job may take longer than those before it are kept
                time.sleep(_WAIT)
        if process.returncode == NO_ROOM:
            self._not_before = time.monotonic() + _WITHOUT_ROOM
            return
        current = self._store.get(job.id)
        if current is not None and not current.is_finished and not self._stop.is_set():
            self._store.update(current, state=FAILED, error=_CRASHED, finished=time.time())
