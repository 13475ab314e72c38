"""The commands through their entry point, on real PNG files and the bundled digits."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from cli import main
from index.decision import CheckOptions
from index.gallery import Gallery
from index.operating_point import OperatingPoint
from likewise.bulk.journal import Journal
from likewise.matcher import Matcher
from tests.eventually import eventually

ROOT = Path(__file__).parents[3]


def run(*arguments: object, input: bytes | str | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=input)


def done(*arguments: object, input: bytes | str | None = None) -> Result:
    result = run(*arguments, input=input)
    assert result.exit_code == 0, result.output
    return result


def rows(*arguments: object, input: bytes | str | None = None) -> list[dict]:
    return [json.loads(line) for line in done(*arguments, input=input).stdout.splitlines()]


def failure(*arguments: object) -> str:
    """The one line that a failing command prints."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.fixture
def folder(tmp_path, references) -> Path:
    """Thirty training digits, a folder per label."""
    for place, record in enumerate(references[:30]):
        path = tmp_path / "digits" / record.label / f"{place:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(record.pixels()).save(path)
    return tmp_path / "digits"


# ------------------------------------------------------------------ build, add, remove, info


def test_build_makes_a_gallery_of_a_folder_per_label(tmp_path, fake, folder):
    result = done("build", tmp_path / "new.gallery", folder)
    assert result.stdout == ""
    assert "30 added" in result.stderr
    with Gallery.open(tmp_path / "new.gallery") as gallery:
        assert gallery.labels == {path.name: len(list(path.iterdir())) for path in folder.iterdir()}


def test_build_where_a_gallery_is_names_add(gallery):
    assert f"likewise add {gallery} mnist/train" in failure("build", gallery, "mnist/train")


def test_build_from_a_misspelt_folder_leaves_nothing(tmp_path, fake):
    assert "no-such" in failure("build", tmp_path / "new.gallery", "no-such-folder")
    assert not (tmp_path / "new.gallery").exists()


def test_build_from_pictures_without_labels_says_where_labels_come_from(tmp_path, fake, scans):
    assert "00.png has no label" in failure("build", tmp_path / "new.gallery", scans)


def test_add_repeated_adds_nothing(gallery, folder):
    assert "30 added, 0 replaced, 0 unchanged" in done("add", gallery, folder).stderr
    assert "0 added, 0 replaced, 30 unchanged" in done("add", gallery, folder).stderr


def test_build_tells_how_many_groups_came_of_it(tmp_path, folder):
    told = done("build", tmp_path / "new.gallery", folder).stderr
    groups = len({path.parent.name for path in folder.rglob("*.png")})
    assert f"30 references of {groups} groups in {tmp_path}" in told


def test_add_with_a_label_enrols_pictures_that_have_none(gallery, scans):
    result = done("add", gallery, scans, "--label", "scanned")
    assert "38 added" in result.stderr
    assert "unreadable: 06.png: not a picture" in result.stderr
    with Gallery.open(gallery) as opened:
        assert opened.labels["scanned"] == 38


def test_add_of_nothing_readable_is_an_error(gallery, scans):
    result = run("add", gallery, scans / "06.png", "--label", "x")
    assert result.exit_code == 1
    assert "No picture could be read" in result.stderr


def test_remove_takes_ids_from_the_command_line_and_from_stdin(gallery, references):
    first, second, third = (record.id for record in references[:3])
    result = done("remove", gallery, first, "-", input=f"{second}\n{third}\n")
    assert "3 removed, 297 references" in result.stderr
    assert "'mnist/train/00000'" in failure("remove", gallery, first)


def test_remove_of_a_missing_id_removes_nothing_unless_that_is_fine(gallery, references):
    known = references[0].id
    assert "nothing was removed" in failure("remove", gallery, known, "gone", "lost")
    assert "1 removed" in done("remove", gallery, known, "gone", "--missing-ok").stderr


def test_info_tells_what_a_gallery_holds(gallery, fake):
    text = done("info", gallery).stdout
    for told in ("references: 300 in 10 groups", fake.fingerprint, "eer: 0.5000", "on disk"):
        assert told in text
    (described,) = rows("info", gallery, "--format", "json")
    assert described["references"] == 300
    assert sum(described["groups"].values()) == 300


def test_a_zip_is_checked_as_the_folder_that_was_packed(gallery, scans):
    packed = shutil.make_archive(str(scans), "zip", scans)
    assert rows("check", gallery, packed) == rows("check", gallery, scans)


