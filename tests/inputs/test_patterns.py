"""Patterns read what folders read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from embedder.data.sources import records
from embedder.errors import DatasetError
from tests.inputs.trees import png, tree


@pytest.fixture
def top(tmp_path) -> Path:
    folder = tree(tmp_path / "in", ["a/1.png", "a/2.PNG", "b/3.jpg", "b/README", "b/notes.txt"])
    (folder / "b" / "scan").write_bytes(png())
    return folder


def names(pattern: Path) -> list[str]:
    return [Path(record.id).name for record in records(pattern)]


@pytest.mark.parametrize("pattern", ["**/*.png", "**/*.PNG", "**/*.Png"])
def test_the_ending_of_a_pattern_matches_in_capitals_too(top, pattern):
    assert names(top / pattern) == ["1.png", "2.PNG"]


def test_a_pattern_without_an_ending_passes_over_what_a_folder_does(top):
    stream = records(top / "*" / "*")
    assert [Path(record.id).name for record in stream] == ["1.png", "2.PNG", "3.jpg", "scan"]
    assert "2 files not named as a picture (1 without an ending, 1 .txt)" in stream.notes[0]
    assert sorted(names(top / "**" / "*")) == sorted(
        Path(record.id).name for record in records(top)
    )


def test_a_pattern_that_names_another_ending_is_taken_at_its_word(top):
    (top / "b" / "4.dat").write_bytes(png())
    [record] = records(top / "*" / "*.dat")
    assert record.pixels().shape


def test_links_are_read_once_in_their_own_place(top):
    (top / "a" / "0.png").symlink_to(top / "a" / "1.png")
    (top / "c").symlink_to(top / "a")
    stream = records(top / "**" / "*.png")
    assert [os.path.relpath(record.id, top) for record in stream] == [
        "a/0.png", "a/1.png", "a/2.PNG",
    ]  # fmt: skip
    assert "3 links to what is read in its own place" in stream.notes[0]


def test_a_link_to_elsewhere_is_a_picture(top, tmp_path):
    (tmp_path / "elsewhere.png").write_bytes(png())
    (top / "a" / "0.png").symlink_to(tmp_path / "elsewhere.png")
    assert names(top / "a" / "*.png") == ["0.png", "1.png", "2.PNG"]


def test_no_match_says_what_is_there(top):
    with pytest.raises(DatasetError, match=r"No picture matches .* 1 file not named as a picture"):
        records(top / "b" / "n*")
    with pytest.raises(DatasetError, match="check the pattern"):
        records(top / "b" / "*.gif")
