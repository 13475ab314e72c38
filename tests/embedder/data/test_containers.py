"""Containers of pictures: each known form is read, others are refused with their format."""

from __future__ import annotations

import base64
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from embedder.data.images import read_image
from embedder.data.sources import records
from embedder.errors import ArchiveTooLargeError, DatasetError, ImageError
from tests.embedder.data.sources import LABELS, PIXELS, idx, pixels, rows

WIDE = np.repeat(PIXELS, 2, axis=2)  # 4 x 6: three columns are read as colours
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven"]


def encoded(place: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PIXELS[place]).save(stream, "PNG")
    return stream.getvalue()


def tar(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def shard(labelled: Callable[[int], tuple[str, bytes]]) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    for place in range(5):
        ending, content = labelled(place)
        members |= {f"{place:06}.png": encoded(place), f"{place:06}{ending}": content}
    return members


SHARDS = {
    "cls": shard(lambda place: (".cls", str(LABELS[place]).encode())),
    "cls of Windows": shard(lambda place: (".cls", b"\xef\xbb\xbf%d\r\n" % LABELS[place])),
    "cls.txt": shard(lambda place: (".cls.txt", str(LABELS[place]).encode())),
    "a name before cls": shard(lambda place: (".target.cls", str(LABELS[place]).encode())),
    "json": shard(lambda place: (".json", json.dumps({"label": int(LABELS[place])}).encode())),
    "the label first": dict(reversed(shard(lambda p: (".cls", b"%d" % LABELS[p])).items())),
    "a folder per label": {
        f"set/{LABELS[place]}/{place}.png": encoded(place) for place in range(5)
    },
    "packed from here": {f"./{LABELS[place]}/{place}.png": encoded(place) for place in range(5)},
}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("form", SHARDS)
def test_a_tar_of_pictures_is_read_with_its_labels(tmp_path, form, mode):
    path = tar(tmp_path / "shard-000000.tar", SHARDS[form], mode)
    read = {record.label: record.pixels() for record in records(path)}
    assert records(path).count() == 5
    for place in range(5):
        np.testing.assert_array_equal(read[str(LABELS[place])], PIXELS[place])


def test_what_a_tar_holds_beside_pictures_is_counted(tmp_path):
    members = {**SHARDS["cls"], "README.md": b"...", "000001.txt": b"a caption", "x.json": b"[]"}
    [note] = records(tar(tmp_path / "a.tar", members)).notes
    assert "3 files not named as a picture" in note


@pytest.mark.parametrize("stray", ["info.json", "set/README.label", "set/7.cls"])
def test_a_label_beside_no_picture_takes_no_folder_its_label(tmp_path, stray):
    members = {**SHARDS["a folder per label"], stray: b'{"label": "pets"}'}
    stream = records(tar(tmp_path / "a.tar", members))
    assert [record.label for record in stream] == [str(LABELS[place]) for place in range(5)]
    assert stream.notes[-1].endswith(f"as {stray}.")


def test_a_picture_of_a_shard_without_a_label_has_none(tmp_path):
    members = {**SHARDS["cls"], "9.png": encoded(0)}
    assert rows(tar(tmp_path / "a.tar", members))[-1] == ("9.png", None)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_tar_that_is_cut_off_anywhere_is_refused(tmp_path, mode):
    whole = tar(tmp_path / "whole.tar", SHARDS["cls"]).read_bytes().rstrip(b"\0")
    path = tmp_path / f"a.tar{'.gz' if mode == 'w:gz' else ''}"
    for end in range(512, len(whole), 512):  # between two members, and after a header alone
        for cut in (end, end + 100):
            path.write_bytes(gzip.compress(whole[:cut], 1) if mode == "w:gz" else whole[:cut])
            with pytest.raises(DatasetError, match="not a readable tar archive"):
                list(records(path))


def test_a_tar_with_a_damaged_header_is_not_taken_to_end_there(tmp_path):
    path = tar(tmp_path / "a.tar", SHARDS["cls"])
    with tarfile.open(path) as archive:
        third = archive.getmembers()[2].offset
    content = bytearray(path.read_bytes())
    content[third + 148] ^= 1  # of its checksum
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="bad checksum"):
        list(records(path))


