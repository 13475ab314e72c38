"""Large uploads give the same rows as the command line, and hostile ones do no harm."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from click.testing import CliRunner

from cli import main
from likewise.server.jobs.store import LIST, JobStore, StoredJob
from likewise.server.settings import Settings
from tests.eventually import eventually
from tests.likewise.server.conftest import png, serving
from tests.likewise.server.processes import processes_of

ZIP, CSV = {"Content-Type": "application/zip"}, {"Content-Type": "text/csv"}
CHECK = "/v1/jobs/check"


@pytest.fixture(scope="module")
def jobs_folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture(scope="module")
def server(real_gallery, jobs_folder) -> Iterator[httpx.Client]:
    settings = Settings(jobs=jobs_folder, max_upload=8 << 20)
    with serving(real_gallery, settings) as client:
        yield client


@pytest.fixture(scope="session")
def pictures(queries) -> dict[str, bytes]:
    """Forty digits by name, two of them damaged."""
    files = {f"{place:02}.png": png(record) for place, record in enumerate(queries)}
    return files | {"05.png": files["05.png"][:60], "06.png": b"not a picture"}


def packed(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def kaggle(pictures: np.ndarray) -> str:
    count = pictures[0].size
    lines = [",".join(map(str, picture.ravel())) for picture in pictures]
    return "\n".join([",".join(f"pixel{i}" for i in range(count)), *lines, ""])


def finished(client: httpx.Client, answer: httpx.Response) -> dict:
    """The job once it is done or failed."""
    assert answer.status_code == 202, answer.text
    return eventually(
        lambda: client.get(answer.headers["Location"]).json(),
        until=lambda job: job["state"] in ("done", "failed"),
        within=300,
    )


def result(client: httpx.Client, job: dict, format: str = "jsonl") -> bytes:
    answer = client.get(f"/v1/jobs/{job['id']}/result", params={"format": format})
    assert answer.status_code == 200, answer.text
    return answer.content


def by_command_line(gallery: Path, source: Path, output: Path, *options: str) -> bytes:
    """The file that `likewise check -o` writes."""
    asked = ["check", str(gallery), str(source), "-o", str(output), *options]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output
    return output.read_bytes()


def refused(answer: httpx.Response) -> tuple[int, str, str]:
    assert set(answer.json()) == {"code", "message", "hint"}
    return answer.status_code, answer.json()["code"], answer.json()["message"]


# ------------------------------------------------------------------ the same rows


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_a_zip_gives_the_command_lines_file_to_the_byte(
    server, real_gallery, pictures, tmp_path, format
):
    (tmp_path / "scans.zip").write_bytes(packed(pictures))
    answer = server.post(f"{CHECK}?k=3&threshold=0.3", content=packed(pictures), headers=ZIP)
    job = finished(server, answer)
    assert (job["done"], job["total"], job["decisions"]["error"]) == (40, 40, 2)
    assert job["decisions"].keys() <= {"match", "no_match", "error"}
    options = ("-k", "3", "--threshold", "0.3")
    expected = by_command_line(
        real_gallery, tmp_path / "scans.zip", tmp_path / f"rows.{format}", *options
    )
    assert result(server, job, format) == expected


def test_a_csv_of_pixels_gives_the_command_lines_file_to_the_byte(
    server, real_gallery, queries, tmp_path
):
    text = kaggle(np.stack([record.pixels() for record in queries]))
    (tmp_path / "digits.csv").write_text(text)
    answer = server.post(f"{CHECK}?name=digits.csv", content=text, headers=CSV)
    job = finished(server, answer)
    assert (job["state"], job["done"], job["total"]) == ("done", 40, 40)
    expected = by_command_line(real_gallery, tmp_path / "digits.csv", tmp_path / "rows.jsonl")
    assert result(server, job) == expected


def test_many_files_of_a_form_are_rows_in_their_order_by_their_names(
    server, real_gallery, pictures, tmp_path
):
    backwards = dict(reversed(pictures.items()))
    job = finished(
        server, server.post(CHECK, files=[("images", file) for file in backwards.items()])
    )
    rows = [json.loads(line) for line in result(server, job).splitlines()]
    for name, content in pictures.items():
        (tmp_path / name).write_bytes(content)
    file = by_command_line(real_gallery, tmp_path, tmp_path.with_suffix(".jsonl"))
    assert rows == [json.loads(line) for line in reversed(file.splitlines())]


def test_a_job_says_what_in_its_upload_has_no_row(server, pictures):
    files = {**dict(list(pictures.items())[:2]), "notes.txt": b"x", "train/a.jxl": b"x"}
    answer = server.post(f"{CHECK}?name=scans.zip", content=packed(files), headers=ZIP)
    job = finished(server, answer)
    assert job["done"] == 2
    assert job["notes"] == [
        "Passed over in scans.zip: 2 files not named as a picture (1 .txt, 1 .jxl), "
        "as notes.txt, train/a.jxl."
    ]


@pytest.mark.parametrize("kind", ["zip", "csv"])
def test_a_form_with_one_zip_or_csv_is_that(server, pictures, queries, kind):
    contents = {"zip": packed(pictures), "csv": kaggle(queries[0].pixels()[None]).encode()}
    file = (f"My Scans.{kind.upper()}", contents[kind])
    job = finished(server, server.post(CHECK, files={"images": file}))
    assert job["name"] == file[0]
    first = json.loads(result(server, job).splitlines()[0])
    assert first["id"] == {"zip": "00.png", "csv": "My Scans.CSV/1"}[kind]


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK and no more", "upload is not a readable zip archive"),
        (packed({"notes.txt": b"x"}), "upload should hold pictures, but holds none"),
    ],
    ids=["no zip", "no pictures"],
)
def test_an_upload_that_cannot_be_read_is_refused_at_once(server, jobs_folder, content, message):
    before = sorted(jobs_folder.iterdir())
    answer = server.post(CHECK, content=content, headers=ZIP)
    status, code, output = refused(answer)
    assert (status, code, output.startswith(message)) == (422, "invalid", True), output
    assert answer.json()["hint"].startswith("Send a zip of pictures, a CSV of pixels")
    assert str(jobs_folder) not in output
    assert sorted(jobs_folder.iterdir()) == before


def test_a_zip_bomb_is_refused(server):
    bomb = packed({f"{i}.bmp": bytes(32 << 20) for i in range(8)})
    status, code, output = refused(server.post(CHECK, content=bomb, headers=ZIP))
    assert (status, code) == (413, "too_large")
    assert "times its size when unpacked, but at most 100 times are read" in output


def test_a_csv_of_paths_is_not_followed(server, tmp_path):
    (tmp_path / "secret.png").write_bytes(b"x")
    text = f"path,label\n{tmp_path}/secret.png,7\n"
    status, code, output = refused(server.post(CHECK, content=text, headers=CSV))
    assert (status, code) == (422, "invalid")
    assert "paths are not followed here" in output


@pytest.mark.parametrize(
    ("query", "code"), [("k=0", "invalid"), ("group=none", "invalid"), ("surprise=1", "invalid")]
)
def test_options_are_refused_before_anything_is_sent(server, query, code):
    assert refused(server.post(f"{CHECK}?{query}", content=b"", headers=ZIP))[:2] == (422, code)


def test_another_kind_of_body_is_refused_and_the_known_ones_named(server):
    answer = server.post(CHECK, content=b"x", headers={"Content-Type": "image/png"})
    assert refused(answer)[:2] == (415, "unsupported_media_type")
    assert "application/zip" in answer.json()["message"]


@pytest.mark.parametrize("declared", [True, False], ids=["by its length", "while it comes"])
def test_an_upload_beyond_the_limit_is_ended_and_nothing_kept(server, jobs_folder, declared):
    before = sorted(jobs_folder.iterdir())
    content = bytes(9 << 20)
    body = content if declared else iter([content[: 1 << 20]] * 9)
    answer = server.post(CHECK, content=body, headers=ZIP)
    assert refused(answer)[:2] == (413, "too_large")
    assert answer.json()["hint"].startswith("Split it into several jobs")
    assert sorted(jobs_folder.iterdir()) == before


def test_an_upload_that_stops_coming_is_ended(real_gallery, tmp_path):
    jobs = tmp_path / "jobs"
    settings = Settings(jobs=jobs, timeout=0.3)
    with serving(real_gallery, settings) as client, connected(client) as line:
        line.sendall(HEAD + b"half")
        assert line.recv(1000).startswith(b"HTTP/1.1 408")
    assert list(jobs.iterdir()) == []


def test_an_upload_whose_client_goes_away_leaves_nothing(real_gallery, tmp_path):
    jobs = tmp_path / "jobs"
    with serving(real_gallery, Settings(jobs=jobs)) as client:
        with connected(client) as line:
            line.sendall(HEAD + b"half")
            eventually(lambda: list(tmp_path.glob("jobs/.new.*/upload.zip")))
        eventually(lambda: list(jobs.iterdir()), until=lambda left: left == [])


HEAD = (
    b"POST /v1/jobs/check HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/zip\r\n"
    b"Content-Length: 1000\r\n\r\n"
)


def connected(client: httpx.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port))


def form(*parts: bytes, end: bytes = b"--x--\r\n") -> dict:
    head = b"--x\r\nContent-Disposition: form-data; "
    content = b"".join(head + part + b"\r\n" for part in parts) + end
    return {"content": content, "headers": {"Content-Type": "multipart/form-data; boundary=x"}}


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (form(), "holds no file"),
        (form(b'name="other"; filename="a.png"\r\n\r\nx'), "Received: `other`"),
        (form(b'name="images"\r\n\r\nx'), "give its part a filename"),
        (form(b'name="images"; filename="a.png"\r\n\r\nx', end=b""), "truncated"),
        (form(end=b"no boundary"), "cannot be read"),
    ],
    ids=["empty", "field", "text", "cut off", "no form"],
)
def test_a_form_that_does_not_fit_is_refused(server, sent, message):
    status, code, output = refused(server.post(CHECK, **sent))
    assert (status, code) == (422, "invalid")
    assert message in output


def test_a_name_is_never_a_path(server, jobs_folder, pictures):
    names = ["../../above.png", "/root.png", "a\\..\\b.png", ""]
    sent = form(*(b'name="images"; filename="%b"\r\n\r\n' % name.encode() + pictures["00.png"]
                  for name in names))  # fmt: skip
    before = {path.name for path in jobs_folder.parent.iterdir()}
    job = finished(server, server.post(CHECK, **sent))
    rows = [json.loads(line) for line in result(server, job).splitlines()]
    assert [(row["id"], row["decision"]) for row in rows] == [
        *((name, "match") for name in names[:3]), ("image", "match")
    ]  # fmt: skip
    assert {path.name for path in jobs_folder.parent.iterdir()} == before


def test_a_directory_for_jobs_that_takes_none_is_refused_at_the_start(real_gallery, tmp_path):
    (tmp_path / "file").write_text("")
    for jobs in (tmp_path / "file" / "jobs", Path("/proc/x")):
        done = CliRunner().invoke(main, ["serve", str(real_gallery), "--jobs", str(jobs)])
        assert done.exit_code == 1
        assert done.output.startswith("Error: Expected a directory for jobs that can be written")
        assert f"but {jobs} is none" in done.output
        assert done.output.count("\n") == 1


def test_too_many_waiting_jobs_are_sent_away(real_gallery, tmp_path, pictures):
    with serving(real_gallery, Settings(jobs=tmp_path / "jobs", max_jobs=0)) as client:
        answer = client.post(CHECK, content=packed(pictures), headers=ZIP)
        assert refused(answer)[:2] == (429, "too_many")
        assert "Retry-After" in answer.headers
        assert client.get("/v1/jobs").json() == {"jobs": []}


def test_a_job_is_sent_away_if_others_came_before_its_end(real_gallery, tmp_path, pictures):
    content = packed(pictures)
    head = HEAD.replace(b"1000", b"%d" % len(content))
    store = JobStore(tmp_path / "jobs")
    with store.staging() as folder:
        (folder / LIST).write_text("")
        store.submit(folder, LIST, "first", {"k": 5}, total=0)
    settings = Settings(jobs=store.path, max_jobs=2)
    with (
        store.alone() as alone,  # so the server runs no job, and the first goes on waiting
        serving(real_gallery, settings) as client,
        connected(client) as late,
    ):
        assert alone
        late.sendall(head + content[:1000])
        eventually(lambda: list(tmp_path.glob("jobs/.new.*/upload.zip")))
        assert client.post(CHECK, content=content, headers=ZIP).status_code == 202
        late.sendall(content[1000:])
        assert late.recv(1000).startswith(b"HTTP/1.1 429")
    assert len(store.all()) == 2


# ------------------------------------------------------------------ asking and removing


def test_an_unknown_job_is_not_found(server):
    for id in ("0650b8d2f1a3c4-5e6f7a8b", "lock", "..", "%2e%2e", "..%2f..%2fetc"):
        for method, path in (("GET", ""), ("GET", "/result"), ("DELETE", "")):
            assert server.request(method, f"/v1/jobs/{id}{path}").status_code in (404, 405)


def test_jobs_are_listed_the_latest_first(server, pictures):
    ids = [
        server.post(f"{CHECK}?name={name}", content=packed(pictures), headers=ZIP).json()["id"]
        for name in ("first", "second")
    ]
    listed = server.get("/v1/jobs").json()["jobs"]
    assert [(job["id"], job["name"]) for job in listed[:2]] == [
        (ids[1], "second"),
        (ids[0], "first"),
    ]


def test_a_job_that_is_not_done_has_no_result_and_can_be_cancelled(server, jobs_folder, pictures):
    many = {f"{copy}/{name}": content for copy in range(200) for name, content in pictures.items()}
    job = server.post(CHECK, content=packed(many), headers=ZIP).json()
    assert refused(server.get(f"/v1/jobs/{job['id']}/result"))[:2] == (409, "not_finished")
    eventually(
        lambda: server.get(f"/v1/jobs/{job['id']}").json()["state"],
        until=lambda state: state != "waiting",
    )
    assert server.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert server.get(f"/v1/jobs/{job['id']}").status_code == 404
    after = finished(server, server.post(CHECK, content=packed(pictures), headers=ZIP))
    assert after["state"] == "done"  # the next one had its turn
    assert not [path for path in jobs_folder.iterdir() if path.name.startswith(".")]


def test_a_finished_job_keeps_its_result_and_not_its_upload(server, jobs_folder, pictures):
    job = finished(server, server.post(CHECK, content=packed(pictures), headers=ZIP))
    kept = {"job.json", "lock", "log", "rows.jsonl", "rows.csv", "rows.parquet"}
    folder = jobs_folder / job["id"]  # the upload goes after the job is noted as done
    eventually(lambda: {path.name for path in folder.iterdir()}, until=lambda names: names == kept)


def test_a_damaged_row_of_a_csv_is_a_row_with_a_reason(server, queries):
    header, row, _ = kaggle(queries[0].pixels()[None]).split("\n")
    text = "\n".join([header, row, "1,2,3", row])
    job = finished(server, server.post(f"{CHECK}?name=d.csv", content=text, headers=CSV))
    rows = server.get(f"/v1/jobs/{job['id']}/result").text.splitlines()
    assert [json.loads(line)["decision"] for line in rows] == ["match", "error", "match"]
    assert json.loads(rows[1])["reason"].startswith("row 2: expected 784 pixels")


def test_a_job_that_cannot_go_on_fails_with_one_sentence(server, jobs_folder, pictures, queries):
    many = {f"{copy}/{name}": content for copy in range(200) for name, content in pictures.items()}
    before = server.post(CHECK, content=packed(many), headers=ZIP).json()
    text = kaggle(queries[0].pixels()[None])
    waiting = server.post(f"{CHECK}?name=d.csv", content=text, headers=CSV)
    (jobs_folder / waiting.json()["id"] / "upload.csv").unlink()
    server.delete(f"/v1/jobs/{before['id']}")
    job = finished(server, waiting)
    assert (job["state"], job["error"]["code"]) == ("failed", "invalid")
    assert job["error"]["message"].startswith("d.csv cannot be read")
    assert refused(server.get(f"/v1/jobs/{job['id']}/result"))[:2] == (409, "not_finished")
    assert str(jobs_folder) not in json.dumps(job)


def test_a_crash_of_the_process_fails_its_job_and_not_the_server(server, pictures):
    many = {f"{copy}/{name}": content for copy in range(200) for name, content in pictures.items()}
    answer = server.post(CHECK, content=packed(many), headers=ZIP)
    [process, *_] = eventually(lambda: processes_of(answer.json()["id"]))
    os.kill(process, signal.SIGSEGV)
    assert finished(server, answer)["error"]["code"] == "internal"
    after = finished(server, server.post(CHECK, content=packed(pictures), headers=ZIP))
    assert after["state"] == "done"


# ------------------------------------------------------------------ the store


@pytest.fixture
def store(tmp_path) -> JobStore:
    return JobStore(tmp_path / "jobs")


def submitted(store: JobStore) -> StoredJob:
    with store.staging() as folder:
        (folder / LIST).write_text("")
        return store.submit(folder, LIST, "list", {}, 0)


def test_the_oldest_job_that_is_not_finished_is_next(store):
    first, second = submitted(store), submitted(store)
    assert store.next() == first
    store.update(first, state="failed")
    assert (store.next(), store.unfinished()) == (second, 1)


def test_finished_jobs_are_kept_for_the_stated_time(tmp_path):
    store = JobStore(tmp_path / "jobs", keep=50, clock=lambda: 1000)
    old, recent, running = (submitted(store) for _ in range(3))
    store.update(old, state="done", finished=949)
    store.update(recent, state="failed", finished=950)
    assert [job.id for job in store.all()] == [running.id, recent.id]
    assert (store.get(old.id), store.next()) == (None, running)
    assert store.directory(old.id).exists()  # until it is swept
    store.sweep()
    assert not store.directory(old.id).exists()
    assert [job.id for job in store.all()] == [running.id, recent.id]


def test_a_job_that_is_no_longer_kept_is_neither_listed_nor_read(
    real_gallery, tmp_path, monkeypatch
):
    monkeypatch.setattr(JobStore, "sweep", lambda store: None)  # its files stay
    store = JobStore(tmp_path / "jobs")
    job = submitted(store)
    store.update(job, state="done", finished=time.time() - 100)
    with serving(real_gallery, Settings(jobs=store.path, keep_jobs=50)) as client:
        assert client.get("/v1/jobs").json() == {"jobs": []}
        for path in ("", "/result"):
            assert refused(client.get(f"/v1/jobs/{job.id}{path}"))[:2] == (404, "not_found")
    assert store.directory(job.id).exists()


def test_a_job_that_is_no_longer_kept_leaves_no_files(real_gallery, tmp_path):
    store = JobStore(tmp_path / "jobs")
    with serving(real_gallery, Settings(jobs=store.path, keep_jobs=0.1)):
        with store.alone():  # so that the server does not run it
            job = submitted(store)
            store.update(job, state="done", finished=time.time())
        eventually(lambda: not store.directory(job.id).exists())


def test_a_sweep_removes_old_uploads_and_nothing_that_is_not_its_own(tmp_path):
    after_two_days = JobStore(tmp_path, clock=lambda: time.time() + 2 * 24 * 3600)
    for name in (".new.0123456789abcdef", ".gone.0123456789abcdef", ".vim.backup", ".new.ideas"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text("a")
    after_two_days.sweep()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".new.ideas", ".vim.backup"]


def test_an_upload_that_is_given_up_leaves_nothing(store):
    with store.staging() as folder:
        (folder / LIST).write_text("half")
    assert list(store.path.iterdir()) == []


def test_one_process_works_on_the_jobs_of_a_directory(store):
    submitted(store)
    with store.alone() as first, JobStore(store.path).alone() as second:
        assert (first, second) == (True, False)
    with store.alone() as again:
        assert again


def test_a_job_that_was_removed_cannot_be_changed(store):
    job = submitted(store)
    assert store.remove(job.id)
    assert not store.remove(job.id)
    with pytest.raises(FileNotFoundError):
        store.update(job, state="done")