def test_a_backup_is_a_gallery_that_answers_the_same(gallery, scans, tmp_path):
    copy = tmp_path / "copy.gallery"
    told = done("backup", gallery, copy).stderr
    assert re.search(
        r"^300 references of .*digits\.gallery.*every row proven\.$", told, re.MULTILINE
    )
    assert rows("check", copy, scans) == rows("check", gallery, scans)
    assert "copy.gallery' exists already" in failure("backup", gallery, copy)


def test_info_tells_the_rates_of_a_threshold_that_a_model_brought_along(gallery):
    with Matcher.open(gallery) as matcher:
        brought = {"threshold": 0.25, "fpir": 0.01, "fnir": 0.03, "unknown": 5000, "known": 5001}
        matcher.gallery.points.store("default", OperatingPoint.from_json(brought))
    assert "default: 0.2500 (FPIR 1 %, FNIR 3 %)" in done("info", gallery).stdout


# ------------------------------------------------------------------ query, compare, embed


def test_query_prints_a_row_for_each_picture(gallery, scans, queries):
    found = rows("query", gallery, scans / "00.png", "mnist/test/00001", "-k", 2)
    assert [row["id"] for row in found] == [str(scans / "00.png"), "mnist/test/00001"]
    with Matcher.open(gallery) as matcher:
        nearest = matcher.query([query.pixels() for query in queries[:2]], k=2)
    expected = [[near.id for near in nearest[place]] for place in range(2)]
    assert [[near["id"] for near in row["neighbours"]] for row in found] == expected


def test_a_printed_distance_is_the_float32_that_a_search_gives(gallery, queries):
    (row,) = rows("query", gallery, "mnist/test/00000")
    with Matcher.open(gallery) as matcher:
        expected = matcher.query([queries[0].pixels()]).distances[0]
    printed = np.array([near["distance"] for near in row["neighbours"]], np.float32)
    np.testing.assert_array_equal(printed, expected)


def test_an_unreadable_query_is_a_row_with_a_reason(gallery, scans):
    (row,) = rows("query", gallery, scans / "05.png")
    assert (row["neighbours"], row["reason"][:9]) == ([], "truncated")


def test_query_shows_pictures_when_asked(gallery, scans):
    result = done("query", gallery, scans / "00.png", scans / "06.png", "--pictures")
    assert "▀" in result.stdout
    assert "\x1b" not in result.stdout  # no terminal, no colour
    assert "06.png: not a picture" in result.stderr


def test_query_as_a_table_has_a_line_for_each_neighbour(gallery):
    lines = done("query", gallery, "mnist/test/00000", "-k", 3, "--format", "table").stdout
    assert len(lines.splitlines()) == 2 + 3


def test_compare_gives_distance_and_decision(gallery, scans):
    (row,) = rows("compare", scans / "00.png", "mnist/test/00000", "--gallery", gallery)
    assert (row["distance"], row["threshold"], row["decision"]) == (0.0, 0.5, "match")


def test_compare_wants_one_picture_on_each_side(gallery, scans):
    assert "there came several, 00.png" in failure("compare", scans, "mnist/test/00000")


def test_compare_of_an_unreadable_picture_names_it(fake, scans):
    assert "06.png cannot be read" in failure("compare", scans / "06.png", "mnist/test/00000")


def test_embed_writes_an_array_or_a_table(fake, tmp_path, scans):
    result = done("embed", scans, "-o", tmp_path / "v.npy")
    assert "40 rows of 16 numbers" in result.stderr
    assert "unreadable: 05.png: truncated" in result.stderr
    done("embed", scans, "-o", tmp_path / "v.parquet")
    vectors = pq.read_table(tmp_path / "v.parquet")["embedding"].to_pylist()
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy")[7], np.float32(vectors[7]))


# ------------------------------------------------------------------ check


def test_check_prints_rows_in_input_order_and_a_summary_on_stderr(gallery, scans):
    result = done("check", gallery, scans, "--threshold", 0.3)
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["id"] for row in found] == [f"{place:02}.png" for place in range(40)]
    assert {row["decision"] for row in found} == {"match", "no_match", "error"}
    assert result.stderr.startswith("40 pictures: ")
    assert "2 unreadable" in result.stderr


