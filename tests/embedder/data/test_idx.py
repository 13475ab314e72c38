"""IDX files of any size, with labels beside them, damaged and too long."""

from __future__ import annotations

import gzip
import struct
import tracemalloc

import numpy as np
import pytest

from embedder.data.sources import records
from embedder.errors import DatasetError
from tests.embedder.data.sources import LABELS, PIXELS, idx, pixels, rows


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
    with pytest.raises(DatasetError, match="name the images file, not the labels file"):
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
        (gzip.compress(idx(PIXELS) + b"more"), "is longer than the 5 rows"),
        (idx(PIXELS) + b"more", "is longer than the 5 rows"),
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
    with pytest.raises(DatasetError, match="a-labels-idx1-ubyte is longer than the 5 rows"):
        records(tmp_path / "a-images-idx3-ubyte")


@pytest.mark.costly
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