def test_two_tars_that_were_joined_are_refused(tmp_path):
    path = tar(tmp_path / "a.tar", SHARDS["cls"])
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(DatasetError, match="more stands after its end"):
        list(records(path))


@pytest.mark.parametrize("share", [0.3, 0.7])
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_tar_that_is_cut_off_is_refused(tmp_path, mode, share):
    path = tar(tmp_path / "a.tar", SHARDS["cls"], mode)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content.rstrip(b"\0")) * share)])
    with pytest.raises(DatasetError, match=r"not a readable tar archive|packed by gzip"):
        list(records(path))


def test_a_tar_of_very_many_members_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("embedder.data.tars._MOST_MEMBERS", 9)
    with pytest.raises(ArchiveTooLargeError, match="more members than the 9 that are read"):
        records(tar(tmp_path / "a.tar", SHARDS["cls"]))


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.SYMTYPE])
def test_a_link_in_a_tar_is_passed_over_and_named(tmp_path, kind):
    path = tar(tmp_path / "a.tar", {"7/a.png": encoded(0)})
    link = tarfile.TarInfo("7/b.png")
    link.type, link.linkname = kind, "7/a.png"
    with tarfile.open(path, "a") as archive:
        archive.addfile(link)
    read = records(path)
    assert "1 link, not followed in an archive, as 7/b.png" in " ".join(read.notes)
    assert [record.id for record in read] == ["7/a.png"]


@pytest.mark.parametrize("mode", ["", "gz", "xz"])
def test_of_pictures_of_one_name_in_a_tar_the_last_stands_as_when_it_is_unpacked(tmp_path, mode):
    path = tar(tmp_path / "a.tar", {"3/a.png": encoded(0), "7/b.png": encoded(1)})
    with tarfile.open(path, "a") as archive:
        for name in ("7/b.png", "./3/a.png"):
            member = tarfile.TarInfo(name)
            member.size = len(encoded(2))
            archive.addfile(member, io.BytesIO(encoded(2)))
    if mode:
        path.write_bytes({"gz": gzip, "xz": lzma}[mode].compress(path.read_bytes()))
    read = records(path)
    assert "2 pictures, replaced by a later one of the same name, as 7/b.png" in read.notes[-1]
    assert read.count() == 2
    for record, id in zip(read, ["7/b.png", "3/a.png"], strict=True):
        assert record.id == id
        np.testing.assert_array_equal(record.pixels(), PIXELS[2])


def test_a_tar_without_a_signature_is_read(tmp_path):
    path = tar(tmp_path / "a.tar", {"7/a.png": encoded(0)})
    content = bytearray(path.read_bytes())
    content[257:345] = bytes(
        88
    )  # what the form of 1979 has not: names of owners, and the signature
    content[148:156] = b"%06o\0 " % (sum(content[:148]) + 8 * 32 + sum(content[156:512]))
    path.write_bytes(content)
    for copy in (path, tmp_path / "archive"):
        copy.write_bytes(content)
        [record] = records(copy)
        np.testing.assert_array_equal(record.pixels(), PIXELS[0])


def test_an_empty_tar_is_not_taken_for_a_picture(tmp_path):
    with pytest.raises(DatasetError, match=r"should hold pictures, but holds none"):
        records(tar(tmp_path / "none.tar", {}))
    (tmp_path / "empty.tar").touch()
    with pytest.raises(DatasetError, match=r"not a readable tar archive \(file could not be"):
        records(tmp_path / "empty.tar")