def test_no_match_is_an_answer(gallery):
    (row,) = rows("check", gallery, "mnist/test/00000", "--threshold", 0)
    assert (row["decision"], row["label"], row["threshold"]) == ("no_match", None, 0.0)


def test_check_takes_paths_from_stdin(gallery, scans):
    listed = f"{scans / '01.png'}\n{scans / 'gone.png'}\nmnist/test/00002\n"
    found = rows("check", gallery, "-", input=listed)
    assert [row["id"] for row in found] == listed.split()
    assert (found[1]["decision"], found[1]["reason"]) == ("error", "no such file")


def test_check_for_one_group(gallery):
    (row,) = rows("check", gallery, "mnist/train/00000", "--group", "5")
    assert (row["decision"], row["distance"]) == ("match", 0.0)
    (row,) = rows("check", gallery, "mnist/train/00000", "--group", "0")
    assert row["decision"] == "no_match"
    assert "'cat'" in failure("check", gallery, "mnist/train/00000", "--group", "cat")


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_a_file_holds_what_stdout_shows(gallery, scans, tmp_path, ending):
    output = tmp_path / f"rows.{ending}"
    assert done("check", gallery, scans, "-o", output).stdout == ""
    shown = rows("check", gallery, scans)
    assert [row["id"] for row in read(output)] == [row["id"] for row in shown]
    assert [row["decision"] for row in read(output)] == [row["decision"] for row in shown]
    assert not Path(f"{output}.partial").exists()


def read(path: Path) -> list[dict]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".csv":
        return list(csv.DictReader(path.read_text().splitlines()))
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_csv_on_stdout_is_what_the_file_holds(gallery, scans, tmp_path):
    done("check", gallery, scans, "-o", tmp_path / "rows.csv")
    shown = done("check", gallery, scans, "--format", "csv").stdout_bytes
    assert shown == (tmp_path / "rows.csv").read_bytes()


def test_a_whole_file_is_never_taken_for_the_job_that_is_to_go_on(gallery, scans, tmp_path):
    done("check", gallery, scans, "-o", tmp_path / "rows.csv", "--group", "7")
    before = (tmp_path / "rows.csv").read_bytes()
    again = ("check", gallery, scans, "-o", tmp_path / "rows.csv", "--resume")
    assert "this or another, left nothing to go on with" in failure(*again)
    assert (tmp_path / "rows.csv").read_bytes() == before


def interrupted(gallery: Path, scans: Path, output: Path, rows: int = 7) -> bytes:
    """Leave what a killed check leaves after so many rows; return the whole file."""
    done("check", gallery, scans, "-o", output)
    whole = output.read_bytes()
    output.unlink()
    with Matcher.open(gallery) as matcher:
        from likewise.bulk.job import Job

        job = Job(matcher, [], [str(scans)], CheckOptions(), lambda n: None)
        with Journal(output, job._settings(), []) as journal:
            lines = whole.splitlines(keepends=True)
            journal.write([json.loads(line) for line in lines[:rows]])
    with journal.path.open("ab") as file:
        file.write(lines[rows][:20])
    return whole


def test_resume_finishes_the_file_without_embedding_twice(gallery, scans, tmp_path, fake):
    whole = interrupted(gallery, scans, tmp_path / "rows.jsonl")
    before = fake.embedded
    result = done("check", gallery, scans, "-o", tmp_path / "rows.jsonl", "--resume")
    assert (tmp_path / "rows.jsonl").read_bytes() == whole
    assert fake.embedded - before == 33  # 7 of 40 are done, among them the unreadable two
    assert result.stderr.startswith("33 pictures")
    assert result.stderr.rstrip().endswith("; 7 were done before")


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
    assert "7 were done before" in done(*again).stderr


# ------------------------------------------------------------------ errors


def test_a_gallery_that_is_none_is_one_line(tmp_path, fake):
    for command in ("query", "check"):
        assert "no-such.gallery" in failure(command, tmp_path / "no-such.gallery", "mnist/test")
    assert "no-such.gallery" in failure("info", tmp_path / "no-such.gallery")


@pytest.mark.parametrize("command", ["build", "add", "query", "check", "calibrate"])
def test_an_empty_input_is_not_taken_for_the_current_folder(gallery, tmp_path, command):
    place = tmp_path / "new.gallery" if command == "build" else gallery
    options = ["--fpir", 0.1] if command == "calibrate" else []
    assert "An input is empty" in failure(command, place, "", *options)


