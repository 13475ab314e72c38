"""The process of a job, run here: what an earlier one left, and what changed since it was asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from likewise.matcher import Matcher
from likewise.server.jobs import worker
from likewise.server.jobs.store import DONE, RESULTS, ZIP, JobStore, StoredJob
from tests.likewise.server.conftest import png
from tests.likewise.server.jobs.test_jobs import packed

ASKED = {"k": 5, "threshold": 0.5}


@pytest.fixture
def store(tmp_path) -> JobStore:
    return JobStore(tmp_path / "jobs")


@pytest.fixture
def job(store, queries) -> StoredJob:
    """A job of the first ten pictures that waits."""
    return submitted(store, queries, ASKED)


def submitted(store: JobStore, queries: list, asked: dict) -> StoredJob:
    with store.staging() as folder:
        members = {f"{place}.png": png(record) for place, record in enumerate(queries[:10])}
        (folder / ZIP).write_bytes(packed(members))
        return store.submit(folder, ZIP, "scans.zip", asked, total=10)


def worked(store: JobStore, job: StoredJob, gallery: Path) -> StoredJob:
    """The job after one process has worked on it."""
    worker._work(store, store.directory(job.id), gallery)
    after = store.get(job.id)
    assert after is not None
    return after


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def test_a_job_that_is_killed_once_its_rows_are_whole_is_done_by_the_next_process(
    store, job, gallery, monkeypatch
):
    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(worker, "write_file", killed)  # that of the CSV, after the rows
        with pytest.raises(Killed):
            worked(store, job, gallery)
    rows = store.directory(job.id) / RESULTS["jsonl"]
    written = rows.stat().st_ino
    assert "running" in store.directory(job.id).joinpath("job.json").read_text()
    after = worked(store, job, gallery)
    assert (after.state, after.error, after.done) == (DONE, None, 10)
    assert sum(after.decisions.values()) == 10
    assert (store.directory(job.id) / RESULTS["csv"]).read_text().count("\n") == 11
    assert rows.stat().st_ino == written  # what was done is not done again


def test_a_job_whose_group_was_removed_since_says_so(store, queries, gallery):
    with Matcher.open(gallery) as matcher:
        [group, *_] = matcher.gallery.groups()
        job = submitted(store, queries, {**ASKED, "group": group})
        matcher.gallery.remove(list(matcher.gallery.ids(group)))
    error = worked(store, job, gallery).error
    assert error is not None
    assert error["code"] == "invalid"
    assert f"`group` must be the label of a group. Received: {group}" in str(error["message"])