def test_a_file_with_holes_in_a_tar_is_called_that(tmp_path):
    path = tar(tmp_path / "a.tar", {"7/a.png": encoded(0)})
    with tarfile.open(path, "a", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("7/b.png")
        member.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": "4096"}
        archive.addfile(member)
    assert "1 file with holes: pack it without tar's -S, as 7/b.png" in records(path).notes[-1]


def test_a_tar_without_pictures_says_what_it_holds(tmp_path):
    with pytest.raises(DatasetError, match=r"but holds none. Passed over .*1 \.txt"):
        records(tar(tmp_path / "a.tar", {"a.txt": b"text"}))


# ---- Parquet with pictures in it


STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def parquet(path: Path, columns: dict[str, object], classes: dict[str, list[str]]) -> Path:
    features = {
        name: {"names": names, "_type": "ClassLabel"} for name, names in classes.items()
    } | {"image": {"_type": "Image"}}
    described = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(pa.table(columns).replace_schema_metadata(described), path)
    return path


def structs() -> pa.Array:
    return pa.array([{"bytes": encoded(place), "path": None} for place in range(5)], STRUCT)


CLASSES = [int(label) for label in LABELS]
NAMED: list[str | None] = [NAMES[label] for label in CLASSES]
PARQUET: dict[str, tuple[dict[str, object], dict[str, list[str]], list[str | None]]] = {
    "names of the classes": ({"image": structs(), "label": CLASSES}, {"label": NAMES}, NAMED),
    "classes without names": ({"image": structs(), "label": CLASSES}, {}, [*map(str, CLASSES)]),
    "labels as text": ({"image": structs(), "label": NAMED}, {}, NAMED),
    "another column of classes": ({"img": structs(), "digit": CLASSES}, {"digit": NAMES}, NAMED),
    "bytes alone": (
        {"jpg": pa.array(list(map(encoded, range(5))), pa.large_binary()), "label": CLASSES},
        {"label": NAMES},
        NAMED,
    ),
    "Spark's binaryFile": (
        {
            "path": [f"file:/{row}.png" for row in range(5)],
            "content": pa.array([encoded(row) for row in range(5)]),
            "label": CLASSES,
        },
        {"label": NAMES},
        NAMED,
    ),
    "a class that is missing": (
        {"image": structs(), "label": [-1, *CLASSES[1:]]},
        {"label": NAMES},
        [None, *NAMED[1:]],
    ),
}


@pytest.mark.parametrize("form", PARQUET)
def test_pictures_inside_a_parquet_file_are_read_with_their_labels(tmp_path, form):
    columns, classes, labels = PARQUET[form]
    path = parquet(tmp_path / "train-00000-of-00001.parquet", columns, classes)
    assert rows(path) == [(f"{path.name}/{row}", label) for row, label in enumerate(labels, 1)]
    np.testing.assert_array_equal(pixels(path), PIXELS)
    assert records(path).count() == 5


def test_a_picture_that_a_parquet_file_names_is_read_from_beside_it(tmp_path):
    (tmp_path / "7.png").write_bytes(encoded(0))
    cells = [{"bytes": None, "path": "7.png"}, {"bytes": None, "path": None}, None]
    path = parquet(tmp_path / "a.parquet", {"image": pa.array(cells, STRUCT)}, {})
    first, second, third = records(path)
    np.testing.assert_array_equal(first.pixels(), PIXELS[0])
    for record in (second, third):
        with pytest.raises(ImageError, match="no picture in its row"):
            record.pixels()


def test_a_column_of_other_bytes_beside_paths_is_metadata(tmp_path):
    (tmp_path / "7.png").write_bytes(encoded(0))
    columns = {"path": ["7.png"], "label": ["7"], "hash": pa.array([b"\1\2"])}
    [record] = records(parquet(tmp_path / "a.parquet", columns, {}))
    assert (record.id, record.label) == ("7.png", "7")
    np.testing.assert_array_equal(record.pixels(), PIXELS[0])


def test_a_class_without_a_name_is_an_error_of_its_row(tmp_path):
    columns = {"image": structs(), "label": [len(NAMES), *CLASSES[1:]]}
    first, second, *_ = records(parquet(tmp_path / "a.parquet", columns, {"label": NAMES}))
    assert (first.label, second.label) == (None, NAMED[1])
    last = len(NAMES) - 1
    with pytest.raises(ImageError, match=rf"expected a class of 0\.\.{last}, not {last + 1}"):
        first.pixels()


def test_several_labels_a_picture_are_refused(tmp_path):
    columns = {"image": structs(), "label": [[label] for label in CLASSES]}
    with pytest.raises(DatasetError, match="its column 'label' holds lists or structs"):
        records(parquet(tmp_path / "a.parquet", columns, {}))


def test_two_columns_of_classes_are_named_and_one_must_be_chosen(tmp_path):
    columns = {"image": structs(), "fine": CLASSES, "coarse": CLASSES}
    path = parquet(tmp_path / "a.parquet", columns, {"fine": NAMES, "coarse": NAMES})
    with pytest.raises(DatasetError, match="classes, fine, coarse: rename the one to use to label"):
        records(path)


# ---- IDX and NumPy


def idx_of(values: np.ndarray, kind: int) -> bytes:
    return (
        bytes((0, 0, kind))
        + idx(values)[3:4]
        + idx(values)[4 : 4 + 4 * values.ndim]
        + (values.tobytes())
    )


QMNIST = np.zeros((5, 8), ">i4")
QMNIST[:, 0] = LABELS
BESIDE = {
    "train-labels-idx1-ubyte": idx(LABELS),
    "train-labels-idx1-ubyte.gz": gzip.compress(idx(LABELS)),
    "train-labels-idx2-int": idx_of(QMNIST, 12),
    "train-labels-idx2-int.gz": gzip.compress(idx_of(QMNIST, 12)),
    "train-labels-idx1-int": idx_of(LABELS.astype(">i4"), 12),
}


@pytest.mark.parametrize("name", BESIDE)
def test_the_labels_beside_an_idx_file_are_found_in_each_form(tmp_path, name):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(PIXELS))
    (tmp_path / name).write_bytes(BESIDE[name])
    labels = [label for _, label in rows(tmp_path / "train-images-idx3-ubyte")]
    assert labels == list(map(str, CLASSES))


