"""Kaggle's CSV of pixels."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from embedder.data.sources import load, records
from embedder.errors import DatasetError, ImageError
from tests.embedder.data.sources import pixels, rows


def kaggle(labelled: bool, side: int = 3) -> str:
    header = ["label"] * labelled + [f"pixel{i}" for i in range(side * side)]
    lines = [",".join(header)]
    for row in range(4):
        values = [row] * labelled + [(row * 50 + i) % 256 for i in range(side * side)]
        lines.append(",".join(map(str, values)))
    return "\n".join(lines) + "\n"


def test_kaggles_training_and_test_files(tmp_path):
    for name, labelled in (("train.csv", True), ("test.csv", False)):
        (tmp_path / name).write_text(kaggle(labelled))
        assert rows(tmp_path / name)[1] == (f"{name}/2", "1" if labelled else None)
        read = pixels(tmp_path / name)
        assert read.shape == (4, 3, 3)
        np.testing.assert_array_equal(read[2].ravel(), 100 + np.arange(9))


@pytest.mark.parametrize("order", [sorted, lambda names: names[::-1]])
def test_columns_of_pixels_go_by_their_numbers_not_by_their_places(tmp_path, order):
    names = [f"pixel{i}" for i in range(16)]
    lines = [",".join(["label", *order(names)])]  # sorted as text: pixel0, pixel1, pixel10, ...
    lines.append(",".join(["a", *(str(100 + int(name[5:])) for name in order(names))]))
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    np.testing.assert_array_equal(pixels(tmp_path / "t.csv")[0].ravel(), 100 + np.arange(16))


def test_kaggles_file_may_be_gzipped_quoted_and_end_its_lines_as_windows_does(tmp_path):
    text = kaggle(True).replace("\n", "\r\n").replace("label", '"label"')
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(text.encode("utf-8-sig")))
    assert rows(tmp_path / "t.csv.gz")[3] == ("t.csv/4", "3")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2,100,101", "2,100,1o1", "row 3: expected 9 pixels of 0..255, but it holds '1o1'"),
        ("2,100,101", "2,100,256", "row 3: expected 9 pixels of 0..255, but it holds '256'"),
        ("2,100,101", "2,100", "row 3: expected 9 pixels of 0..255, but it has 8"),
        ("2,100,101", "2,-1,101", "row 3: expected 9 pixels of 0..255, but it holds '-1'"),
        ("2,100,101,102,103,104,105,106,107,108", "2", "row 3: expected 9 pixels .* has 1"),
    ],
)
def test_a_damaged_row_of_pixels_is_a_record_without_a_picture(tmp_path, old, new, message):
    (tmp_path / "train.csv").write_text(kaggle(True).replace(old, new))
    read = list(records(tmp_path / "train.csv"))
    assert [(record.id, record.label) for record in read[2:]] == [
        ("train.csv/3", "2"),
        ("train.csv/4", "3"),
    ]
    with pytest.raises(ImageError, match=message):
        read[2].pixels()
    np.testing.assert_array_equal(read[3].pixels().ravel(), 150 + np.arange(9))
    with pytest.raises(DatasetError, match=message):
        load(tmp_path / "train.csv")


@pytest.mark.parametrize("header", ["label,pixel0,pixel1", "pixel0,label,pixel1"])
def test_a_quote_that_never_ends_is_a_damaged_row(tmp_path, header):
    rows = [f"{header},pixel2,pixel3", "1,1,1,1,1", '"' + "1" * 200_000, "1,1,1,1,1"]
    (tmp_path / "train.csv").write_text("\n".join(rows))
    first, damaged, last = records(tmp_path / "train.csv")
    assert first.pixels().tolist() == last.pixels().tolist() == [[255, 255], [255, 255]]
    with pytest.raises(ImageError, match="row 2: expected 4 pixels"):
        damaged.pixels()


def test_a_table_whose_number_of_pixels_is_no_square_is_refused_before_anything(tmp_path):
    (tmp_path / "train.csv").write_text(kaggle(True).replace(",pixel8", ""))
    with pytest.raises(DatasetError, match="should have a square number of pixel columns"):
        records(tmp_path / "train.csv")


def test_a_table_of_damaged_rows_alone_is_refused_before_anything(tmp_path):
    message = "row 1: expected 9 pixels of 0..255, but it holds 'x'"
    damaged = kaggle(True).replace("0,0,1,2", "0,0,1,x")
    (tmp_path / "train.csv").write_text(damaged)
    first, *others = records(tmp_path / "train.csv")
    assert str(first.image).startswith(message)
    assert not any(isinstance(record.image, ImageError) for record in others)
    (tmp_path / "train.csv").write_text("\n".join(damaged.splitlines()[:2]))
    with pytest.raises(DatasetError, match=message):
        records(tmp_path / "train.csv")
