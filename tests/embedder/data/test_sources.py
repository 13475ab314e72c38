"""Every source through `records` and `load`, and data sets in memory."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embedder.data.sources import Dataset, load, records
from embedder.errors import DatasetError
from tests.embedder.data.sources import PIXELS, idx, picture, rows


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
        (".", "should hold pictures, but holds none"),
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


@pytest.mark.costly
def test_reading_arrays_imports_neither_pillow_nor_pyarrow():
    script = (
        "import sys, embedder, embedder.data.sources as d; next(d.records('mnist/test')).pixels();"
        "print(sorted({'PIL', 'pyarrow', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


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


def counted_sources(folder: Path) -> list[str | Path]:
    """One source of each kind that knows its count, in `folder`."""
    picture(folder / "in" / "a" / "1.png")
    picture(folder / "in" / "b" / "2.png")
    shutil.make_archive(str(folder / "in"), "zip", folder / "in")
    (folder / "letters-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(PIXELS)))
    np.savez(folder / "k.npz", x_train=PIXELS[:3], x_test=PIXELS[3:])
    (folder / "list.csv").write_text("path\na.png\nb.png\n")
    (folder / "list.jsonl").write_text('{"path": "a.png"}\n')
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.Table.from_pylist([{"path": "a.png"}] * 3), folder / "list.parquet")
    files = [path for path in folder.iterdir() if path.is_file()]
    return [folder / "in", f"{folder}/in/*/*.png", folder / "in" / "a" / "1.png", *files]


def test_a_source_counts_its_records_before_they_are_read(tmp_path):
    sources = counted_sources(tmp_path)
    assert len(sources) == 9
    for source in (*sources, "mnist/test/00003"):
        stream = records(source)
        assert stream.count() == len(list(stream)), source
    assert (records("mnist").count(), records("mnist", split="test").count()) == (70_000, 10_000)


def test_lines_of_a_gzip_are_not_counted(tmp_path):
    (tmp_path / "list.csv.gz").write_bytes(gzip.compress(b"path\na.png\n"))
    assert records(tmp_path / "list.csv.gz").count() is None


def test_a_gallery_is_not_read_as_a_folder_of_pictures(tmp_path):
    (tmp_path / "model").mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "model" / "pairs.png")
    for name in ("gallery.json", "references.sqlite"):
        (tmp_path / name).touch()
    with pytest.raises(DatasetError, match="is a gallery, which is asked and not read"):
        records(tmp_path)
