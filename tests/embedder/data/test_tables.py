"""Lists of `path,label`: CSV, JSON lines, Parquet."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embedder.data.metadata import plain_metadata
from embedder.data.sources import load, records
from embedder.errors import DatasetError, ImageError
from tests.embedder.data.sources import PIXELS, picture, rows


@pytest.fixture
def listed(tmp_path) -> list[dict[str, object]]:
    picture(tmp_path / "in" / "a.png", 10)
    picture(tmp_path / "b.png", 20)
    return [
        {"path": "in/a.png", "label": "7", "id": "first", "writer": "ann"},
        {"path": "b.png", "label": "x y", "id": "second", "writer": "bob"},
    ]


def write_list(path: Path, entries: Sequence[Mapping[str, object]]) -> Path:
    if path.suffix == ".csv":
        lines = [",".join(map(str, entry.values())) for entry in entries]
        path.write_text("\n".join([",".join(entries[0]), *lines]))
    elif path.suffix == ".parquet":
        arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        parquet.write_table(arrow.Table.from_pylist(entries), path)
    else:
        path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_list_of_paths_gives_ids_labels_and_metadata(tmp_path, listed, ending):
    path = write_list(tmp_path / f"list.{ending}", listed)
    first, second = records(path)
    assert (first.id, first.label, first.metadata) == ("first", "7", {"writer": "ann"})
    assert (second.id, second.label) == ("second", "x y")
    assert second.pixels()[0, 0] == 20
    assert load(path).ids == ["first", "second"]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_without_ids_and_labels_the_path_is_the_id(tmp_path, listed, ending):
    paths = [{"path": entry["path"]} for entry in listed]
    assert rows(write_list(tmp_path / f"l.{ending}", paths)) == [
        ("in/a.png", None),
        ("b.png", None),
    ]


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_numbers_as_labels_and_ids_become_text(tmp_path, ending):
    entries = [{"path": "a.png", "label": 7, "id": 12}, {"path": "b.png", "label": 3, "id": 13}]
    assert rows(write_list(tmp_path / f"l.{ending}", entries))[0] == ("12", "7")


def test_nan_and_null_are_no_labels(tmp_path):
    entries = [{"path": "a.png", "label": label} for label in (7.0, float("nan"), None)]
    for ending in ("jsonl", "parquet"):
        result = rows(write_list(tmp_path / f"l.{ending}", entries))
        assert result == [("a.png", "7"), ("a.png", None), ("a.png", None)]
    np.savez(tmp_path / "l.npz", images=PIXELS[:2], labels=np.array([7.0, np.nan]))
    assert [label for _, label in rows(tmp_path / "l.npz")] == ["7", None]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "l.csv",
            "thing,label\na.png,1\n",
            "header, path,label or label,pixel.* with thing",
        ),
        ("l.csv", "", "begins with nothing"),
        ("l.csv", "path,label\nb.png\n", "row 1: expected 2 columns, but it has 1"),
        ("l.csv", "path,label\n,1\n", "row 1: expected a picture's path"),
        ("l.csv", 'path,label\na.png,"1\n', "row 1: line 2 is not readable as CSV"),
        ("l.jsonl", '{"path": \n', "row 1: expected a JSON object"),
        ("l.jsonl", "[1, 2]\n", "row 1: expected a JSON object, but it is"),
        (
            "l.jsonl",
            '{"thing": "a.png"}\n',
            "row 1: expected a picture's path .* columns are thing",
        ),
        ("l.parquet", "PAR1 no", "l.parquet cannot be read as Parquet from row 1 on"),
    ],
)
def test_a_list_that_begins_with_a_damaged_row_is_refused_before_anything(
    tmp_path, name, text, message
):
    (tmp_path / name).write_text(text)
    with pytest.raises(DatasetError, match=message) as caught:
        records(tmp_path / name)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "damaged", "reason"),
    [
        ("l.csv", b"b.png", "row 2: expected 3 columns, but it has 1"),
        ("l.csv", b",1,x", "row 2: expected a picture's path"),
        ("l.csv", b'b.png,"1"2,x', "row 2: line 3 is not readable as CSV"),
        ("l.csv", b"b.png,caf\xe9,x", "row 2: expected UTF-8, but the label is"),
        ("l.jsonl", b'{"path": ', "row 2: expected a JSON object"),
        ("l.jsonl", b"[1, 2]", "row 2: expected a JSON object, but it is"),
        ("l.jsonl", b'{"path": null}', "row 2: expected a picture's path"),
        ("l.jsonl", rb'{"path": "\ud800.png"}', "row 2: expected a path that a file can have"),
        ("l.jsonl", b'{"path": "a.png", "label": ["7"]}', "row 2: expected a text or a number"),
        ("l.jsonl", b"[" * 100_000, "row 2: expected a JSON object"),
    ],
)
def test_a_damaged_row_further_on_is_a_record_without_a_picture(tmp_path, name, damaged, reason):
    whole = b"a.png,7,x" if name == "l.csv" else b'{"path": "a.png", "label": "7"}'
    header = [b"path,label,writer"] if name == "l.csv" else []
    (tmp_path / name).write_bytes(b"\n".join([*header, whole, damaged, whole]))
    first, second, third = records(tmp_path / name)
    assert (first, second.id, second.label) == (third, f"{name}/2", None)
    with pytest.raises(ImageError, match=reason):
        second.pixels()


def test_a_list_names_files_by_their_bytes(tmp_path):
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    Image.fromarray(np.full((2, 2), 9, np.uint8)).save(odd, "PNG")
    (tmp_path / "l.csv").write_bytes(b"path,label\ncaf\xe9.png,7\n")
    [record] = records(tmp_path / "l.csv")
    assert (record.id, record.pixels()[0, 0]) == (r"caf\xe9.png", 9)


@pytest.mark.parametrize("order", ["utf-16", "utf-16-be"])
@pytest.mark.parametrize(
    ("ending", "text"),
    [("csv", "path,label\nä.png,7\n"), ("jsonl", '{"path": "ä.png", "label": "7"}\n')],
)
def test_a_list_in_utf_16_is_read(tmp_path, ending, text, order):
    mark = "\ufeff" * (order == "utf-16-be")  # Python writes it by itself for utf-16
    (tmp_path / f"l.{ending}").write_text(f"{mark}{text}", order)
    assert rows(tmp_path / f"l.{ending}") == [("ä.png", "7")]


def test_a_data_set_with_a_damaged_row_is_not_loaded(tmp_path, listed):
    path = write_list(tmp_path / "l.jsonl", listed)
    path.write_text(path.read_text() + "oops\n")
    with pytest.raises(DatasetError, match=r"l.jsonl/3 cannot be read: row 3: expected a JSON"):
        load(path)


def test_values_of_parquet_that_python_cannot_hold_are_text(tmp_path, listed):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    offsets = np.array([0, 4, 8], np.int32).tobytes()
    latin_1 = arrow.Array.from_buffers(
        arrow.string(), 2, [None, arrow.py_buffer(offsets), arrow.py_buffer(b"caf\xe9cafe")]
    )
    far = arrow.array([2**62, 0], arrow.timestamp("us"))  # 146,000 years from 1970
    columns = {"path": ["in/a.png", "b.png"], "place": latin_1, "taken": far}
    parquet.write_table(arrow.table(columns), tmp_path / "l.parquet")
    first, second = (plain_metadata(record.metadata) for record in records(tmp_path / "l.parquet"))
    assert first["place"] == "caf\\xe9"
    assert str(2**62) in first["taken"]
    assert second == {"place": "cafe", "taken": "1970-01-01T00:00:00"}


def test_a_missing_id_among_numbers_is_none(tmp_path):
    entries = [{"path": "a.png", "id": 7.0}, {"path": "b.png", "id": float("nan")}]
    ids = [id for id, _ in rows(write_list(tmp_path / "l.parquet", entries))]
    assert ids == ["7.0", "b.png"]


def test_a_row_that_names_no_part_is_in_none(tmp_path):
    parts: list[Mapping[str, object]] = [{"split": "train"}, {"split": "test"}, {}, {"split": None}]
    entries = [{"path": f"{n}.png", "label": "x", **part} for n, part in enumerate(parts)]
    path = write_list(tmp_path / "l.jsonl", entries)
    assert rows(path, split="train") == [("0.png", "x")]
    assert rows(path, split="test") == [("1.png", "x")]