def test_an_idx_file_without_labels_names_the_file_that_is_missing(tmp_path):
    (tmp_path / "qmnist-test-images-idx3-ubyte").write_bytes(idx(PIXELS))
    [note] = records(tmp_path / "qmnist-test-images-idx3-ubyte").notes
    assert note.endswith("there is no qmnist-test-labels-idx1-ubyte.")


@pytest.mark.parametrize("name", ["emnist-digits-test", "EMNIST-letters-train"])
def test_emnist_is_turned_upright(tmp_path, name):
    (tmp_path / f"{name}-images-idx3-ubyte").write_bytes(idx(PIXELS.swapaxes(1, 2).copy()))
    np.testing.assert_array_equal(pixels(tmp_path / f"{name}-images-idx3-ubyte"), PIXELS)
    names = ",".join(f"pixel{place}" for place in range(9))
    (tmp_path / f"{name}.csv").write_text(f"{names}\n0,1,2,3,4,5,6,7,100\n")
    assert pixels(tmp_path / f"{name}.csv")[0, 0].tolist() == [0, 3, 6]


@pytest.mark.parametrize(
    ("kind", "dtype"), [(9, ">i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")]
)
def test_idx_of_other_types_is_read_in_its_range(tmp_path, kind, dtype):
    (tmp_path / "images").write_bytes(idx_of(PIXELS.astype(dtype), kind))
    np.testing.assert_array_equal(pixels(tmp_path / "images"), PIXELS)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("images", "labels"),
        ("x_train", "y_train"),
        ("X", "y"),
        ("test_images", "test_labels"),
        ("kmnist-train-imgs", "kmnist-train-labels"),
        ("data", "labels"),
    ],
)
def test_a_numpy_array_has_its_labels_beside_it(tmp_path, images, labels):
    np.save(tmp_path / f"{images}.npy", WIDE)
    assert {label for _, label in rows(tmp_path / f"{images}.npy")} == {None}
    np.save(tmp_path / f"{labels}.npy", LABELS)
    read = rows(tmp_path / f"{images}.npy")
    assert read[:2] == [(f"{images}.npy/00000", "7"), (f"{images}.npy/00001", "2")]
    np.testing.assert_array_equal(pixels(tmp_path / f"{images}.npy"), WIDE)


