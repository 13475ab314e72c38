"""Tables written by pandas, Excel, Kaggle, R and PowerShell are read, or refused briefly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from embedder.data.label_rule import NO_LABELS
from embedder.data.pixel_tables import pixel_records
from embedder.data.sources import records
from embedder.data.text_lines import text_lines
from embedder.errors import DatasetError, ImageError

PAIRS = [("a.png", "cat"), ("b.png", "dog")]

# A list of two pictures, a cat and a dog.
LISTS: dict[str, tuple[str, str]] = {
    "commas": ("csv", "path,label\na.png,cat\nb.png,dog\n"),
    "label first": ("csv", "label,path\ncat,a.png\ndog,b.png\n"),
    "a German Excel": ("csv", "path;label\r\na.png;cat\r\nb.png;dog\r\n"),
    "Excel with its separator": ("csv", "sep=;\r\npath;label\r\na.png;cat\r\nb.png;dog\r\n"),
    "empty columns and rows of Excel": ("csv", "path,label,,\na.png,cat,,\nb.png,dog,,\n,,,\n"),
    "rows with too many separators": ("csv", "path,label\na.png,cat,\nb.png,dog,,\n"),
    "tabs": ("tsv", "path\tlabel\na.png\tcat\nb.png\tdog\n"),
    "tabs in a CSV": ("csv", "path\tlabel\na.png\tcat\nb.png\tdog\n"),
    "bars": ("csv", "path|label\na.png|cat\nb.png|dog\n"),
    "the index of pandas": ("csv", ",path,label\n0,a.png,cat\n1,b.png,dog\n"),
    "the index of pandas, twice": ("csv", "Unnamed: 0,path,label\n0,a.png,cat\n1,b.png,dog\n"),
    "Kaggle's names": ("csv", "image,category\na.png,cat\nb.png,dog\n"),
    "filename and class": ("csv", "filename,class\na.png,cat\nb.png,dog\n"),
    "capitals": ("csv", "Path,Label\na.png,cat\nb.png,dog\n"),
    "spaces in the header": ("csv", "File Name, Class Name\na.png,cat\nb.png,dog\n"),
    "PowerShell": (
        "csv",
        '#TYPE System.Object\n"FullName","Class"\n"a.png","cat"\n"b.png","dog"\n',
    ),
    "paths of Windows": ("csv", "path,label\n.\\a.png,cat\n.\\b.png,dog\n"),
    "paths of Windows as JSON": (
        "jsonl",
        r'{"path": ".\\a.png", "label": "cat"}' + "\n" + r'{"path": ".\\b.png", "label": "dog"}',
    ),
    "a space behind each comma": ("csv", "label, path\ncat, a.png\ndog, b.png\n"),
    "JSON lines": ("jsonl", '{"file": "a.png", "class": "cat"}\n{"file": "b.png", "class": "dog"}'),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(("ending", "text"), LISTS.values(), ids=LISTS)
def test_a_list_is_read_from_any_writer(tmp_path, ending, text, encoding):
    (tmp_path / f"list.{ending}").write_text(text, encoding)
    read = list(records(tmp_path / f"list.{ending}"))
    assert [(record.id, record.label) for record in read] == PAIRS
    assert [record.image for record in read] == [tmp_path / id for id, _ in PAIRS]
    assert [dict(record.metadata) for record in read] == [{}, {}]


def test_a_backslash_stays_where_a_file_has_one_in_its_name(tmp_path):
    (tmp_path / "a\\b.png").touch()
    (tmp_path / "l.csv").write_text("path,label\na\\b.png,cat\na\\c.png,cat\n")
    assert [record.id for record in records(tmp_path / "l.csv")] == ["a\\b.png", "a/c.png"]


def test_the_plain_names_come_before_all_others(tmp_path):
    (tmp_path / "l.csv").write_text("image,path,class,label\nx,a.png,y,cat\n")
    [record] = records(tmp_path / "l.csv")
    assert (record.id, record.label) == ("a.png", "cat")
    assert record.metadata == {"image": "x", "class": "y"}


ROW = [3, 1, 240, 1]  # the pixels of a picture of 2 x 2
NAMES = "pixel0 pixel1 pixel2 pixel3"

# A table of one picture labelled 7, in cells to be separated.
TABLES: dict[str, tuple[str, str]] = {
    "Kaggle": (f"label {NAMES}", "7 3 1 240 1"),
    "the label last": (f"{NAMES} label", "3 1 240 1 7"),
    "OpenML": (f"{NAMES} class", "3 1 240 1 7"),
    "the label amid": ("pixel0 pixel1 label pixel2 pixel3", "3 1 7 240 1"),
    "a capital": (f"Label {NAMES}", "7 3 1 240 1"),
    "numbered from 1": ("label 1x1 1x2 2x1 2x2", "7 3 1 240 1"),
    "pandas without names": ("0 1 2 3 label", "3 1 240 1 7"),
    "the index of pandas": (f'"" label {NAMES}', "0 7 3 1 240 1"),
    "R": ("V1 V2 V3 V4 target", "3 1 240 1 7"),
    "all quoted": (
        f'"label" "{NAMES.replace(" ", chr(34) + " " + chr(34))}"',
        '"7" "3" "1" "240" "1"',
    ),
    "a float as label": (f"label {NAMES}", "7.0 3 1 240 1"),
}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(("header", "row"), TABLES.values(), ids=TABLES)
def test_a_table_of_pixels_is_read_from_any_writer(tmp_path, header, row, separator):
    path = tmp_path / "t.csv"
    path.write_text(f"{header}\n{row}\n{row}\n".replace(" ", separator))
    assert [record.label for record in records(path)] == ["7", "7"]
    for read in (records(path), pixel_records(path, "t.csv")):
        first, second = read
        assert (first.id, second.id) == ("t.csv/1", "t.csv/2")
        np.testing.assert_array_equal(first.pixels().ravel(), ROW)


# The same picture with all its pixels in one cell: of a table with commas, once and again.
CELLS: dict[str, tuple[str, str]] = {
    "FER2013": ("emotion,pixels,Usage", "7,3 1 240 1,Training"),
    "FER2013 anew": ("emotion, Usage, pixels", "7,Training,3 1 240 1"),
    "the facial keypoints of Kaggle": ("Usage,label,Image", "Training,7,3 1 240 1"),
    "several spaces": ("label,pixels,Usage", "7, 3  1 240 1 ,Training"),
    "a list of Python": ("label,pixels,Usage", '7,"[3, 1, 240, 1]",Training'),
    "an array of NumPy": ("label,pixels,Usage", '7,"[[  3   1]\n [240   1]]",Training'),
    "commas in quotes": ("label,pixel,Usage", '7,"3,1,240,1",Training'),
    "a float as label": ("label,pixels,Usage", "7.0,3 1 240 1,Training"),
    "the index of pandas": (",label,pixels,Usage", "0,7,3 1 240 1,Training"),
}


@pytest.mark.parametrize(("header", "row"), CELLS.values(), ids=CELLS)
def test_a_table_with_all_pixels_in_a_cell_is_read_from_any_writer(tmp_path, header, row):
    path = tmp_path / "t.csv"
    path.write_text(f"{header}\n{row}\n{row}\n")
    assert [record.label for record in records(path)] == ["7", "7"]
    for read in (records(path), pixel_records(path, "t.csv")):
        first, second = read
        assert (first.id, second.id) == ("t.csv/1", "t.csv/2")
        assert first.metadata == second.metadata == {"Usage": "Training"}
        np.testing.assert_array_equal(second.pixels().ravel(), ROW)


def test_cells_may_be_separated_otherwise_and_pixels_stand_alone(tmp_path):
    (tmp_path / "t.csv").write_text("label;pixels\n7;3,1,240,1\n")
    (tmp_path / "test.csv").write_text("pixels\n3 1 240 1\n")
    for name in ("t.csv", "test.csv"):
        [record] = records(tmp_path / name)
        np.testing.assert_array_equal(record.pixels().ravel(), ROW)


def test_a_damaged_row_among_cells_of_pixels_is_a_record_without_a_picture(tmp_path):
    rows = {"7,3 1 240 1": None, "7,3 1 x 1": "holds 'x'", "8": "has 1", "9,3 1": "has 2"}
    (tmp_path / "t.csv").write_text("\n".join(["emotion,pixels", *rows, "9,1 1 1 1"]))
    *read, last = records(tmp_path / "t.csv")
    for number, (record, reason) in enumerate(zip(read, rows.values(), strict=True), start=1):
        assert record.id == f"t.csv/{number}"
        if reason:
            with pytest.raises(ImageError, match=rf"row {number}: .*{reason}.*: repair or remove"):
                record.pixels()
    assert (last.label, last.pixels().tolist()) == ("9", [[1, 1], [1, 1]])


def test_a_column_of_paths_stays_one_beside_a_column_of_numbers(tmp_path):
    (tmp_path / "l.csv").write_text("path,label,pixels\na.png,cat,28 28\n")
    [record] = records(tmp_path / "l.csv")
    assert (record.image, record.metadata) == (tmp_path / "a.png", {"pixels": "28 28"})


def test_a_thousand_cells_of_pixels_are_in_memory_at_a_time(tmp_path, monkeypatch):
    (tmp_path / "t.csv").write_text("pixels\n" + "3 1 240 1\n" * 5000)
    drawn = []  # lines, by each pass over the file

    def counted(path, keep_ends):
        drawn.append(0)
        for line in text_lines(path, keep_ends):
            drawn[-1] += 1
            yield line

    monkeypatch.setattr("embedder.data.csv_rows.text_lines", counted)
    next(records(tmp_path / "t.csv", rule=NO_LABELS))
    assert max(drawn) == 1 + 1000


PARTS = {
    "FER2013": (
        *("emotion,pixels,Usage", "{label},3 1 240 1,{part}"),
        *(["Training", "Training", "PublicTest", "Testing"], "Training"),
    ),
    "a list": (
        *("path,label,split", "{label}.png,{label},{part}"),
        *(["train", "train", "val", "test"], "train"),
    ),
    "a list of folds": (
        *("path,fold,label", "{label}.png,{part},{label}"),
        *([1, 1, 2, 3], None),
    ),
}


@pytest.mark.parametrize(("header", "row", "parts", "noted"), PARTS.values(), ids=PARTS)
def test_a_part_of_a_table_is_read_by_its_column(tmp_path, header, row, parts, noted):
    lines = [row.format(label=label, part=part) for label, part in zip("abcd", parts, strict=True)]
    (tmp_path / "t.csv").write_text("\n".join([header, *lines]))

    def labels(split: str | None) -> list[str | None]:
        return [record.label for record in records(tmp_path / "t.csv", split=split)]

    assert labels(None) == [*"abcd"]
    assert labels(str(parts[0])) == ["a", "b"]
    assert labels(str(parts[2])) == ["c"]
    if noted:
        assert (labels("train"), labels("test")) == (["a", "b"], ["d"])
    else:
        with pytest.raises(DatasetError, match="has no split 'train', but 1, 2, 3: name one"):
            labels("train")
    [note] = records(tmp_path / "t.csv").notes or [""]
    assert note.endswith(f"--split {noted}.") if noted else not note
    assert records(tmp_path / "t.csv", rule=NO_LABELS).notes == []


def test_a_table_without_a_column_of_parts_has_no_splits(tmp_path):
    (tmp_path / "t.csv").write_text("path,label\na.png,cat\n")
    with pytest.raises(DatasetError, match="has no splits: leave out the split 'train'"):
        records(tmp_path / "t.csv", split="train")


def test_a_column_id_names_the_pictures(tmp_path):
    (tmp_path / "test.csv").write_text("id,pixel0,pixel1,pixel2,pixel3\n012,3,1,240,1\n")
    [record] = records(tmp_path / "test.csv")
    assert (record.id, record.label) == ("test.csv/012", None)


def test_a_quoted_label_may_hold_the_separator(tmp_path):
    text = 'label,pixel0,pixel1,pixel2,pixel3\n"T-shirt, top",3,1,240,1\n'
    (tmp_path / "t.csv").write_text(text)
    assert next(records(tmp_path / "t.csv")).label == "T-shirt, top"


MANY = ",".join(f"thing{n}" for n in "abcdefghijklmnopqrstuvwxyz" * 30)
PIXELS = ",".join(f"pixel{n}" for n in range(784))

# What is refused, and what the message says, which is never longer than a screen's three lines.
REFUSED: dict[str, tuple[str, str, str]] = {
    "no known column": ("csv", f"{MANY}\n1,2\n", "begins with thinga, thingb, thingc and 777 more"),
    "no header": ("csv", "7,3,1,4,1\n", "begins with 5 numbers: put a line before them"),
    "a further column": (
        "csv",
        f"label,{PIXELS},usage\n1,2\n",
        "begins with label, pixel0, pixel1",
    ),
    "not square": ("csv", "label,pixel0,pixel1\n7,1,2\n", "a square number of pixel columns"),
    "not square in a cell": ("csv", "emotion,pixels\n7,1 2 3\n", "first row has 3: keep all"),
    "an array that NumPy shortened": (
        "csv",
        "label,pixels\n7,[0 0 0 ... 0 0 0]\n",
        "'pixels', such as 2304 for 48 x 48, but the first row has 7",
    ),
    "a cell of very many pixels": (
        "csv",
        f"pixels\n{'1 ' * 70_000}\n",
        "row 1 cannot be read as CSV",
    ),
    "two labels": ("csv", "path,label,label\na.png,cat,dog\n", "has two columns 'label': rename"),
    "base64": ("csv", f"image,label\n/9j/{'A' * 80},cat\n", "row 1: .* is a picture as base64"),
    "counts of pixels": ("csv", "id,pixels\n1,2304\n", "begins with id, pixels: name its columns"),
    "a spreadsheet": ("xlsx", "PK", "is a spreadsheet, which is not read: save it as CSV"),
    "many keys": (
        "jsonl",
        "{" + ",".join(f'"k{n}": 1' for n in range(785)) + "}",
        "k0, k1, k2 and",
    ),
}


@pytest.mark.parametrize(("ending", "text", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_a_table_is_refused_in_short(tmp_path: Path, ending, text, sentence):
    (tmp_path / f"t.{ending}").write_text(text)
    with pytest.raises(DatasetError, match=sentence) as caught:
        list(records(tmp_path / f"t.{ending}"))
    assert len(str(caught.value).replace(str(tmp_path), "")) < 240


@pytest.mark.parametrize("damaged", [0, 1])
def test_a_damaged_row_is_an_error_of_its_own_wherever_it_stands(tmp_path: Path, damaged):
    lines = ["a.png,0,0,5,5", "b.png,0,0,5,5"]
    lines[damaged] = "c.png,0,0"
    (tmp_path / "list.csv").write_text("\n".join(["path,x,y,w,h", *lines]))
    images = [record.image for record in records(tmp_path / "list.csv")]
    assert [isinstance(image, ImageError) for image in images] == [damaged == 0, damaged == 1]


def test_a_table_of_damaged_rows_alone_is_refused(tmp_path: Path):
    (tmp_path / "list.csv").write_text("path,x,y,w,h\n" + "c.png,0,0\n" * 20)
    with pytest.raises(DatasetError, match="row 1: expected 5 columns, but it has 3"):
        records(tmp_path / "list.csv")


def test_a_line_of_json_with_a_name_twice_is_an_error_of_its_own(tmp_path: Path):
    lines = ['{"path": "a.png", "label": "1"}', '{"path": "b.png", "label": "1", "label": "2"}']
    (tmp_path / "list.jsonl").write_text("\n".join(lines))
    first, second = records(tmp_path / "list.jsonl")
    assert first.label == "1"
    assert "it has 'label' twice" in str(second.image)
