"""The jobs of a server on the disk: a directory for each, whole or not there.

    ID/job.json     what is asked, and how far it is; replaced in one step
    ID/upload.zip   the pictures, or upload.csv, or list.jsonl and files/; gone when it is done
    ID/rows.jsonl   the result, also as .csv and .parquet; rows.jsonl.partial while it grows
    lock            held by the one process that works on jobs

Several servers may share the directory. A job is removed by renaming it away, which whoever works
on it notices. Does not receive uploads (`uploads`) and does not check pictures (`job_process`).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from likewise.locking import locked

RUNNING, WAITING, DONE, FAILED = "running", "waiting", "done", "failed"
RESULTS = {name: f"rows.{name}" for name in ("jsonl", "csv", "parquet")}
ZIP, CSV, LIST = "upload.zip", "upload.csv", "list.jsonl"
FILES = "files"  # what `LIST` names lies in there
_NOTE, _LOCK = "job.json", "lock"
_ID = re.compile(r"[0-9a-f]{14}-[0-9a-f]{8}")
_LEFT_OVER = 24 * 3600  # seconds after which what a killed server left of an upload goes


@dataclass(frozen=True, slots=True)
class StoredJob:
    """What is known of one job.

    Attributes:
        id: Names it; later jobs have greater ids.
        created: When it was accepted, UTC, ISO 8601.
        source: `ZIP`, `CSV` or `LIST`.
        name: What the client calls the upload.
        asked: The options, as `likewise.bulk.job.Job` takes them.
        total: Pictures in it, None where that is not known.
        state: One of the four.
        done: Rows so far.
        decisions: How often each decision came out.
        error: Why it failed: `code`, `message` and `hint`.
        finished: When it was done or failed, in seconds since 1970.
    """

    id: str
    created: str
    source: str
    name: str
    asked: dict[str, Any]
    total: int | None
    state: str = WAITING
    done: int = 0
    decisions: dict[str, int] = field(default_factory=dict)
    error: dict[str, str | None] | None = None
    finished: float | None = None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in (DONE, FAILED)


class JobStore:
    """The jobs in a directory, which is made when the first one comes.

    Example:
        >>> import tempfile
        >>> store = JobStore(Path(tempfile.mkdtemp()) / "jobs")
        >>> with store.staging() as folder:
        ...     _ = (folder / LIST).write_text("")
        ...     job = store.submit(folder, LIST, "list.jsonl", {"k": 5}, total=0)
        >>> store.next() == store.get(job.id) == job
        True
        >>> store.remove(job.id), store.get(job.id)
        (True, None)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ended: set[str] = set()  # need not be read again to find what is to be done

    def directory(self, id: str) -> Path:
        """Where a job lies."""
        return self.path / id

    # ------------------------------------------------------------ coming

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A directory for an upload, which goes away unless `submit` takes it."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = self.path / f".new.{secrets.token_hex(8)}"
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def submit(
        self, staged: Path, source: str, name: str, asked: dict[str, Any], total: int | None
    ) -> StoredJob:
        """Accept an upload as a job; it is on the disk when this returns."""
        id = f"{time.time_ns() // 1000:014x}-{secrets.token_hex(4)}"
        created = datetime.now(UTC).isoformat(timespec="seconds")
        job = StoredJob(id, created, source, name, asked, total)
        _write(staged / _NOTE, job, durably=True)
        for made in [*staged.rglob("*"), staged]:
            _sync(made)
        staged.rename(self.directory(id))
        _sync(self.path)
        return job

    # ------------------------------------------------------------ reading

    def get(self, id: str) -> StoredJob | None:
        """One job, None where there is none of this id."""
        if not _ID.fullmatch(id):
            return None
        try:
            return StoredJob(**json.loads((self.directory(id) / _NOTE).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def all(self) -> list[StoredJob]:
        """All jobs, the latest first."""
        return [job for id in reversed(self._ids()) if (job := self.get(id))]

    def next(self) -> StoredJob | None:
        """The job to be done now: the oldest that is not finished."""
        for id in self._ids():
            if id not in self._ended and (job := self.get(id)):
                if not job.is_finished:
                    return job
                self._ended.add(id)
        return None

    def unfinished(self) -> int:
        """How many jobs wait or run."""
        return sum(not job.is_finished for job in self.all())

    # ------------------------------------------------------------ changing

    def update(self, job: StoredJob, **changed: Any) -> StoredJob:
        """Write what has changed of a job.

        Raises:
            FileNotFoundError: If it was removed meanwhile.
        """
        job = replace(job, **changed)
        _write(self.directory(job.id) / _NOTE, job, durably=job.is_finished)
        return job

    def remove(self, id: str) -> bool:
        """Remove a job, whatever its state; False if there is none of this id."""
        if not _ID.fullmatch(id):
            return False
        away = self.path / f".gone.{secrets.token_hex(8)}"
        try:
            self.directory(id).rename(away)
        except FileNotFoundError:
            return False
        shutil.rmtree(away, ignore_errors=True)
        return True

    def sweep(self, keep: float) -> None:
        """Remove jobs that were finished more than `keep` seconds ago, and what kills left."""
        now = time.time()
        for job in self.all():
            if job.finished is not None and job.finished < now - keep:
                self.remove(job.id)
        for left in self.path.glob(".*.*"):
            with suppress(OSError):
                if left.stat().st_mtime < now - _LEFT_OVER:
                    shutil.rmtree(left, ignore_errors=True)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Be the one process that works on these jobs, if no other is; a kill gives it back."""
        with locked(self.path / _LOCK, wait=False) as held:
            yield held

    @contextmanager
    def working(self, id: str) -> Iterator[None]:
        """Be the one process that works on a job, after any other that still does.

        Raises:
            FileNotFoundError: If the job was removed.
        """
        with locked(self.directory(id) / _LOCK, wait=True):
            yield

    def _ids(self) -> list[str]:
        try:
            return sorted(name for name in os.listdir(self.path) if _ID.fullmatch(name))
        except FileNotFoundError:
            return []


def _write(path: Path, job: StoredJob, *, durably: bool) -> None:
    """Replace a note in one step; only one process writes it at a time."""
    draft = path.with_name(f"{path.name}.new")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(asdict(job), file)
        if durably:
            file.flush()
            os.fsync(file.fileno())
    draft.replace(path)


def _sync(path: Path) -> None:
    """Bring a file, or a directory's list of names, to the disk."""
    if os.name != "posix":  # Windows opens no directory, and brings its changes to the disk itself
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
