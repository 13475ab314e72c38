"""Without the extra `parquet`: one sentence for Parquet, and everything else works."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from embedder.data.parquet import ParquetMissingError
from likewise.output.writers import write_file

SENTENCE = "Parquet needs pyarrow, which is not installed: pip install 'likewise[parquet]'"


@pytest.fixture(autouse=True)
def _without_pyarrow(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def assert_says_so(result: Result) -> None:
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"Error: {SENTENCE}\n")


@pytest.mark.parametrize("command", ["check", "query"])
def test_rows_in_parquet_are_refused_before_the_first_picture(gallery, scans, tmp_path, command):
    output = tmp_path / "rows.parquet"
    assert_says_so(run(command, gallery, scans, "-o", output))
    assert not list(tmp_path.glob("rows.parquet*"))


def test_embeddings_in_parquet_are_refused(fake, scans, tmp_path):
    assert_says_so(run("embed", scans, "-o", tmp_path / "vectors.parquet"))


def test_a_list_in_parquet_cannot_be_read(gallery, tmp_path):
    (tmp_path / "list.parquet").write_bytes(b"PAR1")
    assert_says_so(run("add", gallery, tmp_path / "list.parquet"))


def test_writing_parquet_from_python_says_so_and_leaves_no_file(tmp_path):
    with pytest.raises(ParquetMissingError, match=r"pip install 'likewise\[parquet\]'"):
        write_file(tmp_path / "rows.parquet", [{"id": "a", "neighbours": []}], ["id"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_the_other_formats_need_no_pyarrow(gallery, scans, tmp_path, ending):
    result = run("check", gallery, scans, "-o", tmp_path / f"rows.{ending}")
    assert result.exit_code == 0, result.output


def test_a_job_of_a_server_is_done_without_its_parquet(gallery, tmp_path):
    from likewise.server.jobs.store import DONE, LIST, JobStore
    from likewise.server.jobs.worker import _checked

    store = JobStore(tmp_path / "jobs")
    with store.staging() as folder:
        (folder / LIST).write_text(json.dumps({"path": "gone.png", "id": "a"}) + "\n")
        asked = {name: None for name in ("threshold", "min_margin", "group", "at")}
        job = store.submit(folder, LIST, "list.jsonl", {"k": 5, "evidence": False, **asked}, 1)
    assert _checked(store, job, gallery)["state"] == DONE
    written = {path.name for path in store.directory(job.id).glob("rows*")}
    assert written == {"rows.jsonl", "rows.csv"}
