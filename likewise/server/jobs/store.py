"""Jobs on disk: one directory each, created atomically.

    ID/job.json     options and progress; replaced atomically
    ID/upload.zip   the pictures, or upload.csv, or list.jsonl and files/; removed at the end
    ID/rows.jsonl   the result, also as .csv and .parquet; rows.jsonl.partial while it grows
    lock            held by the process that runs jobs

Several servers may share the directory. A job is removed by renaming its directory, which the
process that runs it notices. `uploads` receives uploads, `worker` checks the pictures.
"""

from __future__ import annotations

import json
import math
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from index.storage.directory import sync
from likewise.errors import LikewiseError
from likewise.locking import locked

RUNNING, WAITING, DONE, FAILED = "running", "waiting", "done", "failed"
NO_ROOM = 75  # exit status of a job's process that met a full disk: the job waits
RESULTS = {name: f"rows.{name}" for name in ("jsonl", "csv", "parquet")}
ZIP, CSV, LIST = "upload.zip", "upload.csv", "list.jsonl"
FILES = "files"  # folder of the pictures that `LIST` names
_NOTE, _LOCK = "job.json", "lock"
_ID = re.compile(r"[0-9a-f]{14}-[0-9a-f]{8}")
_STAGED = re.compile(r"\.(new|gone)\.[0-9a-f]{16}")  # uploads that come, and jobs that go
_LEFT_OVER = 24 * 3600  # seconds after which uploads that a killed server left are removed


@dataclass(frozen=True, slots=True)
class StoredJob:
    """State of one job.

    Attributes:
        id: The job's id; later jobs have greater ids.
        created: When the job was accepted, UTC, ISO 8601.
        source: `ZIP`, `CSV` or `LIST`.
        name: The client's name for the upload.
        asked: The options, as `likewise.bulk.job.Job` takes them.
        total: Number of pictures, None if unknown.
        state: `RUNNING`, `WAITING`, `DONE` or `FAILED`.
        done: Number of rows so far.
        decisions: Number of rows by decision.
        error: Why the job failed or waits: `code`, `message` and `hint`.
        finished: When the job was done or failed, in seconds since 1970.
        notes: Which parts of the upload have no row; empty until the job is done.
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
    notes: list[str] = field(default_factory=list)

    @property
    def is_finished(self) -> bool:
        """Whether it is done or failed."""
        return self.state in (DONE, FAILED)


class JobStore:
    """The jobs in a directory, which is created with the first job.

    Args:
        path: The directory.
        keep: Seconds for which a finished job is kept; after them it is as if removed, also while
            its files are still there.
        clock: The time in seconds since 1970.

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

    def __init__(
        self, path: Path, keep: float = math.inf, clock: Callable[[], float] = time.time
    ) -> None:
        self.path = path
        self._keep, self._clock = keep, clock
        self._ended: set[str] = set()  # finished jobs, which need not be read again

    def directory(self, id: str) -> Path:
        """Directory of a job."""
        return self.path / id

    # ------------------------------------------------------------ accepting

    def require_writable(self) -> None:
        """Make the directory, and refuse one that takes no uploads.

        Raises:
            LikewiseError: If it cannot be made, or nothing can be written there.
        """
        try:
            with self.staging():
                pass
        except OSError as error:
            raise LikewiseError(
                f"Expected a directory for jobs that can be written, but {self.path} is none "
                f"({error.strerror}): name another with --jobs, or correct its rights."
            ) from error

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A directory for an upload, removed unless `submit` takes it."""
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
        """Accept an upload as a job, which is on the disk when this returns.

        Args:
            staged: Directory of the upload.
            source: `ZIP`, `CSV` or `LIST`.
            name: The client's name for the upload.
            asked: Options of the check, JSON.
            total: Number of pictures, or None where counting takes long.
        """
        id = f"{time.time_ns() // 1000:014x}-{secrets.token_hex(4)}"
        created = datetime.now(UTC).isoformat(timespec="seconds")
        job = StoredJob(id, created, source, name, asked, total)
        _write(staged / _NOTE, job, durably=True)
        for made in [*staged.rglob("*"), staged]:
            sync(made)
        staged.rename(self.directory(id))
        sync(self.path)
        return job

    # ------------------------------------------------------------ reading

    def get(self, id: str) -> StoredJob | None:
        """Get a job; None if it does not exist, or is no longer kept."""
        job = self._read(id)
        return None if job is None or self._has_expired(job) else job

    def all(self) -> list[StoredJob]:
        """All jobs, the latest first."""
        return [job for id in reversed(self._ids()) if (job := self.get(id))]

    def next(self) -> StoredJob | None:
        """The next job to run: the oldest unfinished one."""
        for id in self._ids():
            if id not in self._ended and (job := self._read(id)):
                if not job.is_finished:
                    return job
                self._ended.add(id)
        return None

    def unfinished(self) -> int:
        """Number of waiting and running jobs."""
        return sum(not job.is_finished for job in self.all())

    # ------------------------------------------------------------ changing

    def update(self, job: StoredJob, **changed: Any) -> StoredJob:
        """Write changed fields of a job.

        Args:
            job: The job as it was read.
            changed: Fields with their new values.

        Raises:
            FileNotFoundError: If the job was removed meanwhile.
        """
        job = replace(job, **changed)
        _write(self.directory(job.id) / _NOTE, job, durably=job.is_finished)
        return job

    def remove(self, id: str) -> bool:
        """Remove a job in any state; False if it does not exist."""
        if not _ID.fullmatch(id):
            return False
        away = self.path / f".gone.{secrets.token_hex(8)}"
        try:
            self.directory(id).rename(away)
        except FileNotFoundError:
            return False
        shutil.rmtree(away, ignore_errors=True)
        return True

    def sweep(self) -> None:
        """Remove the files of jobs that are no longer kept, and leftovers of killed servers."""
        for id in self._ids():
            if (job := self._read(id)) and self._has_expired(job):
                self.remove(id)
        for folder in self.path.glob(".*"):
            if not _STAGED.fullmatch(folder.name):  # the directory may hold a user's own things
                continue
            with suppress(OSError):
                if folder.stat().st_mtime < self._clock() - _LEFT_OVER:
                    shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Become the process that runs these jobs, unless another is; a kill releases it."""
        with locked(self.path / _LOCK, wait=False) as held:
            yield held

    @contextmanager
    def working(self, id: str) -> Iterator[None]:
        """Become the only process that works on a job, after waiting for any other.

        Raises:
            FileNotFoundError: If the job was removed.
        """
        with locked(self.directory(id) / _LOCK, wait=True):
            yield

    def _read(self, id: str) -> StoredJob | None:
        """A job as long as its files are there."""
        if not _ID.fullmatch(id):
            return None
        try:
            return StoredJob(**json.loads((self.directory(id) / _NOTE).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def _has_expired(self, job: StoredJob) -> bool:
        return job.finished is not None and job.finished < self._clock() - self._keep

    def _ids(self) -> list[str]:
        try:
            return sorted(name for name in os.listdir(self.path) if _ID.fullmatch(name))
        except FileNotFoundError:
            return []


def _write(path: Path, job: StoredJob, *, durably: bool) -> None:
    """Replace a state file atomically; only one process writes it at a time."""
    draft = path.with_name(f"{path.name}.new")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(asdict(job), file)
        if durably:
            file.flush()
            os.fsync(file.fileno())
    draft.replace(path)