def test_one_is_told_in_the_singular(gallery, tmp_path):
    built = done("build", tmp_path / "one.gallery", "mnist/test/00001").stderr
    assert "; 1 reference of 1 group in" in built
    assert "references: 1 in 1 group\n" in done("info", tmp_path / "one.gallery").stdout
    assert "1 row of" in done("embed", "mnist/test/00001", "-o", tmp_path / "one.npy").stderr


def test_a_folder_that_is_no_gallery_is_not_advised_to_be_added_to(scans):
    assert f"{scans} exists already, and is no gallery" in failure("build", scans, "mnist/test")


def test_an_empty_gallery_is_one_line(tmp_path, fake):
    Matcher.create(tmp_path / "empty.gallery", fake).close()
    assert "likewise add" in failure("check", tmp_path / "empty.gallery", "mnist/test/00000")


def test_a_gallery_without_its_model_is_one_line(gallery):
    shutil.rmtree(gallery / "model")
    for command in (["info"], ["check", "mnist/test/00000"]):
        message = failure(command[0], gallery, *command[1:])
        assert "lacks its model" in message
        assert "Restore it from a copy, or build the gallery again" in message


def test_a_backup_into_a_file_is_one_line(gallery, tmp_path):
    (tmp_path / "a.png").touch()
    for place in ("x", "x/y"):
        assert "is no folder: name another place" in failure(
            "backup", gallery, tmp_path / "a.png" / place
        )


def test_an_empty_list_on_stdin_is_one_sentence(gallery, tmp_path):
    for to in ([], ["-o", tmp_path / "rows.jsonl"]):
        result = done("check", gallery, "-", *to, input=b"")
        assert (result.stdout, result.stderr) == ("", "No picture came: nothing was checked.\n")
    assert (tmp_path / "rows.jsonl").read_bytes() == b""


def test_a_missing_model_is_one_line(tmp_path):
    assert "no-such-model" in failure(
        "build", tmp_path / "new.gallery", "mnist/test", "--model", tmp_path / "no-such-model"
    )
    assert not (tmp_path / "new.gallery").exists()


def test_an_output_folder_that_is_missing_is_one_line(gallery):
    message = failure("check", gallery, "mnist/test/00000", "-o", "no-such-folder/rows.csv")
    assert "There is no folder no-such-folder" in message


def test_a_defect_is_one_line_that_says_so(gallery, monkeypatch):
    monkeypatch.setattr(Matcher, "open", lambda path: 1 / 0)
    assert "Unexpected ZeroDivisionError" in failure("info", gallery)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("check", "g", "i", "--resume"), "--resume needs -o FILE"),
        (("check", "g", "i", "-o", "rows.xls"), "rows.xls should end in one of .jsonl"),
        (("check", "g", "i", "--threshold", "-1"), "-1"),
        (("check", "g", "i", "--threshold", "nan"), "nan is not a finite number"),
        (("calibrate", "g", "--fpir", "nan"), "nan is not a finite number"),
        (("calibrate", "g", "--fpir", "1e-300"), "1e-300 is not in the range"),
        (("calibrate", "g", "--cost-miss", "inf"), "inf is not a finite number"),
        (("evaluate", "g", "i", "--out", "o", "--seeds", "101"), "101 is not in the range"),
        (("train", "--out", "m", "--learning-rate", "inf"), "inf is not in the range 0<x<=1."),
        (
            ("train", "--out", "m", "--margin", "nan"),
            "nan is not a finite number",
        ),
        (("train", "--out", "m", "--outliers", "1e9"), "not in the range 0<=x<=1."),
        (("query", "g", "i", "-k", "0"), "0 is not in the range"),
        (("query", "g"), "Missing argument 'INPUT...'"),
        (("compare", "a", "b", "--gallery", "g", "--model", "m"), "not both"),
        (("embed", "i"), "Missing option '-o'"),
        (("nonsense",), "No such command 'nonsense'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_status_2(arguments, told):
    result = run(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr


def test_training_without_tensorflow_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "embedder.training.train", None)
    import likewise.training

    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")

    monkeypatch.setattr(likewise.training, "train", missing)
    assert "pip install 'likewise[train]'" in failure("train", "--out", "model")


def test_train_replaces_nothing_but_a_model(tmp_path, folder, monkeypatch):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "link").symlink_to(folder)
    for out in (folder, tmp_path / "notes.txt", tmp_path / "link"):
        assert "something else is there" in failure("train", folder, "--out", out)
    assert len(list(folder.glob("*/*.png"))) == 30
    assert (tmp_path / "notes.txt").read_text() == "mine"
    monkeypatch.chdir(tmp_path)
    assert "a name of its own" in failure("train", folder, "--out", ".")
    (tmp_path / "model.json").touch()  # an earlier model, with the pictures put into it
    assert "which the training reads" in failure("train", folder, "--out", tmp_path)


