"""Servers as processes: the command, equal answers of the CLI, several servers, stopping."""

from __future__ import annotations

import base64
import io
import json
import re
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.likewise.server.conftest import image, png

ROOT = Path(__file__).parents[3]


def command(*arguments: object) -> list[str]:
    """The command `likewise`, as it is installed."""
    return [str(Path(sysconfig.get_path("scripts"), "likewise")), *map(str, arguments)]


@contextmanager
def process(gallery: Path, *options: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server as a user starts it, and its address once it says it."""
    started = subprocess.Popen(
        command("serve", gallery, "--port", 0, *options),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stderr is not None
    try:
        result = re.search(r"http://\S+", started.stderr.readline())
        assert result, started.stderr.read()
        yield started, result[0]
    finally:
        started.kill()
        started.wait()
        started.stderr.close()


def rows_of(*arguments: object) -> list[dict[str, object]]:
    """The rows that a command prints."""
    done = subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def pictures(tmp_path, queries) -> Path:
    """Some digits as files: PNG, JPEG, large, cut off, none."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for place, record in enumerate(queries[:6]):
        (folder / f"{place}.png").write_bytes(png(record))
    Image.fromarray(queries[6].pixels()).resize((300, 300)).save(folder / "large.jpg")
    (folder / "cut.png").write_bytes(png(queries[7])[:60])
    return folder


@pytest.mark.slow
def test_http_gives_what_the_command_line_gives(real_gallery, pictures):
    from embedder.model import Embedder

    paths = sorted(pictures.iterdir())
    checked = rows_of("check", real_gallery, pictures, "-k", 3)
    queried = rows_of("query", real_gallery, pictures, "-k", 3)
    compared = rows_of("compare", paths[0], paths[1], "--gallery", real_gallery)
    readable = [path for path in paths if path.stem not in ("cut", "large")]
    pixels = np.stack([np.asarray(Image.open(path)) for path in readable])
    array, vectors = io.BytesIO(), io.BytesIO()
    np.save(array, pixels)
    embedded = Embedder.load().embed(pixels)
    np.save(vectors, embedded)
    files = [("images", (path.name, path.read_bytes())) for path in paths]
    encoded = [
        {"id": path.name, "data": base64.b64encode(path.read_bytes()).decode()} for path in paths
    ]
    npy = {"Content-Type": "application/x-npy"}
    with process(real_gallery) as (_, address), httpx.Client(base_url=address) as client:

        def rows(path: str, **body: object) -> list[dict[str, object]]:
            return client.post(f"{path}?k=3", **body).json()["rows"]  # type: ignore[arg-type]

        assert rows("/v1/check", files=files) == checked
        assert rows("/v1/check", json={"images": encoded}) == checked
        assert rows("/v1/query", files=files) == queried
        by_name = {row["id"]: row for row in checked}
        for path in paths:
            kind = "image/jpeg" if path.suffix == ".jpg" else "image/png"
            if path.stem != "cut":
                body = {"content": path.read_bytes(), "headers": {"Content-Type": kind}}
                [row] = client.post(f"/v1/check?k=3&id={path.name}", **body).json()["rows"]
                assert row == by_name[path.name]
        numbered = [{**by_name[path.name], "id": str(n)} for n, path in enumerate(readable)]
        assert rows("/v1/check", content=array.getvalue(), headers=npy) == numbered
        assert rows("/v1/check", content=vectors.getvalue(), headers=npy) == numbered
        raw = {"Content-Type": "application/octet-stream"}
        assert rows("/v1/check", content=embedded.tobytes(), headers=raw) == numbered
        pair = {"first": files[0][1], "second": files[1][1]}
        row = client.post("/v1/compare", files=pair).json()
        assert row == {**compared[0], "a": paths[0].name, "b": paths[1].name}


@pytest.mark.slow
def test_a_change_by_one_server_is_seen_by_others_within_a_second(real_gallery, tmp_path, queries):
    import shutil

    gallery = Path(shutil.copytree(real_gallery, tmp_path / "digits.gallery"))
    with (
        process(gallery) as (_, writer),
        process(gallery) as (_, item),
        process(gallery, "--read-only") as (_, other),
    ):
        for place, record in enumerate(queries[:10]):
            put = httpx.put(f"{writer}v1/references/new-{place}?label=new", **image(record))
            assert put.status_code == 201
            ended = time.monotonic()
            for reader in (item, other):
                [row] = httpx.post(f"{reader}v1/query?k=1", **image(record)).json()["rows"]
                assert row["neighbours"][0]["id"] == f"new-{place}"
            assert time.monotonic() - ended < 60  # seen by the very next request of each
        assert httpx.delete(f"{writer}v1/references/new-0").status_code == 200
        for reader in (item, other):
            assert httpx.get(f"{reader}v1/references/new-0").status_code == 404
        refused = httpx.put(f"{other}v1/references/x?label=7", **image(queries[0]))
        assert refused.json()["code"] == "read_only"


@pytest.mark.slow
def test_a_server_that_gets_a_signal_to_stop_finishes_what_it_accepted(real_gallery, queries):
    array = io.BytesIO()
    np.save(array, np.stack([queries[0].pixels()] * 2000))
    answers: list[httpx.Response] = []

    def ask(address: str) -> None:
        headers = {"Content-Type": "application/x-npy"}
        body = array.getvalue()
        answers.append(httpx.post(f"{address}v1/check", content=body, headers=headers, timeout=60))

    with process(real_gallery) as (started, address):
        asked = [Thread(target=ask, args=(address,)) for _ in range(3)]
        for item in asked:
            item.start()
        while "likewise_batch_pictures_sum 0.0" in httpx.get(f"{address}metrics").text:
            pass  # until the first is being answered
        started.send_signal(signal.SIGTERM)
        assert started.wait(timeout=60) == 0
        for item in asked:
            item.join()
        whole = [answer for answer in answers if answer.status_code == 200]
        assert len(whole) == len(answers) == 3
        assert all(len(answer.json()["rows"]) == 2000 for answer in whole)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{address}healthz")


def test_a_path_that_is_not_a_gallery_is_reported_in_one_line(tmp_path):
    done = subprocess.run(
        command("serve", tmp_path / "none.gallery", "--port", 0),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: Expected a gallery at ")
    assert done.stderr.count("\n") == 1


def test_a_port_that_is_taken_is_reported_in_one_line(shared, built, fake):
    from click.testing import CliRunner

    from cli import main

    done = CliRunner().invoke(main, ["serve", str(built), "--port", str(shared.base_url.port)])
    assert done.exit_code == 1
    assert "Cannot listen at 127.0.0.1" in done.output


def test_without_the_extra_the_command_says_how_to_get_it(monkeypatch, built):
    from click.testing import CliRunner

    from cli import main

    monkeypatch.setitem(sys.modules, "likewise.server.run", None)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "likewise.server.run")
    done = CliRunner().invoke(main, ["serve", str(built)])
    assert done.exit_code == 1
    assert "pip install 'likewise[serve]'" in done.output