def test_kmnists_archives_have_one_array_without_a_name(tmp_path):
    np.savez_compressed(tmp_path / "kmnist-test-imgs.npz", WIDE)
    np.savez_compressed(tmp_path / "kmnist-test-labels.npz", LABELS)
    assert [label for _, label in rows(tmp_path / "kmnist-test-imgs.npz")] == [*map(str, CLASSES)]


def test_medmnists_archives_have_three_parts(tmp_path):
    parts = {
        f"{part}_{what}": values
        for part in ("train", "val", "test")
        for what, values in (("images", PIXELS), ("labels", LABELS[:, None]))
    }
    np.savez(tmp_path / "m.npz", allow_pickle=False, **parts)
    assert len(rows(tmp_path / "m.npz")) == 15
    assert rows(tmp_path / "m.npz", split="test")[0] == ("m.npz/test/00000", "7")


@pytest.mark.parametrize("shape", [(30, 20), (30, 20, 3)])
def test_a_numpy_array_may_be_one_picture(tmp_path, shape):
    picture = (np.arange(np.prod(shape)) % 256).reshape(shape).astype(np.uint8)
    np.save(tmp_path / "a.npy", picture)
    [record] = records(tmp_path / "a.npy")
    assert record.id == "a.npy"
    np.testing.assert_array_equal(record.pixels(), picture)


def test_flat_rows_are_refused_with_the_shape_that_they_may_have(tmp_path):
    np.save(tmp_path / "quickdraw.npy", np.zeros((50, 784), np.uint8))
    with pytest.raises(
        DatasetError, match=r"reshape it, perhaps by .reshape\(-1, 28, 28\), before"
    ):
        records(tmp_path / "quickdraw.npy")


# ---- what is not read


def database() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table a (b)")
    return connection.serialize()


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    return stream.getvalue()


