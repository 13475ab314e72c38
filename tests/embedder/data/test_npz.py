"""NumPy archives as written by Keras and by users."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from embedder.data.sources import records
from embedder.errors import DatasetError
from tests.embedder.data.sources import LABELS, PIXELS, pixels, rows


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
    "names",
    ["images labels", "images targets", "x y", "X y", "data labels", "data target", "data targets"],
)
def test_pictures_and_labels_are_found_by_the_names_that_people_give_them(tmp_path, names):
    images, labels = names.split()
    arrays: dict[str, Any] = {images: PIXELS, labels: LABELS, "other": LABELS}
    np.savez(tmp_path / "a.npz", **arrays)
    assert rows(tmp_path / "a.npz")[2] == ("a.npz/00002", "1")


def test_arrays_saved_without_names_are_pictures_and_labels(tmp_path):
    np.savez(tmp_path / "a.npz", PIXELS, LABELS)
    assert rows(tmp_path / "a.npz")[2] == ("a.npz/00002", "1")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"pictures": PIXELS},
            "images and labels, or x_train and x_test, but holds pictures: rename its arrays.$",
        ),
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
