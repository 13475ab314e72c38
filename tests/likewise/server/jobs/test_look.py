"""Uploads are counted by separate processes, with limits."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import zipfile

import pytest
from PIL import Image

from likewise.server.errors import ApiError
from likewise.server.jobs import sources
from likewise.server.jobs.look import UploadInspector
from likewise.server.jobs.store import CSV
from likewise.server.settings import Settings
from tests.embedder.bombs import encoded, repeated_scans
from tests.eventually import eventually
from tests.likewise.server.conftest import png, serving

CHECK = "/v1/jobs/check"
ZIPPED, TABLE = {"Content-Type": "application/zip"}, {"Content-Type": "text/csv"}
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n{} loop\n%%EOF\n"


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return buffer.getvalue()


@pytest.fixture
def untouched(monkeypatch):
    """Fails a test whose server opens an upload by itself."""
    monkeypatch.setattr(sources, "source_records", lambda *arguments: pytest.fail("it was opened"))


@pytest.mark.costly
def test_the_server_counts_an_upload_without_opening_it(client, queries, untouched):
    body = zipped(a_png=png(queries[0]), b_png=png(queries[1]), notes_txt=b"milk")
    answer = client.post(CHECK, content=body, headers=ZIPPED)
    assert (answer.status_code, answer.json()["total"]) == (202, 2)


ENDLESS = 17 << 20  # characters: more than a line may have


@pytest.mark.costly
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"pixel0," + b"," * ENDLESS, "line 1 has more than 16 million characters"),
        (b"pixel0," + b"pixel1," * (ENDLESS // 7), "line 1 has more than 16 million characters"),
        (b"pixel0\n" + b"0" * ENDLESS, "line 2 has more than 16 million characters"),
        (
            b"pixel0," + b"," * 5_000_000 + b"\n",
            "has 5000002 columns, but at most 4000000",
        ),
        (b'"' + b"pixel0" * 100_000 + b'"\n1\n', "has a header that is not CSV"),
    ],
    ids=["commas", "names", "a row", "columns", "a name"],
)
def test_lines_and_columns_without_end_are_refused_at_once(client, body, message, untouched):
    answer = client.post(CHECK, content=body, headers=TABLE)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert message in answer.json()["message"]


@pytest.mark.costly
def test_uploads_share_a_process_and_one_that_ends_it_is_refused(tmp_path):
    (tmp_path / CSV).write_bytes(b"label,pixel0\n7,0\n")
    inspector = UploadInspector()

    def count() -> int:
        return asyncio.run(inspector.count(tmp_path, CSV, "a.csv"))

    def processes() -> list[int]:
        return [process._process.pid for process in inspector._pool._idle]

    try:
        assert [count(), count(), len(processes())] == [1, 1, 1]
        os.kill(processes()[0], signal.SIGKILL)
        with pytest.raises(ApiError, match="1 GiB of memory and 60 s of processor time") as caught:
            count()
        assert (caught.value.status_code, caught.value.code) == (413, "too_large")
        assert caught.value.hint
        assert count() == 1
    finally:
        inspector.close()


@pytest.mark.costly
def test_a_job_reads_what_a_request_reads_and_ends_what_takes_too_long(
    real_gallery, queries, tmp_path
):
    files = {
        "a_png": png(queries[0]),
        "bomb_jpg": repeated_scans(1024, 2500),
        "drawing_eps": EPS,
        "rare_tga": encoded(Image.new("L", (40, 40)), "TGA"),
        "z_png": png(queries[1]),
    }
    settings = Settings(decode_timeout=0.3, jobs=tmp_path / "jobs")
    with serving(real_gallery, settings) as client:
        id = client.post(CHECK, content=zipped(**files), headers=ZIPPED).json()["id"]
        job = eventually(
            lambda: client.get(f"/v1/jobs/{id}").json(),
            until=lambda job: job["state"] in ("done", "failed"),
        )
        assert job["state"] == "done", job
        rows = client.get(f"/v1/jobs/{id}/result").text.splitlines()
    assert ['"decision":"error"' in row for row in rows] == [False, True, True, True, False]
    assert "more than 0.3 s of a processor" in rows[1]
    assert "EPS describes how to draw" in rows[2]
    assert "TGA is not read over HTTP" in rows[3]
