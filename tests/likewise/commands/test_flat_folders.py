"""Folders of pictures without labels."""

from __future__ import annotations

import csv
import json
import shlex

import pytest

from index.gallery import Gallery
from tests.likewise.commands.running import done, failure, held, rows, run

UNREADABLE = 2  # of the forty scans


def labels(gallery) -> dict[str, int]:
    with Gallery.open(gallery) as opened:
        return opened.labels


@pytest.mark.parametrize("command", ["build", "add"])
def test_a_refused_folder_is_led_to_its_options_by_its_own_path(tmp_path, gallery, scans, command):
    path = gallery if command == "add" else tmp_path / "scans.gallery"
    output = failure(command, path, scans)
    assert "00.png has no label, and a reference needs one: give a folder per label" in output
    assert f"likewise {command} {path} {scans} --unlabelled, to search them" in output
    assert "--label-each, each a group of its own" in output


def test_the_advice_works_as_it_stands(tmp_path, fake, scans):
    output = failure("build", tmp_path / "g", scans)
    command = output[output.index("likewise build") : output.index(", to search")]
    done(*shlex.split(command)[1:])
    assert held(tmp_path / "g") == 40 - UNREADABLE


def test_the_advice_keeps_the_split(tmp_path, fake, scans):
    scans.rename(tmp_path / "train")
    output = failure("build", tmp_path / "g", tmp_path, "--split", "train", "--label-level", "2")
    assert f"{tmp_path} --split train --unlabelled" in output


def test_each_picture_is_a_group_of_its_own(tmp_path, fake, scans):
    output = done("build", tmp_path / "g", scans, "--label-each").stderr
    known = 40 - UNREADABLE
    assert f"{known} references of {known} groups" in output
    names = {f"{place:02}" for place in range(40)} - {"05", "06"}
    assert labels(tmp_path / "g") == dict.fromkeys(sorted(names), 1)
    [row] = rows("check", tmp_path / "g", scans / "07.png", "-k", 1)
    assert (row["decision"], row["label"], row["distance"]) == ("match", "07", 0.0)


def test_labels_of_folders_give_way_to_names(tmp_path, fake, folder):
    done("build", tmp_path / "g", folder, "--label-each")
    stems = {f"{path.parent.name}/{path.stem}" for path in folder.rglob("*.png")}
    assert set(labels(tmp_path / "g")) == stems


def test_build_gives_all_pictures_one_label_as_add_does(tmp_path, fake, scans):
    done("build", tmp_path / "g", scans, "--label", "scanned")
    assert labels(tmp_path / "g") == {"scanned": 40 - UNREADABLE}


def test_an_interrupted_build_goes_on_with_its_labels(gallery, scans):
    output = failure("build", gallery, scans, "--label", "a b")
    assert f"Add to it: likewise add {gallery} {scans} --label 'a b'" in output


@pytest.mark.parametrize("command", ["build", "add"])
@pytest.mark.parametrize(
    "words",
    [
        ("--label", "a", "--label-each"),
        ("--label-each", "--unlabelled"),
        ("--label", "a", "--label-level", "1"),
        ("--label-each", "--label-from", "(?P<label>.)"),
    ],
)
def test_two_ways_to_label_are_one_too_many(tmp_path, scans, command, words):
    result = run(command, tmp_path / "g", scans, *words)
    assert result.exit_code == 2
    assert (
        "Use only one of --label, --label-each, --unlabelled, --label-level and --label-from."
        in result.stderr
    )


def test_pictures_of_two_folders_under_one_label_can_be_renamed(tmp_path, fake, queries):
    from PIL import Image

    for name, record in zip(("a", "b"), queries[:2], strict=True):
        (tmp_path / name).mkdir()
        Image.fromarray(record.pixels()).save(tmp_path / name / "1.png")
    folders = (tmp_path / "a", tmp_path / "b")
    done("build", tmp_path / "g", *folders, "--label", "x", "--on-conflict", "rename")
    with Gallery.open(tmp_path / "g") as opened:
        assert list(opened.ids()) == ["1.png", f"{tmp_path}/b/1.png"]


@pytest.fixture
def bare(tmp_path, fake, scans):
    """A gallery of the scans without labels."""
    output = done("build", tmp_path / "bare", scans, "--unlabelled").stderr
    known = 40 - UNREADABLE
    assert f"{known} references without labels in {tmp_path}" in output
    assert f"no groups to check: likewise query {tmp_path}/bare PICTURES" in output
    return tmp_path / "bare"


def test_pictures_without_labels_are_found_by_query(bare, scans):
    [row] = rows("query", bare, scans / "07.png", "-k", 2)
    assert row["neighbours"][0] == {"rank": 1, "id": "07.png", "label": None, "distance": 0.0}
    [line] = csv.DictReader(
        done("query", bare, scans / "07.png", "-k", 1, "--format", "csv").stdout.splitlines()
    )
    assert (line["neighbour_1_id"], line["neighbour_1_label"]) == ("07.png", "")
    assert "07.png" in done("query", bare, scans / "07.png", "--format", "table").stdout


def test_their_duplicates_are_found_by_the_doctor(bare, scans):
    (scans / "copy.png").write_bytes((scans / "07.png").read_bytes())
    assert "1 added" in done("add", bare, scans, "--unlabelled").stderr
    output = done("doctor", bare).stdout
    assert output.startswith(f"{41 - UNREADABLE} references without labels: intact.")
    assert "07.png, copy.png" in output
    assert "1 vector with several ids" in output


@pytest.mark.parametrize("words", [[], ["--threshold", "0.5"], ["-o", "rows.csv"]])
def test_check_says_that_it_lacks_groups_and_what_to_do(bare, scans, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output = failure("check", bare, scans, *words)
    assert "has no groups to decide between" in output
    assert f"likewise query {bare} PICTURES" in output
    assert not list(tmp_path.glob("rows.csv*"))


@pytest.mark.parametrize("command", ["calibrate", "evaluate"])
def test_measuring_needs_groups_too(bare, folder, tmp_path, command):
    words = ["--fpir", "0.1"] if command == "calibrate" else ["--out", tmp_path / "report"]
    assert "has no groups to decide between" in failure(command, bare, folder, *words)


def test_info_counts_them(bare, folder):
    assert json.loads(done("info", bare, "--format", "json").stdout)["unlabelled"] == 38
    assert "references: 38 in 0 groups, 38 of them without labels" in done("info", bare).stdout
    output = done("add", bare, folder).stderr
    groups = len(list(folder.iterdir()))
    assert f"68 references of {groups} groups, 38 of them without labels in {bare}" in output


def test_labels_of_a_data_set_are_dropped(tmp_path, fake):
    done("build", tmp_path / "g", "mnist/test/00000", "--unlabelled")
    assert (held(tmp_path / "g"), labels(tmp_path / "g")) == (1, {})


def test_a_label_is_given_later_by_replacing(bare, scans):
    assert "another picture or label" in failure("add", bare, scans, "--label", "seven")
    done("add", bare, scans, "--label", "seven", "--on-conflict", "replace")
    assert labels(bare) == {"seven": 40 - UNREADABLE}


def test_adding_them_again_changes_nothing(bare, scans):
    assert "0 added, 0 replaced, 38 unchanged" in done("add", bare, scans, "--unlabelled").stderr


def test_check_passes_them_over_beside_labelled_ones(bare, folder, scans):
    before = rows("check", done_build(folder, bare.parent / "g"), scans)
    done("add", bare, folder)
    assert rows("check", bare, scans) == before
    assert rows("check", bare, scans, "--group", "7")


def done_build(folder, path):
    done("build", path, folder)
    return path
