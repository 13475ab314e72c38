from __future__ import annotations

import json

import pytest
from PIL import Image

from embedder.data.label_rule import NO_LABELS
from embedder.errors import DatasetError, ImageError, UnreadFormatError
from likewise.commands.non_digits import non_digits
from likewise.inputs import read_inputs


def test_sources_follow_one_another(scans):
    records = list(read_inputs([str(scans / "00.png"), "mnist/test/00003", str(scans)]))
    assert [record.id for record in records[:3]] == [
        str(scans / "00.png"),
        "mnist/test/00003",
        "00.png",
    ]
    assert len(records) == 2 + 40


def test_a_dash_stands_for_the_listed_paths_and_blank_lines_for_none():
    records = list(read_inputs(["-"], ["a b.png\n", "\r\n", "mnist/test/00003\n"]))
    assert [record.id for record in records] == ["a b.png", "mnist/test/00003"]


def test_a_listed_digit_that_does_not_exist_is_a_record_without_a_picture():
    first, second = read_inputs(["-"], ["mnist/test/10000", "mnist/test/00003"])
    assert (first.id, second.id) == ("mnist/test/10000", "mnist/test/00003")
    with pytest.raises(ImageError, match="pictures 00000 to 09999"):
        first.pixels()


def test_a_misspelt_source_fails_before_the_first_picture_is_given(scans):
    with pytest.raises(DatasetError, match="no-such-folder"):
        read_inputs([str(scans), "no-such-folder"])


def test_a_missing_picture_among_the_sources_fails_at_once():
    with pytest.raises(DatasetError, match=r"gone\.png"):
        read_inputs(["gone.png"])


def test_pictures_are_counted_for_the_progress_bar(scans, tmp_path):
    rows = [{"path": str(path), "label": "x"} for path in scans.iterdir()]
    (tmp_path / "list.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "list.csv").write_text("path\n" + "".join(f"{row['path']}\n" for row in rows))
    sources = [str(tmp_path / "list.jsonl"), str(tmp_path / "list.csv"), f"{scans}/0*.png"]
    assert read_inputs([*sources, "mnist/test"]).count() == 40 + 40 + 10 + 10_000


def test_what_cannot_be_counted_soon_is_not_counted():
    assert read_inputs(["mnist/test", "-"]).count() is None


def test_pictures_that_are_no_digits_have_no_label_and_differ():
    odd = list(non_digits())
    assert {record.label for record in odd} == {None}
    assert len({record.pixels().tobytes() for record in odd}) == len(odd) == 14


@pytest.mark.parametrize(
    ("name", "content"), [("note.txt", b"milk"), ("model.mat", b"MATLAB 5.0 MAT-file")]
)
def test_a_file_of_another_kind_is_refused_alone_and_an_error_row_beside_others(
    tmp_path, name, content
):
    (tmp_path / name).write_bytes(content)
    Image.new("L", (28, 28)).save(tmp_path / "a.png")
    other, picture = str(tmp_path / name), str(tmp_path / "a.png")
    with pytest.raises(UnreadFormatError, match="which is not read"):
        read_inputs([other], rule=NO_LABELS)
    rows = list(read_inputs([picture, other], rule=NO_LABELS))
    assert [row.id for row in rows] == [picture, other]
    with pytest.raises(ImageError, match=r"not a picture|which is not read"):
        rows[1].pixels()
    with pytest.raises(UnreadFormatError):  # as references or training data it is a mistake
        read_inputs([picture, other])
