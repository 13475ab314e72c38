"""Folders of pictures without labels."""

from __future__ import annotations

import shlex

import pytest

from index.gallery import Gallery
from tests.likewise.commands.running import done, failure, rows, run

UNREADABLE = 2  # of the forty scans


def labels(gallery) -> dict[str, int]:
    with Gallery.open(gallery) as opened:
        return opened.labels


@pytest.mark.parametrize("command", ["build", "add"])
def test_a_refused_folder_is_led_to_its_options_by_its_own_path(tmp_path, gallery, scans, command):
    path = gallery if command == "add" else tmp_path / "scans.gallery"
    told = failure(command, path, scans)
    assert "00.png has no label, and a reference needs one: give a folder per label" in told
    assert f"likewise {command} {path} {scans} --label-each, each a group of its own" in told


def test_the_advice_works_as_it_stands(tmp_path, fake, scans):
    told = failure("build", tmp_path / "g", scans)
    command = told[told.index("likewise build") : told.index(", each a group")]
    done(*shlex.split(command)[1:])
    assert len(labels(tmp_path / "g")) == 40 - UNREADABLE


def test_the_advice_keeps_the_split(tmp_path, fake, scans):
    scans.rename(tmp_path / "train")
    told = failure("build", tmp_path / "g", tmp_path, "--split", "train", "--label-level", "2")
    assert f"{tmp_path} --split train --label-each" in told


def test_each_picture_is_a_group_of_its_own(tmp_path, fake, scans):
    told = done("build", tmp_path / "g", scans, "--label-each").stderr
    known = 40 - UNREADABLE
    assert f"{known} references of {known} groups" in told
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
    told = failure("build", gallery, scans, "--label", "a b")
    assert f"Add to it: likewise add {gallery} {scans} --label 'a b'" in told


@pytest.mark.parametrize("command", ["build", "add"])
@pytest.mark.parametrize(
    "words",
    [
        ("--label", "a", "--label-each"),
        ("--label", "a", "--label-level", "1"),
        ("--label-each", "--label-from", "(?P<label>.)"),
    ],
)
def test_two_ways_to_label_are_one_too_many(tmp_path, scans, command, words):
    result = run(command, tmp_path / "g", scans, *words)
    assert result.exit_code == 2
    assert "Give one of --label, --label-each, --label-level and --label-from." in result.stderr


def test_pictures_of_two_folders_under_one_label_can_be_renamed(tmp_path, fake, queries):
    from PIL import Image

    for name, record in zip(("a", "b"), queries[:2], strict=True):
        (tmp_path / name).mkdir()
        Image.fromarray(record.pixels()).save(tmp_path / name / "1.png")
    folders = (tmp_path / "a", tmp_path / "b")
    done("build", tmp_path / "g", *folders, "--label", "x", "--on-conflict", "rename")
    with Gallery.open(tmp_path / "g") as opened:
        assert list(opened.ids()) == ["1.png", f"{tmp_path}/b/1.png"]
