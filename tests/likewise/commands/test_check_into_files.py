"""`likewise check -o`: files, and resumed runs."""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil
import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from index.gallery import Gallery
from index.operating_point import OperatingPoint
from likewise.bulk.journal import Journal
from tests.likewise.commands.running import (
    done,
    failure,
    interrupted,
    process,
    read,
    rows,
    run,
    wait_for_a_row,
)


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_a_file_holds_what_stdout_shows(gallery, scans, tmp_path, ending):
    output = tmp_path / f"rows.{ending}"
    assert done("check", gallery, scans, "-o", output).stdout == ""
    shown = rows("check", gallery, scans)
    assert [row["id"] for row in read(output)] == [row["id"] for row in shown]
    assert [row["decision"] for row in read(output)] == [row["decision"] for row in shown]
    assert not Path(f"{output}.partial").exists()


def test_csv_on_stdout_is_what_the_file_holds(gallery, scans, tmp_path):
    done("check", gallery, scans, "-o", tmp_path / "rows.csv")
    shown = done("check", gallery, scans, "--format", "csv").stdout_bytes
    assert shown == (tmp_path / "rows.csv").read_bytes()


@pytest.mark.parametrize("command", ["check", "query"])
def test_a_format_beside_a_file_is_refused(gallery, scans, tmp_path, command):
    result = run(command, gallery, scans, "--format", "jsonl", "-o", tmp_path / "rows.csv")
    assert result.exit_code == 2
    assert "Use --format or -o, not both" in result.stderr


