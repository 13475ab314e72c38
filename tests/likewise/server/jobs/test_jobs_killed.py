"""Jobs continue after the server is killed, with the result of an uninterrupted check."""

from __future__ import annotations

import json
import shutil
import zipfile
from itertools import islice
from pathlib import Path

import httpx
import pytest

from embedder.data.sources import records
from likewise.matcher import Matcher
from tests.eventually import eventually
from tests.likewise.server.conftest import png
from tests.likewise.server.jobs.test_jobs import ZIP, by_command_line, finished
from tests.likewise.server.processes import ServerProcess, processes_of

pytestmark = pytest.mark.slow
COUNT = 12_000  # seconds of work, so that there is time to kill it in between


@pytest.fixture(scope="module")
def scans(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("scans") / "scans.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for place, record in enumerate(islice(records("mnist/train"), COUNT)):
            archive.writestr(f"{place:05}.png", png(record) if place % 100 else b"not a picture")
    return path


@pytest.fixture(scope="module")
def expected(scans, real_gallery) -> bytes:
    return by_command_line(real_gallery, scans, scans.with_name("rows.jsonl"))


def submit(client: httpx.Client, scans: Path) -> httpx.Response:
    return client.post("/v1/jobs/check", content=scans.read_bytes(), headers=ZIP)


def wait_for_rows(client: httpx.Client, location: str, rows: int) -> None:
    eventually(lambda: client.get(location).json()["done"], until=lambda done: done >= rows)


def assert_whole(client: httpx.Client, answer: httpx.Response, expected: bytes) -> None:
    job = finished(client, answer)
    assert (job["state"], job["done"], job["total"]) == ("done", COUNT, COUNT)
    assert sum(job["decisions"].values()) == COUNT
    assert client.get(f"/v1/jobs/{job['id']}/result").content == expected


def test_a_job_whose_server_is_killed_again_and_again_gives_the_same_rows(
    real_gallery, scans, expected, tmp_path
):
    jobs = tmp_path / "jobs"
    with ServerProcess(real_gallery, "--jobs", jobs) as server, server.client() as client:
        answer = submit(client, scans)
        wait_for_rows(client, answer.headers["Location"], 1)
    journal = jobs / answer.json()["id"] / "rows.jsonl.partial"
    kept = [rows_in(journal)]
    for _ in range(2):
        with ServerProcess(real_gallery, "--jobs", jobs) as server, server.client() as client:
            wait_for_rows(client, answer.headers["Location"], kept[-1] + 1)
        kept.append(rows_in(journal))
    assert kept[0] <= kept[1] <= kept[2] < COUNT  # what was done is not done again
    with ServerProcess(real_gallery, "--jobs", jobs) as server, server.client() as client:
        assert_whole(client, answer, expected)


def rows_in(journal: Path) -> int:
    return max(0, journal.read_bytes().count(b"\n") - 1)


def test_a_server_that_gets_a_signal_to_stop_leaves_its_job_to_the_next(
    real_gallery, scans, expected, tmp_path
):
    options = ("--jobs", tmp_path / "jobs")
    with ServerProcess(real_gallery, *options) as server, server.client() as client:
        answer = submit(client, scans)
        wait_for_rows(client, answer.headers["Location"], 1)
        client.close()
        assert server.stop() == 0
    assert processes_of(answer.json()["id"]) == []
    with ServerProcess(real_gallery, *options) as server, server.client() as client:
        assert_whole(client, answer, expected)


def test_of_two_servers_over_one_directory_one_works_and_the_other_takes_over(
    real_gallery, scans, expected, tmp_path
):
    options = ("--jobs", tmp_path / "jobs")
    with (
        ServerProcess(real_gallery, *options) as first,
        ServerProcess(real_gallery, *options) as second,
        second.client() as client,
    ):
        with first.client() as submitting:
            answer = submit(submitting, scans)
        wait_for_rows(client, answer.headers["Location"], 1)
        assert len(processes_of(answer.json()["id"])) == 1
        first.kill()  # which may be the one that works
        assert_whole(client, answer, expected)


def test_a_job_whose_gallery_changed_while_no_server_was_there_is_begun_anew(
    real_gallery, scans, tmp_path
):
    gallery = Path(shutil.copytree(real_gallery, tmp_path / "digits.gallery"))
    with ServerProcess(gallery) as server, server.client() as client:
        answer = submit(client, scans)
        wait_for_rows(client, answer.headers["Location"], 1)
    with Matcher.open(gallery) as matcher:
        matcher.gallery.remove(list(matcher.gallery.ids("7")))
    expected = by_command_line(gallery, scans, tmp_path / "rows.jsonl")
    with ServerProcess(gallery) as server, server.client() as client:
        assert_whole(client, answer, expected)
    assert not [row for row in expected.splitlines() if json.loads(row)["label"] == "7"]
    assert (tmp_path / "digits.gallery.jobs").is_dir()
