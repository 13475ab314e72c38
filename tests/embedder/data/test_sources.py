"""One stream of records from every source, and a plain sentence for every damaged one."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embedder.data import bundled
from embedder.data.sources import Dataset, Record, load, records
from embedder.errors import DatasetError, ImageError

PIXELS = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)  # five pictures of 4 x 3
LABELS = np.array([7, 2, 1, 0, 4], np.uint8)


def rows(source, **options) -> list[tuple[str, str | None]]:
    return [(record.id, record.label) for record in records(source, **options)]


def pixels(source, **options) -> np.ndarray:
    return np.stack([record.pixels() for record in records(source, **options)])


def picture(path: Path, level: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 3), level, np.uint8)).save(path)
    return path


# ---- bundled ------------------------------------------------------------------------------


def test_mnist_is_bundled_whole():
    train, test = load("mnist/train"), load("mnist/test")
    assert (train.images.shape, test.images.shape) == ((60_000, 28, 28), (10_000, 28, 28))
    assert train.labels[:5] == ["5", "0", "4", "1", "9"]
    assert (train.ids[17], test.ids[-1]) == ("mnist/train/00017", "mnist/test/09999")
    assert sum(1 for _ in records("mnist")) == 70_000


def test_the_bundled_data_are_known_by_their_digests():
    for source in ("mnist", "mnist/train", "mnist/test"):
        data = load(source)
        np.testing.assert_array_equal(list(bundled.pictures_of(data.digest)), data.images)
    assert bundled.pictures_of("0" * 64) is None


def test_a_half_or_one_digit_can_be_named():
    assert next(iter(records("mnist", split="test"))).id == "mnist/test/00000"
    (one,) = records("mnist/test/42")
    assert one.id == "mnist/test/00042"
    np.testing.assert_array_equal(one.pixels(), load("mnist/test").images[42])


@pytest.mark.parametrize(
    ("source", "split", "message"),
    [
        ("mnist", "validation", "no split 'validation': use mnist/train or mnist/test"),
        ("mnist/train", "test", "mnist/train has no split 'test'"),
        ("mnist/test/10000", None, "00000 to 09999, not 10000"),
    ],
)
def test_a_part_of_mnist_that_does_not_exist_is_named(source, split, message):
    with pytest.raises(DatasetError, match=message):
        records(source, split=split)


def test_altered_bundled_files_are_refused_with_both_sums(tmp_path, monkeypatch):
    name = "t10k-labels-idx1-ubyte.gz"
    content = bytearray(gzip.decompress((bundled.FOLDER / name).read_bytes()))
    content[100] ^= 1
    (tmp_path / name).write_bytes(gzip.compress(bytes(content)))
    monkeypatch.setattr(bundled, "FOLDER", tmp_path)
    with pytest.raises(DatasetError, match=r"MD5 is .* published one 27ae3e4e.*reinstall likewise"):
        bundled.mnist.__wrapped__("test")
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DatasetError, match=name):
        bundled.mnist.__wrapped__("test")


def test_reading_arrays_imports_neither_pillow_nor_pyarrow():
    script = (
        "import sys, embedder, embedder.data.sources as d; next(d.records('mnist/test')).pixels();"
        "print(sorted({'PIL', 'pyarrow', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# ---- IDX ----------------------------------------------------------------------------------


def idx(values: np.ndarray) -> bytes:
    """The format as its page says: 0, 0, type 8, dimensions; each size as big-endian int32."""
    sizes = struct.pack(f">{values.ndim}I", *values.shape)
    return bytes((0, 0, 8, values.ndim)) + sizes + values.tobytes()


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("shape", [(5, 4, 3), (5, 2, 2, 3), (5, 4, 3, 1)], ids=str)
def test_idx_files_of_any_size_with_labels_beside_them(tmp_path, zipped, shape):
    values = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    end, pack = (".gz", gzip.compress) if zipped else ("", bytes)
    images = tmp_path / f"letters-images-idx{len(shape)}-ubyte{end}"
    images.write_bytes(pack(idx(values)))
    assert [label for _, label in rows(images)] == [None] * 5
    (tmp_path / f"letters-labels-idx1-ubyte{end}").write_bytes(pack(idx(LABELS)))
    assert rows(images)[1] == (f"letters-images-idx{len(shape)}-ubyte/00001", "2")
    np.testing.assert_array_equal(
        pixels(images), values.squeeze(axis=3) if shape[-1] == 1 else values
    )


def test_the_original_file_names_with_a_dot_work(tmp_path):
    (tmp_path / "t10k-images.idx3-ubyte").write_bytes(idx(PIXELS))
    (tmp_path / "t10k-labels.idx1-ubyte").write_bytes(idx(LABELS))
    assert rows(tmp_path / "t10k-images.idx3-ubyte")[0] == ("t10k-images.idx3-ubyte/00000", "7")


def test_damaged_idx_files_are_named_with_the_row(tmp_path):
    images = tmp_path / "a-images-idx3-ubyte"
    images.write_bytes(idx(PIXELS)[: 16 + 2 * 12 + 5])  # two pictures and a bit of the third
    with pytest.raises(DatasetError, match=r"a-images-idx3-ubyte is truncated at row 2"):
        list(records(images))
    images.write_bytes(idx(PIXELS))
    (tmp_path / "a-labels-idx1-ubyte").write_bytes(idx(LABELS[:4]))
    with pytest.raises(DatasetError, match=r"holds 5 pictures, but .* holds 4 labels"):
        records(images)
    (tmp_path / "a-labels-idx1-ubyte").write_bytes(idx(LABELS)[:-2])
    with pytest.raises(DatasetError, match="a-labels-idx1-ubyte is truncated at row 3"):
        records(images)
    with pytest.raises(DatasetError, match="give the images file, not the labels file"):
        records(tmp_path / "a-labels-idx1-ubyte")


def test_a_damaged_gzip_is_a_dataset_error(tmp_path):
    images = tmp_path / "a-images-idx3-ubyte.gz"
    noise = np.random.default_rng(0).integers(0, 256, (50, 9, 9), dtype=np.uint8)
    whole = gzip.compress(idx(noise))
    images.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="cannot be unzipped after row 0"):
        list(records(images))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(idx(PIXELS))[:-8] + bytes(8), "cannot be unzipped after row 5"),  # its CRC
        (gzip.compress(idx(PIXELS) + b"more"), "goes on after the 5 rows"),
        (idx(PIXELS) + b"more", "goes on after the 5 rows"),
    ],
    ids=["checksum", "surplus in a gzip", "surplus"],
)
def test_an_idx_file_is_read_to_its_end(tmp_path, content, message):
    (tmp_path / "a-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(DatasetError, match=f"a-images-idx3-ubyte {message}"):
        list(records(tmp_path / "a-images-idx3-ubyte"))


def test_the_labels_beside_idx_pictures_are_read_to_their_end(tmp_path):
    (tmp_path / "a-images-idx3-ubyte").write_bytes(idx(PIXELS))
    (tmp_path / "a-labels-idx1-ubyte").write_bytes(gzip.compress(idx(LABELS) + b"more"))
    with pytest.raises(DatasetError, match="a-labels-idx1-ubyte goes on after the 5 rows"):
        records(tmp_path / "a-images-idx3-ubyte")


# ---- npz ----------------------------------------------------------------------------------


def test_npz_as_keras_writes_it(tmp_path):
    path = tmp_path / "k.npz"
    np.savez(path, x_train=PIXELS[:3], y_train=LABELS[:3], x_test=PIXELS[3:], y_test=LABELS[3:])
    assert rows(path)[2:4] == [("k.npz/train/00002", "1"), ("k.npz/test/00000", "0")]
    assert rows(path, split="test") == [("k.npz/test/00000", "0"), ("k.npz/test/00001", "4")]
    np.testing.assert_array_equal(pixels(path, split="train"), PIXELS[:3])


@pytest.mark.parametrize(
    ("images", "labels", "wanted"),
    [
        (PIXELS, np.array([*"abcde"]), "b"),
        (PIXELS[..., None], LABELS[:, None], "2"),
        (PIXELS / 255.0, LABELS.astype(float), "2"),
        (PIXELS, np.array([np.nan, 2, 1, 0, 4]), "2"),
        (PIXELS.astype(np.int64), np.array([b"x", b"yy", b"z", b"x", b"x"]), "yy"),
    ],
    ids=["text", "columns", "floats", "floats and NaN", "bytes"],
)
def test_npz_of_images_and_labels_in_the_types_that_people_save(tmp_path, images, labels, wanted):
    np.savez_compressed(tmp_path / "a.npz", images=images, labels=labels)
    assert rows(tmp_path / "a.npz")[1] == ("a.npz/00001", wanted)
    np.testing.assert_array_equal(pixels(tmp_path / "a.npz"), PIXELS)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": PIXELS}, "should hold images, or x_train and x_test, but holds pictures"),
        ({"images": PIXELS, "labels": LABELS[:2]}, "5 images, but 2 labels"),
        ({"images": PIXELS - 300.0}, "row 0 holds -300.0"),
        ({"images": PIXELS[0]}, r"uint8 of shape \(4, 3\)"),
        ({"images": PIXELS, "labels": np.eye(5)}, r"float64 of shape \(5, 5\)"),
        ({"images": PIXELS, "labels": np.array([{}] * 5)}, "without Python objects"),
        ({"images": PIXELS, "labels": np.array([b"\xe9"] * 5)}, r"labels in .*a.npz .* UTF-8"),
    ],
)
def test_an_npz_of_another_form_is_refused_with_what_it_holds(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DatasetError, match=message):
        list(records(tmp_path / "a.npz"))


def test_a_damaged_npz_is_a_dataset_error(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", images=PIXELS)
    whole = bytearray((tmp_path / "a.npz").read_bytes())
    for damaged in (whole[:100], b"", bytes(50), whole[:60] + b"\xff" * 30 + whole[90:]):
        (tmp_path / "a.npz").write_bytes(damaged)
        with pytest.raises(DatasetError, match="not a readable NumPy archive"):
            list(records(tmp_path / "a.npz"))


# ---- Kaggle's CSV -------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0,0,1,2", "0,0,1,x", "row 1: expected 9 pixels of 0..255, but it holds 'x'"),
        (",pixel8", "", "should have a square number of pixel columns"),
    ],
)
def test_a_table_of_pixels_that_begins_wrongly_is_refused_before_anything(
    tmp_path, old, new, message
):
    (tmp_path / "train.csv").write_text(kaggle(True).replace(old, new))
    with pytest.raises(DatasetError, match=message):
        records(tmp_path / "train.csv")


# ---- lists --------------------------------------------------------------------------------


@pytest.fixture
def listed(tmp_path) -> list[dict[str, object]]:
    picture(tmp_path / "in" / "a.png", 10)
    picture(tmp_path / "b.png", 20)
    return [
        {"path": "in/a.png", "label": "7", "id": "first", "writer": "ann"},
        {"path": "b.png", "label": "x y", "id": "second", "writer": "bob"},
    ]


def write_list(path: Path, entries: list[dict[str, object]]) -> Path:
    if path.suffix == ".csv":
        lines = [entries[0].keys(), *(entry.values() for entry in entries)]
        path.write_text("\n".join(",".join(map(str, line)) for line in lines))
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
        found = rows(write_list(tmp_path / f"l.{ending}", entries))
        assert found == [("a.png", "7"), ("a.png", None), ("a.png", None)]
    np.savez(tmp_path / "l.npz", images=PIXELS[:2], labels=np.array([7.0, np.nan]))
    assert [label for _, label in rows(tmp_path / "l.npz")] == ["7", None]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("l.csv", "file,label\na.png,1\n", "header, path,label or label,pixel0.* begins with file"),
        ("l.csv", "", "begins with nothing"),
        ("l.csv", "path,label\nb.png\n", "row 1: expected 2 columns, but it has 1"),
        ("l.csv", "path,label\n,1\n", "row 1: expected a picture's path"),
        ("l.csv", 'path,label\na.png,"1\n', "row 1: line 2 is not readable as CSV"),
        ("l.jsonl", '{"path": \n', "row 1: expected a JSON object"),
        ("l.jsonl", "[1, 2]\n", "row 1: expected a JSON object, but it is"),
        ("l.jsonl", '{"file": "a.png"}\n', "row 1: expected a picture's path .* columns are file"),
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


def test_names_that_are_no_utf_8_are_spelled_out_and_stay_apart(tmp_path):
    for name in (b"th\xe9/caf\xe9.png", b"th\xe9/caf\xe8.png", "thé/größe.png".encode()):
        picture(Path(os.fsdecode(os.fsencode(tmp_path) + b"/in/" + name)), 9)
    assert rows(tmp_path / "in") == [
        ("thé/größe.png", "thé"),
        (r"th\xe9/caf\xe8.png", r"th\xe9"),
        (r"th\xe9/caf\xe9.png", r"th\xe9"),
    ]
    assert [record.pixels()[0, 0] for record in records(tmp_path / "in")] == [9, 9, 9]
    assert Record("\ud800", None, np.zeros((1, 1), np.uint8)).id == r"\ud800"  # as JSON can say


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize("order", ["utf-16", "utf-16-be"])
def test_a_list_in_utf_16_says_what_to_do(tmp_path, ending, order):
    mark = "\ufeff" * (order == "utf-16-be")  # Python writes it by itself for utf-16
    (tmp_path / f"l.{ending}").write_text(f"{mark}path,label\na.png,7\n", order)
    with pytest.raises(DatasetError, match=rf"l.{ending} is written in UTF-16: save it as UTF-8"):
        records(tmp_path / f"l.{ending}")


def test_a_data_set_with_a_damaged_row_is_not_loaded(tmp_path, listed):
    path = write_list(tmp_path / "l.jsonl", listed)
    path.write_text(path.read_text() + "oops\n")
    with pytest.raises(DatasetError, match=r"l.jsonl/3 cannot be read: row 3: expected a JSON"):
        load(path)


# ---- folders, single pictures, globs ------------------------------------------------------


def test_a_folder_per_label_is_walked_in_order(tmp_path):
    for name in ("b/2.png", "b/10.png", "a/x.jpg", "a/deep/y.png", "a/notes.txt", "a/.hidden.png"):
        picture(tmp_path / name) if name[-1] == "g" else (tmp_path / name).write_text("x")
    assert rows(tmp_path) == [
        ("a/deep/y.png", "a"),
        ("a/x.jpg", "a"),
        ("b/10.png", "b"),
        ("b/2.png", "b"),
    ]


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["train/3/a.png", "train/4/b.png"], ["3", "4"]),
        (["data/train/3/a.png", "data/train/4/b.png"], ["3", "4"]),
        (["train/3/a.png", "train/4/b.png", "train/c.png"], ["train", "train", "train"]),
        (["alice/2024/a.png", "alice/2024/b.png"], ["alice", "alice"]),
        (["3/x/a.png", "3/y/b.png", "4/c.png"], ["3", "3", "4"]),
    ],
    ids=["wrapped", "wrapped twice", "pictures beside", "one group", "groups in parts"],
)
def test_labels_come_from_the_folders_that_divide(tmp_path, names, labels):
    (tmp_path / "in" / "__MACOSX" / "train").mkdir(parents=True)
    for name in names:
        picture(tmp_path / "in" / name)
    assert rows(tmp_path / "in") == list(zip(names, labels, strict=True))
    shutil.make_archive(str(tmp_path / "in"), "zip", tmp_path / "in")
    assert rows(tmp_path / "in.zip") == rows(tmp_path / "in")


def test_a_flat_folder_has_no_labels(tmp_path):
    picture(tmp_path / "1.png")
    (tmp_path / "0.png").write_text("damaged, but named like a picture")
    damaged, whole = records(tmp_path)
    assert (damaged.id, damaged.label, whole.id) == ("0.png", None, "1.png")
    with pytest.raises(ImageError):
        damaged.pixels()
    (tmp_path / "0.png").unlink()
    with pytest.raises(DatasetError, match=r"1.png .* has no label"):
        load(tmp_path)


def test_a_folder_of_splits_wants_one_named(tmp_path):
    top = tmp_path / "in"
    for name in ("train/a/1.png", "test/a/2.png"):
        picture(top / name)
    assert rows(top, split="test") == [("test/a/2.png", "a")]
    assert rows(top / "test") == [("a/2.png", "a")]
    for folder in (top, tmp_path):  # as they are, and with a folder around them
        with pytest.raises(DatasetError, match="holds the splits test, train, not labels"):
            records(folder)
    with pytest.raises(DatasetError, match="no folder 'val' in it"):
        records(top, split="val")


def test_a_folder_of_idx_files_names_the_one_to_take(tmp_path):
    for name, values in (("labels-idx1", LABELS), ("images-idx3", PIXELS)):
        (tmp_path / f"train-{name}-ubyte.gz").write_bytes(gzip.compress(idx(values)))
    with pytest.raises(DatasetError, match=r"name the file .*train-images-idx3-ubyte.gz\."):
        records(tmp_path)


def test_a_folder_that_links_to_itself_ends(tmp_path):
    picture(tmp_path / "a" / "1.png")
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    assert rows(tmp_path) == [("a/1.png", "a")]


def test_a_pipe_is_passed_over_in_a_folder_and_never_opened(tmp_path):
    picture(tmp_path / "in" / "a" / "1.png")
    os.mkfifo(tmp_path / "in" / "a" / "2.png")
    (tmp_path / "in" / "a" / "3.png").symlink_to(tmp_path / "in" / "a" / "1.png")
    assert rows(tmp_path / "in") == [("a/1.png", "a"), ("a/3.png", "a")]
    (tmp_path / "list.csv").write_text("path\nin/a/1.png\nin/a/2.png\n")
    _, pipe = records(tmp_path / "list.csv")
    with pytest.raises(ImageError, match="a pipe, socket or device"):
        pipe.pixels()


def test_one_picture_and_a_glob(tmp_path, monkeypatch):
    for name in ("a/2.png", "a/1.png", "b/3.png"):
        picture(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert rows("a/2.png") == [("a/2.png", None)]
    assert rows("*/[12].png") == [("a/1.png", None), ("a/2.png", None)]
    assert len(rows("**/*.png")) == 3


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("no-such-folder", "no file, folder or bundled data set 'no-such-folder'"),
        ("*.nothing", r"No file matches '\*.nothing'"),
        (".", "should hold pictures, but there is none"),
    ],
)
def test_a_source_that_is_not_there_is_named(tmp_path, monkeypatch, source, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError, match=message):
        records(source)


def test_a_source_without_splits_refuses_one(tmp_path):
    path = picture(tmp_path / "a.png")
    with pytest.raises(DatasetError, match=r"a.png has no splits"):
        records(path, split="train")


def test_streams_hold_few_pictures_at_a_time(tmp_path):
    images = tmp_path / "big-images-idx3-ubyte"
    count = 20_000  # of 1 kB: 20 MB, a thousand at a time is 1 MB
    with images.open("wb") as stream:
        stream.write(bytes((0, 0, 8, 3)) + struct.pack(">3I", count, 32, 32))
        stream.truncate(16 + count * 1024)
    tracemalloc.start()
    assert sum(1 for record in records(images) if record.pixels()[0, 0] == 0) == count
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6


# ---- in memory ----------------------------------------------------------------------------


def test_load_keeps_pictures_of_different_sizes_as_a_list(tmp_path):
    picture(tmp_path / "a" / "1.png")
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(tmp_path / "a" / "2.png")
    data = load(tmp_path)
    assert [image.shape for image in data.images] == [(4, 3), (9, 9, 3)]
    assert data.name == os.fspath(tmp_path)


def test_load_names_the_picture_that_cannot_be_read(tmp_path):
    picture(tmp_path / "a" / "1.png").write_bytes(b"\x89PNG cut")
    with pytest.raises(DatasetError, match=r"a/1.png cannot be read: .*; repair or remove it"):
        load(tmp_path)


def test_the_digest_sees_pixels_shapes_and_labels_but_not_ids():
    data = Dataset(["a", "b"], ["1", "2"], PIXELS[:2])
    same = Dataset(["x", "y"], ["1", "2"], list(PIXELS[:2]), name="other")
    assert data.digest == same.digest
    relabelled = Dataset(["a", "b"], ["1", "3"], PIXELS[:2])
    turned = Dataset(["a", "b"], ["1", "2"], PIXELS[:2].reshape(2, 3, 4))
    assert len({data.digest, relabelled.digest, turned.digest}) == 3
    assert len(data.digest) == 64


def test_a_dataset_needs_as_many_ids_and_labels_as_images():
    with pytest.raises(ValueError, match="1 ids, 2 labels, 2 images"):
        Dataset(["a"], ["1", "2"], PIXELS[:2])