def test_an_output_folder_that_is_missing_is_one_line(gallery):
    message = failure("check", gallery, "mnist/test/00000", "-o", "no-such-folder/rows.csv")
    assert "There is no folder no-such-folder" in message


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
def test_every_output_spells_a_name_that_is_not_utf_8_alike(gallery, scans, tmp_path, ending):
    folder = shutil.copytree(scans, tmp_path / "odd")
    (folder / "00.png").rename(Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.png")))
    output = tmp_path / f"rows{ending}"
    done("check", gallery, folder, "-o", output)
    if ending == ".parquet":
        ids = pq.read_table(output).column("id").to_pylist()
    else:
        text = output.read_text(encoding="utf-8")
        ids = [json.loads(line)["id"] for line in text.splitlines()] if ending == ".jsonl" else []
        ids = ids or [row["id"] for row in csv.DictReader(text.splitlines())]
    assert r"caf\xe9.png" in ids
    listed = os.fsencode(folder) + b"/caf\xe9.png\n"
    [row] = rows("check", gallery, "-", input=listed)
    assert row["id"].endswith(r"/caf\xe9.png")
    assert row["decision"] != "error"


def test_a_whole_file_is_never_taken_for_the_job_that_is_to_go_on(gallery, scans, tmp_path):
    done("check", gallery, scans, "-o", tmp_path / "rows.csv", "--group", "7")
    before = (tmp_path / "rows.csv").read_bytes()
    again = ("check", gallery, scans, "-o", tmp_path / "rows.csv", "--resume")
    assert "is complete already, so there is nothing to resume" in failure(*again)
    assert (tmp_path / "rows.csv").read_bytes() == before


def test_resume_finishes_the_file_without_embedding_twice(gallery, scans, tmp_path, fake):
    whole = interrupted(gallery, scans, tmp_path / "rows.jsonl")
    before = fake.embedded
    result = done("check", gallery, scans, "-o", tmp_path / "rows.jsonl", "--resume")
    assert (tmp_path / "rows.jsonl").read_bytes() == whole
    assert fake.embedded - before == 33  # 7 of 40 are done, among them the unreadable two
    assert result.stderr.startswith("33 pictures")
    assert result.stderr.rstrip().endswith("; 7 were done in an earlier run")


def test_resume_is_refused_when_the_gallery_or_an_option_has_changed(gallery, scans, tmp_path):
    output = tmp_path / "rows.jsonl"
    interrupted(gallery, scans, output)
    again = ("check", gallery, scans, "-o", output)
    assert "--resume" in failure(*again)
    assert "its threshold was 0.5, not 0.25" in failure(*again, "--resume", "--threshold", 0.25)
    done("add", gallery, "mnist/test/00001")
    assert "its gallery generation was" in failure(*again, "--resume")


def test_resume_is_refused_where_the_same_words_name_other_pictures(
    gallery, scans, tmp_path, monkeypatch
):
    output, elsewhere = tmp_path / "rows.jsonl", tmp_path / "elsewhere"
    interrupted(gallery, scans, output)
    shutil.copytree(scans, elsewhere / scans.name)
    monkeypatch.chdir(elsewhere)
    again = ("check", gallery, scans.name, "-o", output, "--resume")
    assert f"its inputs were {scans}, not {elsewhere / scans.name}" in failure(*again)
    monkeypatch.chdir(scans.parent)
    assert "7 were done in an earlier run" in done(*again).stderr


def test_resume_notices_another_operating_point(gallery, scans, tmp_path):
    output = tmp_path / "rows.jsonl"
    interrupted(gallery, scans, output)
    with Gallery.open(gallery) as opened:
        opened.points.store("same", OperatingPoint(threshold=0.5))
    message = failure("check", gallery, scans, "-o", output, "--resume")
    assert "its operating point was 'eer', not 'same'" in message
    done("check", gallery, scans, "-o", output, "--resume", "--at", "eer")


@pytest.mark.costly
@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_killed_check_goes_on_to_the_same_bytes(gallery, copies, tmp_path, ending):
    output = tmp_path / f"rows.{ending}"
    whole = tmp_path / f"whole.{ending}"
    done("check", gallery, copies, "-o", whole)
    running = process(1, "check", gallery, copies, "-o", output)
    wait_for_a_row(Path(f"{output}.partial"))
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert not output.exists()
    result = done("check", gallery, copies, "-o", output, "--resume")
    assert output.read_bytes() == whole.read_bytes()
    assert 0 < int(result.stderr.split()[0]) < 4000


@pytest.mark.costly
def test_a_check_on_a_full_disk_says_how_to_go_on(gallery, copies, tmp_path, monkeypatch):
    real = Journal.write

    def full(journal: Journal, rows: list[dict]) -> None:
        if journal.path.stat().st_size > 100_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(journal, rows)

    monkeypatch.setattr(Journal, "write", full)
    output = run("check", gallery, copies, "-o", tmp_path / "rows.csv").stderr.splitlines()
    kept = tmp_path / "rows.csv.partial"
    assert output[0] == f"The rows so far are kept in {kept}: continue with --resume."
    monkeypatch.setattr(Journal, "write", real)
    resumed = done("check", gallery, copies, "-o", tmp_path / "rows.csv", "--resume")
    assert "were done in an earlier run" in resumed.stderr


@pytest.mark.costly
def test_ctrl_c_ends_with_one_line_that_says_how_to_go_on(gallery, copies, tmp_path):
    output = tmp_path / "rows.jsonl"
    running = process(1, "check", gallery, copies, "-o", output)
    wait_for_a_row(Path(f"{output}.partial"))
    running.send_signal(signal.SIGINT)
    _, message = running.communicate(timeout=60)
    assert running.returncode == 130
    assert message.decode().splitlines()[-1].startswith("Interrupted.")
    assert b"--resume" in message
    assert b"Traceback" not in message


@pytest.mark.parametrize("command", ["check", "query"])
def test_an_output_that_is_read_is_not_written_over(gallery, scans, tmp_path, command):
    listed = tmp_path / "list.csv"
    listed.write_text(f"path,label\n{scans / '00.png'},7\n")
    (tmp_path / "same.csv").symlink_to(listed)
    content = listed.read_bytes()
    for output in (listed, tmp_path / "same.csv"):
        result = run(command, gallery, listed, "-o", output)
        assert result.exit_code == 2
        assert (listed.read_bytes(), "list.csv is read and would" in result.stderr) == (
            content,
            True,
        )