def test_train_passes_on_what_was_asked_for(monkeypatch, fake):
    import likewise.training

    asked: dict[str, object] = {}

    def train(data: str, out: Path, recipe: str, **settings: object) -> object:
        asked.update(settings, data=data, out=out, recipe=recipe)
        return fake

    monkeypatch.setattr(likewise.training, "train", train)
    done("train", "--out", "m", "--recipe", "tutorial", "--epochs", 3, "--resume")
    assert (asked["data"], asked["out"], asked["recipe"]) == ("mnist/train", Path("m"), "tutorial")
    assert (asked["epochs"], asked["resume"], asked["margin"]) == (3, True, None)


# ------------------------------------------------------------------ as a process of its own

FAKED = """
import signal
import sys
from tests.fakes import install
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in a shell's background ignores it
install(batches=int(sys.argv.pop(1)))
from cli import main
main(prog_name="likewise")
"""


ALL = str(sys.maxsize)


def process(batches: object, *arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    """The command with a fake embedder that waits after some batches until stdin ends."""
    command = [sys.executable, "-c", FAKED, str(batches), *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(command, cwd=ROOT, **pipes)


@pytest.fixture
def copies(tmp_path, scans) -> Path:
    """A list of 4000 pictures."""
    listed = tmp_path / "list.csv"
    lines = [f"{scans}/{place % 40:02}.png,{place}" for place in range(4000)]
    listed.write_text("path,id\n" + "\n".join(lines) + "\n")
    return listed


def wait_for_a_row(path: Path) -> None:
    """Wait until a journal holds a row behind its header."""
    eventually(
        lambda: path.read_bytes().count(b"\n"),
        until=lambda lines: lines > 1,
        retry=FileNotFoundError,
    )


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


def test_an_interrupted_build_says_what_is_there_and_how_to_go_on(tmp_path):
    path = tmp_path / "new.gallery"
    running = process(1, "build", path, "mnist/train")
    eventually(lambda: path.exists() and held(path))
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    *_, counted, last = told.decode().splitlines()
    go_on = f"Go on: likewise add {path} mnist/train"
    assert counted == f"{path} has {held(path)} references so far. {go_on}"
    assert (running.returncode, last) == (130, "Interrupted.")


def held(path: Path) -> int:
    with Gallery.open(path) as gallery:
        return len(gallery)


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_closed_stream_is_no_traceback(gallery, closed):
    sign = {"stdout": ">&-", "stderr": "2>&-"}[closed]
    words = [sys.executable, "-c", FAKED, ALL, "check", str(gallery), "mnist/test/00000"]
    ended = subprocess.run(
        ["sh", "-c", f'"$@" {sign}', "sh", *words], cwd=ROOT, capture_output=True, check=False
    )
    if closed == "stdout":
        assert ended.stderr.startswith(b"Error: stdout is closed")
    else:
        assert (ended.returncode, json.loads(ended.stdout)["id"]) == (0, "mnist/test/00000")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_told_with_what_was_written(gallery):
    words = [sys.executable, "-c", FAKED, ALL, "check", str(gallery), "mnist/test/00000"]
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(words, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ended.stderr.splitlines()[0] == b"Error: stdout: No space left on device"


def test_a_check_on_a_full_disk_says_how_to_go_on(gallery, copies, tmp_path, monkeypatch):
    real = Journal.write

    def full(journal: Journal, rows: list[dict]) -> None:
        if journal.path.stat().st_size > 100_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(journal, rows)

    monkeypatch.setattr(Journal, "write", full)
    told = run("check", gallery, copies, "-o", tmp_path / "rows.csv").stderr.splitlines()
    kept = tmp_path / "rows.csv.partial"
    assert told[0] == f"What is done is kept in {kept}: go on with --resume."
    monkeypatch.setattr(Journal, "write", real)
    resumed = done("check", gallery, copies, "-o", tmp_path / "rows.csv", "--resume")
    assert "were done before" in resumed.stderr


def test_ctrl_c_ends_with_one_line_that_says_how_to_go_on(gallery, copies, tmp_path):
    output = tmp_path / "rows.jsonl"
    running = process(1, "check", gallery, copies, "-o", output)
    wait_for_a_row(Path(f"{output}.partial"))
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert told.decode().splitlines()[-1].startswith("Interrupted.")
    assert b"--resume" in told
    assert b"Traceback" not in told


def test_a_closed_pipe_ends_quietly(gallery, copies):
    running = process(ALL, "check", gallery, copies, stdout=subprocess.PIPE)
    assert running.stdout is not None
    assert running.stdout.readline().startswith(b'{"id":"0"')
    running.stdout.close()
    running.stdout = None
    _, told = running.communicate(timeout=60)
    assert told == b""


def test_help_and_version_import_nothing_heavy():
    code = "import sys, cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert not {"numpy", "faiss", "PIL", "embedder.model"} & set(loaded.stdout.split())


def test_a_query_imports_neither_tensorflow_nor_what_only_other_commands_need(gallery, tmp_path):
    code = (
        "import sys; from tests.fakes import install; install(); from cli import main\n"
        "main(sys.argv[1:], standalone_mode=False); print(*sys.modules)"
    )
    command = [sys.executable, "-c", code, "query", str(gallery), "mnist/test/00000"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ})
    loaded = set(ran.stdout.splitlines()[-1].split())
    assert not {"tensorflow", "keras", "pyarrow", "tqdm", "tabulate", "PIL"} & loaded


def test_completion_comes_from_click():
    asked = {"_LIKEWISE_COMPLETE": "bash_complete", "COMP_WORDS": "likewise ch", "COMP_CWORD": "1"}
    result = CliRunner().invoke(main, [], prog_name="likewise", env=asked)
    assert result.output.split() == ["plain,check"]


def test_a_build_that_fails_leaves_the_place_free_for_the_next_try(tmp_path, folder):
    unlabelled = next(folder.iterdir())
    assert "label" in failure("build", tmp_path / "new.gallery", unlabelled)
    assert not (tmp_path / "new.gallery").exists()


def test_a_table_leaves_labels_that_look_like_numbers_alone(tmp_path, folder):
    one = next(folder.rglob("*.png"))
    run("build", tmp_path / "codes.gallery", folder)
    run("add", tmp_path / "codes.gallery", one, "--label", "007")
    table = run("check", tmp_path / "codes.gallery", one, "-k", "1", "--format", "table")
    assert " 007 " in table.stdout


def test_pictures_of_one_id_in_a_build_are_warned_of(tmp_path, folder):
    result = run("build", tmp_path / "new.gallery", folder, folder)
    assert "Warning: 30 pictures had the id of another one" in result.stderr
    pictures = sorted(folder.glob("*/*.png"))[:2]
    lines = ["path,label,id", *(f"{picture},7,same" for picture in pictures)]
    (tmp_path / "list.csv").write_text("\n".join(lines))
    result = run("build", tmp_path / "listed.gallery", tmp_path / "list.csv")
    assert "Warning: 1 picture had the id of another one" in result.stderr
    assert "In a list, give each row an id of its own." in result.stderr


# ------------------------------------------------------------------ calibrate


def test_calibrate_prints_what_it_measured_and_check_uses_it(gallery):
    result = done("calibrate", gallery, "mnist/test", "--fpir", 0.01)
    point = json.loads(result.stdout)
    assert (point["name"], point["false"], point["queries"]) == ("fpir-0.01", 100, 10_000)
    assert "FPIR 1 %: 100 of 10000 unknowns were matched (95 %: 0.814 %" in result.stderr
    (row,) = rows("check", gallery, "mnist/test/00000")
    assert np.float32(row["threshold"]) == np.float32(point["threshold"])
    (old,) = rows("check", gallery, "mnist/test/00000", "--at", "eer")
    assert old["threshold"] == 0.5


def test_a_calibrated_answer_is_the_same_in_python(gallery, queries):
    done("calibrate", gallery, "--fpir", 0.05, "--per-group", "--min-margin", 0.01)
    printed = rows("check", gallery, "mnist/test/00000", "mnist/test/00001", "--evidence")
    with Matcher.open(gallery) as matcher:
        answers = matcher.check(
            [query.pixels() for query in queries[:2]], CheckOptions(evidence=True)
        )
    for row, answer in zip(printed, answers, strict=True):
        assert (row["decision"], row["label"]) == (answer.decision, answer.label)
        assert np.float32(row["threshold"]) == np.float32(answer.threshold)
        assert row["p_value"] == answer.p_value


def test_evidence_is_a_column_of_check_and_of_query(gallery):
    done("calibrate", gallery, "--fpir", 0.05)
    for command, after in (("check", "threshold"), ("query", "id")):
        printed = done(command, gallery, "mnist/test/00000", "--evidence", "--format", "csv")
        head, line = csv.reader(printed.stdout.splitlines())
        place = head.index("p_value")
        assert head[place - 1] == after
        assert 0 < float(line[place]) <= 1


def test_evidence_without_a_calibration_is_one_sentence(gallery):
    assert "'eer'" in failure("check", gallery, "mnist/test/00000", "--evidence")


def test_a_changed_gallery_is_warned_of_by_check_and_info(gallery, folder):
    done("calibrate", gallery, "--fpir", 0.05)
    assert "Warning" not in done("check", gallery, "mnist/test/00000").stderr
    done("add", gallery, folder)
    told = done("check", gallery, "mnist/test/00000").stderr
    assert "Warning: the gallery has changed since 'fpir-0.05' was calibrated" in told
    assert told.splitlines()[0].endswith(f"likewise calibrate {gallery} --fpir 0.05")
    assert "300 references then, 330 now" in told
    assert "Warning: the gallery has changed" in done("info", gallery).stdout
    (described,) = rows("info", gallery, "--format", "json")
    assert list(described["outdated"]) == ["fpir-0.05"]
    assert "Warning" not in done("check", gallery, "mnist/test/00000", "--threshold", 1).stderr


def test_resume_notices_another_operating_point(gallery, scans, tmp_path):
    output = tmp_path / "rows.jsonl"
    interrupted(gallery, scans, output)
    with Gallery.open(gallery) as opened:
        opened.points.store("same", OperatingPoint(threshold=0.5))
    told = failure("check", gallery, scans, "-o", output, "--resume")
    assert "its operating point was 'eer', not 'same'" in told
    done("check", gallery, scans, "-o", output, "--resume", "--at", "eer")


@pytest.mark.parametrize(
    "options",
    [
        ("calibrate", "GALLERY"),
        ("calibrate", "GALLERY", "--fpir", 2),
        ("check", "GALLERY", "mnist/test/00000", "--at", "eer", "--threshold", 1),
        ("query", "GALLERY", "mnist/test/00000", "--at", "eer"),
        ("compare", "mnist/test/00000", "mnist/test/00001", "--at", "eer"),
    ],
)
def test_wrong_usage_of_operating_points_ends_with_2(gallery, options):
    assert run(*(gallery if word == "GALLERY" else word for word in options)).exit_code == 2


def test_costs_need_all_three_numbers(gallery):
    told = failure("calibrate", gallery, "--cost-false-match", 10)
    assert "not given: the cost of a miss and the share of unknowns" in told


def test_compare_judges_a_pair_by_the_operating_point_that_is_named(gallery):
    done("calibrate", gallery, "--fmr", 0.01)
    pair = ("compare", "mnist/test/00000", "mnist/test/00017", "--gallery", gallery)
    (calibrated,), (old,) = rows(*pair), rows(*pair, "--at", "eer")
    assert np.float32(calibrated["threshold"]) < old["threshold"] == 0.5


def test_calibrate_with_nothing_readable_says_why(gallery, scans):
    assert "not a picture" in failure(
        "calibrate", gallery, "--unknown", scans / "06.png", "--fpir", 0.1
    )


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
def test_every_output_spells_a_name_that_is_no_utf_8_alike(gallery, scans, tmp_path, ending):
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


def test_what_people_read_shows_control_characters_instead_of_obeying_them(gallery, scans):
    name = "seven\x1b[2J\n.png"
    shutil.copy(scans / "00.png", scans.parent / name)
    done("add", gallery, scans.parent / name, "--label", "7\x1b[31m")
    told = done("info", gallery).stdout + done("doctor", gallery).stdout
    told += run("query", gallery, scans.parent / name, "--pictures").stdout
    told += run("check", gallery, f"{scans.parent / name}x*", "--format", "table").stderr
    assert r"7\x1b[31m: 1" in told
    assert "\x1b" not in told
