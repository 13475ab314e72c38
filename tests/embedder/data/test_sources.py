"""Every source through `records` and `load`, and data sets in memory."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from embedder.data.sources import Dataset, load, records
from embedder.errors import DatasetError
from tests.embedder.data.sources import PIXELS, picture, rows


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
