"""The process that runs one job.

Requests do not share Python's lock with it, and a decoder that crashes does not stop the server.
The process may be killed at any moment: `likewise.bulk.job.Job` keeps a journal from which the
next process continues. It ends with the server, which closes its stdin.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

from embedder.data.parquet import ParquetMissingError
from embedder.decoders.pool import limit_seconds
from embedder.errors import DatasetError
from index.address import Place
from index.decision import CheckOptions
from index.errors import FullDiskError
from likewise.bulk.job import Job
from likewise.bulk.journal import ResumeError, journal_path
from likewise.matcher import Matcher
from likewise.output.writers import write_file
from likewise.server.answering.answer import check_options
from likewise.server.answering.question import CHECK, Options
from likewise.server.errors import as_api_error, is_disk_full
from likewise.server.jobs.look import upload_error
from likewise.server.jobs.sources import source_records
from likewise.server.jobs.store import (
    CSV,
    DONE,
    FAILED,
    FILES,
    LIST,
    NO_ROOM,
    RESULTS,
    RUNNING,
    WAITING,
    ZIP,
    JobStore,
    StoredJob,
)

_POLITE = 10  # niceness: single requests come first
_EVERY = 0.3  # seconds between two progress updates
_WITHOUT_ROOM = {
    "code": "disk_full",
    "message": "The disk of the server is full: the job waits, and its upload and rows are kept.",
    "hint": "The job continues by itself once the disk has room.",
}
_FAILED = "The check failed; the file `log` in the job's directory on the server says why."


def main(directory: Path, gallery: Place, seconds: float) -> None:
    """Run a job, or the rest of it.

    Args:
        directory: The job's directory.
        gallery: The gallery's directory or address.
        seconds: Maximum processor time to decode one picture.
    """
    limit_seconds(seconds)
    with suppress(OSError, AttributeError):  # forbidden in a strict sandbox; unknown to Windows
        os.nice(_POLITE)
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        with suppress(FileNotFoundError):  # it was removed
            _work(JobStore(directory.parent), directory, gallery)
    except (OSError, FullDiskError) as error:
        if is_disk_full(error):
            sys.exit(NO_ROOM)
        raise


def _work(store: JobStore, directory: Path, gallery: Place) -> None:
    with store.working(directory.name):
        job = store.get(directory.name)
        if job is None or job.is_finished:
            return
        job = store.update(job, state=RUNNING, error=None)
        try:
            outcome = _checked(store, job, gallery)
        except Exception as error:
            if store.get(job.id) is None:
                return
            sys.excepthook(type(error), error, error.__traceback__)  # into the job's log
            if is_disk_full(error):  # keep the upload and its rows, and try again later
                with suppress(OSError):
                    store.update(job, state=WAITING, error=_WITHOUT_ROOM)
                raise
            outcome = {"state": FAILED, "error": _note(error, store.directory(job.id), job.name)}
        store.update(job, **outcome, finished=time.time())
        _drop_upload(directory)


def _checked(store: JobStore, job: StoredJob, gallery: Place) -> dict[str, Any]:
    """Check all pictures of a job and write the results; returns the final state."""
    output = store.directory(job.id) / RESULTS["jsonl"]
    with Matcher.open(gallery) as matcher:
        try:
            progress = _checked_into(output, store, job, matcher)
        except ResumeError:  # the gallery changed while no server ran: start anew
            journal_path(output).unlink()
            progress = _checked_into(output, store, job, matcher)
    decisions = dict(progress.decisions)
    return {"state": DONE, "done": progress.done, "decisions": decisions, "notes": progress.notes}


def _checked_into(output: Path, store: JobStore, job: StoredJob, matcher: Matcher) -> _Progress:
    records = source_records(output.parent, job.source, job.name)
    progress = _Progress(store, job)
    upload = str(output.with_name(job.source))
    progress.notes = [note.replace(upload, job.name) for note in records.notes]
    options = CheckOptions(**job.asked)
    check_options(matcher.gallery, Options(CHECK, options))  # it may have changed meanwhile
    check = Job(matcher, records, [job.name], options, progress.went_on)
    progress.begin(output, check)
    if not _is_whole(output):
        check.write(output, resume=True)
    for format, name in RESULTS.items():
        if format != "jsonl":
            # a server without pyarrow writes the other two
            with suppress(ParquetMissingError), output.open("rb") as lines:
                write_file(output.with_name(name), map(json.loads, lines), check.columns)
    progress.count()
    return progress


def _is_whole(output: Path) -> bool:
    """Whether an earlier process had written all rows, and was ended before it had told so."""
    return output.exists() and not journal_path(output).exists()


class _Progress:
    """Counts rows, those of earlier processes included, and saves progress from time to time."""

    def __init__(self, store: JobStore, job: StoredJob) -> None:
        self.done = 0
        self.decisions: Counter[str] = Counter()
        self.notes: list[str] = []
        self._store = store
        self._job = job
        self._noted = 0.0

    def begin(self, output: Path, check: Job) -> None:
        """Count the rows of earlier processes."""
        self._earlier: Counter[str] = Counter()
        self._check = check
        for path in (output, journal_path(output)):
            with suppress(FileNotFoundError), path.open("rb") as lines:
                self._earlier = Counter(filter(None, map(_decision, lines)))

    def went_on(self, rows: int) -> None:
        """Record further rows."""
        self.done += rows
        if time.monotonic() - self._noted > _EVERY:
            self._noted = time.monotonic()
            self.count()
            self._store.update(
                self._job, state=RUNNING, done=self.done, decisions=dict(self.decisions)
            )

    def count(self) -> None:
        """Bring the counts up to date."""
        self.decisions = self._earlier + self._check.summary.decisions
        self.done = self.decisions.total()


def _decision(line: bytes) -> str | None:
    """The decision of a row; None for the first line of a journal and a truncated line."""
    with suppress(ValueError):
        decision = json.loads(line).get("decision")
        return decision if isinstance(decision, str) else None
    return None


def _note(error: Exception, directory: Path, name: str) -> dict[str, str | None]:
    """The error as the client sees it."""
    cause = upload_error(error, directory, name) if isinstance(error, DatasetError) else error
    response = as_api_error(cause)
    if response.code == "internal":
        return {"code": response.code, "message": _FAILED, "hint": "See the server's log."}
    return {"code": response.code, "message": response.message, "hint": response.hint}


def _drop_upload(directory: Path) -> None:
    for source in (ZIP, CSV, LIST):
        (directory / source).unlink(missing_ok=True)
    shutil.rmtree(directory / FILES, ignore_errors=True)


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os._exit(1)
