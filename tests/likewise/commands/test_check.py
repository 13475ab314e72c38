"""`likewise check`, with rows on stdout."""

from __future__ import annotations

import json
import shutil

from likewise.matcher import Matcher
from tests.likewise.commands.running import (
    done,
    failure,
    rows,
    run,
)


def test_check_prints_rows_in_input_order_and_a_summary_on_stderr(gallery, scans):
    result = done("check", gallery, scans, "--threshold", 0.3)
    results = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["id"] for row in results] == [f"{place:02}.png" for place in range(40)]
    assert {row["decision"] for row in results} == {"match", "no_match", "error"}
    assert result.stderr.startswith("40 pictures: ")
    assert "2 unreadable" in result.stderr


def test_no_match_is_an_answer(gallery):
    (row,) = rows("check", gallery, "mnist/test/00000", "--threshold", 0)
    assert (row["decision"], row["label"], row["threshold"]) == ("no_match", None, 0.0)


def test_check_takes_paths_from_stdin(gallery, scans):
    listed = f"{scans / '01.png'}\n{scans / 'gone.png'}\nmnist/test/00002\n"
    result = rows("check", gallery, "-", input=listed)
    assert [row["id"] for row in result] == listed.split()
    assert (result[1]["decision"], result[1]["reason"]) == ("error", "no such file")


def test_check_for_one_group(gallery):
    (row,) = rows("check", gallery, "mnist/train/00000", "--group", "5")
    assert (row["decision"], row["distance"]) == ("match", 0.0)
    (row,) = rows("check", gallery, "mnist/train/00000", "--group", "0")
    assert row["decision"] == "no_match"
    assert "'cat'" in failure("check", gallery, "mnist/train/00000", "--group", "cat")


def test_a_zip_is_checked_as_the_folder_that_was_packed(gallery, scans):
    packed = shutil.make_archive(str(scans), "zip", scans)
    assert rows("check", gallery, packed) == rows("check", gallery, scans)


def test_an_empty_gallery_is_one_line(tmp_path, fake):
    Matcher.create(tmp_path / "empty.gallery", fake).close()
    assert "likewise add" in failure("check", tmp_path / "empty.gallery", "mnist/test/00000")


def test_an_empty_list_on_stdin_is_one_sentence(gallery, tmp_path):
    for to in ([], ["-o", tmp_path / "rows.jsonl"]):
        result = done("check", gallery, "-", *to, input=b"")
        assert (result.stdout, result.stderr) == (
            "",
            "The input has no pictures: nothing was checked.\n",
        )
    assert (tmp_path / "rows.jsonl").read_bytes() == b""


def test_a_table_leaves_labels_that_look_like_numbers_alone(tmp_path, folder):
    item = next(folder.rglob("*.png"))
    run("build", tmp_path / "codes.gallery", folder)
    run("add", tmp_path / "codes.gallery", item, "--label", "007")
    table = run("check", tmp_path / "codes.gallery", item, "-k", "1", "--format", "table")
    assert " 007 " in table.stdout


def test_a_changed_gallery_is_warned_of_by_check_and_info(gallery, folder):
    done("calibrate", gallery, "--fpir", 0.05)
    assert "has changed" not in done("check", gallery, "mnist/test/00000").stderr
    done("add", gallery, folder)
    output = done("check", gallery, "mnist/test/00000").stderr
    assert "Warning: the gallery has changed since 'fpir-0.05' was calibrated" in output
    assert output.splitlines()[0].endswith(f"likewise calibrate {gallery} --fpir 0.05")
    assert "300 references then, 330 now" in output
    assert "Warning: the gallery has changed" in done("info", gallery).stdout
    (described,) = rows("info", gallery, "--format", "json")
    assert list(described["outdated"]) == ["fpir-0.05"]
    assert "Warning" not in done("check", gallery, "mnist/test/00000", "--threshold", 1).stderr
