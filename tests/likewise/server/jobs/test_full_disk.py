"""A full disk at the server is reported as that; a job waits with its upload for room."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest

from index.errors import FullDiskError
from likewise.locking import locked
from likewise.server.errors import as_api_error
from likewise.server.jobs import runner as module
from likewise.server.jobs.runner import JobRunner
from likewise.server.jobs.store import JobStore
from likewise.server.settings import Settings
from tests.eventually import eventually
from tests.likewise.server.conftest import png, serving
from tests.likewise.server.jobs.test_jobs import CHECK, ZIP, finished, packed, result
from tests.small_disk import SmallDisk, small_disk


@pytest.fixture
def disk(tmp_path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", megabytes=8) as disk:
        yield disk


@pytest.fixture
def pictures(queries) -> dict[str, bytes]:
    return {f"{place:02}.png": png(record) for place, record in enumerate(queries)}


@pytest.mark.parametrize(
    "error",
    [
        FullDiskError("'/srv/g/references.sqlite' ..."),
        OSError(errno.ENOSPC, "No space left on device", "/srv/jobs/upload.zip"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
    ],
)
def test_a_full_disk_has_a_code_of_its_own_and_names_no_file(error):
    answer = as_api_error(error)
    assert (answer.status_code, answer.code) == (507, "disk_full")
    assert "/srv" not in answer.message
    assert (answer.headers or {})["Retry-After"] == "30"


@pytest.mark.slow
def test_an_upload_to_a_full_disk_is_refused_and_leaves_nothing(
    real_gallery, disk, queries, pictures
):
    with serving(real_gallery, Settings(jobs=disk.path / "jobs")) as client:
        disk.fill()
        refused = client.post(CHECK, content=packed(pictures) * 20, headers=ZIP)
        assert (refused.status_code, refused.json()["code"]) == (507, "disk_full")
        disk.free()
        assert finished(client, client.post(CHECK, content=packed(pictures), headers=ZIP))
    assert not list((disk.path / "jobs").glob(".new.*"))


@pytest.mark.slow
def test_a_job_that_meets_a_full_disk_waits_with_its_upload_until_there_is_room(
    real_gallery, disk, pictures, monkeypatch
):
    monkeypatch.setattr(module, "_WITHOUT_ROOM", 0.2)
    tried = []
    work = JobRunner._work

    def counted(runner, job):
        work(runner, job)
        tried.append(job.id)

    monkeypatch.setattr(JobRunner, "_work", counted)
    store, upload = JobStore(disk.path / "jobs"), packed(pictures)
    with serving(real_gallery, Settings(jobs=store.path)) as client:
        whole = finished(client, client.post(CHECK, content=upload, headers=ZIP))
        tried.clear()
        with locked(store.path / "lock", wait=True):  # so that no server runs a job
            answer = client.post(CHECK, content=upload, headers=ZIP)
            disk.fill()
        eventually(lambda: len(tried) > 1)
        job = client.get(answer.headers["Location"]).json()
        assert job["state"] in ("waiting", "running")
        assert (store.directory(job["id"]) / "upload.zip").read_bytes() == upload
        disk.free()
        done = finished(client, answer)
        assert (done["state"], done["error"]) == ("done", None)
        assert result(client, done) == result(client, whole)
