"""The bundled MNIST: whole, by halves, by digits, and altered."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from embedder.data import bundled
from embedder.data.sources import load, records
from embedder.errors import DatasetError


@pytest.mark.costly
def test_mnist_is_bundled_whole():
    train, test = load("mnist/train"), load("mnist/test")
    assert (np.shape(train.images), np.shape(test.images)) == ((60_000, 28, 28), (10_000, 28, 28))
    assert train.labels[:5] == ["5", "0", "4", "1", "9"]
    assert (train.ids[17], test.ids[-1]) == ("mnist/train/00017", "mnist/test/09999")
    assert sum(1 for _ in records("mnist")) == 70_000


@pytest.mark.costly
def test_the_bundled_data_are_known_by_their_digests():
    for source in ("mnist", "mnist/train", "mnist/test"):
        data = load(source)
        pictures = bundled.pictures_of(data.digest)
        assert pictures is not None
        np.testing.assert_array_equal(list(pictures), data.images)
    assert bundled.pictures_of("0" * 64) is None


def test_a_half_or_one_digit_can_be_named():
    assert next(iter(records("mnist", split="test"))).id == "mnist/test/00000"
    (item,) = records("mnist/test/42")
    assert item.id == "mnist/test/00042"
    np.testing.assert_array_equal(item.pixels(), load("mnist/test").images[42])


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