MANGLED = "a picture that a transfer as text has damaged"
FORMS = {
    "data_batch_1": (pickle.dumps({"data": PIXELS}, 2), "a Python pickle"),
    "mnist.pkl": (pickle.dumps(PIXELS), "a Python pickle"),
    "mnist.pkl.gz": (gzip.compress(pickle.dumps(PIXELS)), "a Python pickle"),
    "old.pkl": (pickle.dumps([1], 0), "a Python pickle"),
    "emnist.mat": (b"MATLAB 5.0 MAT-file, Platform" + bytes(100), "a MATLAB file"),
    "usps.h5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file"),
    "model.pt": (zipped(), "a model or tensors"),
    "comic.cbz": (zipped(), "a zip archive"),
    "scans.7z": (b"7z\xbc\xaf\x27\x1c" + bytes(30), "a 7z archive"),
    "scans.rar": (b"Rar!\x1a\x07\x01\0", "a RAR archive"),
    "shard.tfrecord": (b"\x10\0\0\0\0\0\0\0" + bytes(30), "a TFRecord file"),
    "train.rec": (b"\x0a\x23\xd7\xce" + bytes(30), "a RecordIO file"),
    "set.arrow": (b"\xff\xff\xff\xffx\x02\0\0" + bytes(30), "an Arrow file"),
    "set.feather": (b"ARROW1\0\0" + bytes(30), "an Arrow file"),
    "set.db": (database(), "an SQLite database"),
    "data.mdb": (bytes(16) + b"\xde\xc0\xef\xbe" + bytes(30), "an LMDB database"),
    "scan.dcm": (bytes(128) + b"DICM" + bytes(30), "a DICOM file"),
    "film.mp4": (b"\0\0\0\x18ftypisom" + bytes(30), "a video"),
    "film.mov": (b"\0\0\0\x14ftypqt  " + bytes(30), "a video"),
    "film.avi": (b"RIFF\0\0\0\0AVI LIST", "a video"),
    "film.mkv": (b"\x1a\x45\xdf\xa3" + bytes(30), "a video"),
    "annotations.json": (b'{"images": []}', "annotations"),
    "list.txt": (b"a.png 7\n", "text"),
    "labels.xlsx": (zipped(), "a spreadsheet"),
    "notes.gz": (gzip.compress(b"milk"), "a file packed by gzip"),
    "a.png.gz": (gzip.compress(encoded(0)), "a file packed by gzip"),
    "page.png": (b"\n<!DOCTYPE html><html>404", "a web page"),
    "saved.htm": (b"<html><head>", "a web page"),
    "a.tif": (b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS"),
    "denied.jpg": (b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>', "a web page"),
    "text.png": (base64.b64encode(encoded(0)), "a picture as base64 text"),
    "uri.jpg": (b"data:image/jpeg;base64,/9j/", "a picture as base64 text"),
    "lines.png": (encoded(0).replace(b"\r\n", b"\n"), MANGLED),
    "decoded.png": (
        encoded(0).decode("utf-8", "replace").encode(),
        MANGLED,
    ),
    "latin.png": (encoded(0).decode("latin-1").encode(), MANGLED),
    "latin.jpg": (b"\xff\xd8\xff\xe0".decode("latin-1").encode(), MANGLED),
    "a.jxl": (b"\xff\x0a" + bytes(30), "a JPEG XL picture"),
    "b.jxl": (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
    "a.exr": (b"\x76\x2f\x31\x01" + bytes(30), "an OpenEXR picture"),
    "a.cr3": (b"\0\0\0\x18ftypcrx " + bytes(30), "a camera's raw picture"),
    "scans.zst": (b"\x28\xb5\x2f\xfd" + bytes(30), "a file packed by zstd"),
}


@pytest.mark.parametrize("name", FORMS)
def test_what_is_not_read_is_named_for_what_it_is_with_what_to_do(tmp_path, name):
    content, what = FORMS[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError) as caught:
        records(tmp_path / name)
    message = str(caught.value)
    assert f"{name} is {what}, which is not read: " in message
    assert len(message.split(": ")[1]) > 10  # what to do
    assert "Read are pictures, folders" in message


@pytest.mark.parametrize(
    "name",
    [
        *(
            "data_batch_1",
            "emnist.mat",
            "film.mp4",
            "set.db",
            "page.png",
            "a.tif",
            "a.jxl",
            "a.cr3",
        ),
        *(
            "denied.jpg",
            "text.png",
            "uri.jpg",
            "lines.png",
            "decoded.png",
            "latin.png",
            "latin.jpg",
        ),
    ],
)
def test_among_pictures_it_is_an_unreadable_one_that_is_named(tmp_path, name):
    content, what = FORMS[name]
    with pytest.raises(ImageError, match=f"^{what}, which is not read: [a-z]"):
        read_image(content)


def test_a_file_named_as_a_picture_or_without_an_ending_is_an_unreadable_picture(tmp_path):
    for name, content in (("a.png", b"text"), ("photo", b"nothing known"), ("b.jpg", b"")):
        (tmp_path / name).write_bytes(content)
        [record] = records(tmp_path / name)
        with pytest.raises(ImageError):
            record.pixels()
