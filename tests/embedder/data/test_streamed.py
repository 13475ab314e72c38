"""Pictures that are streamed are those that memory would hold, and a changed source is refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from embedder.data.sources import load
from embedder.data.splits import split
from embedder.data.streamed import Streamed
from embedder.errors import DatasetError


@pytest.fixture
def folder(tmp_path):
    """Two groups of ten pictures of two sizes, with one file that is no picture."""
    rng = np.random.default_rng(0)
    for number in range(20):
        group = tmp_path / "set" / "ab"[number % 2]
        group.mkdir(parents=True, exist_ok=True)
        size = (9, 7 + number % 2, 3)
        Image.fromarray(rng.integers(0, 256, size, np.uint8)).save(group / f"{number:02}.png")
    (tmp_path / "set" / "a" / "05.png").write_bytes(b"not a picture")
    return tmp_path / "set"


def both(folder):
    return load(folder, remarks=[]), load(folder, remarks=[], keep=False)


def test_streamed_pictures_are_those_of_memory(folder) -> None:
    kept, streamed = both(folder)
    assert isinstance(streamed.images, Streamed)
    assert (streamed.ids, streamed.labels) == (kept.ids, kept.labels)
    assert (streamed.digest, streamed.contents) == (kept.digest, kept.contents)
    assert streamed.shapes == kept.shapes == {(9, 7, 3), (9, 8, 3)}
    for _ in range(2):  # as often as wanted
        for first, second in zip(kept.images, streamed.images, strict=True):
            np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(streamed.images[7], kept.images[7])
    assert [picture.shape for picture in streamed.images[3:6]] == [
        picture.shape for picture in kept.images[3:6]
    ]


def test_parts_of_a_streamed_set_are_those_of_memory(folder) -> None:
    for kept, streamed in zip(*(split(whole, 0.3, 1) for whole in both(folder)), strict=True):
        assert streamed.ids == kept.ids
        assert streamed.digest == kept.digest
        later = list(streamed.each(lambda row, picture: (row, picture.shape), first=2))
        assert later == [(row, kept.images[row].shape) for row in range(2, len(kept))]


def test_a_picture_that_is_gone_meanwhile_is_named(folder) -> None:
    _, streamed = both(folder)
    (folder / "b" / "07.png").unlink()
    with pytest.raises(DatasetError, match=r"Expected b/07.png where it was read before"):
        list(streamed.images)


def test_a_picture_that_is_damaged_meanwhile_is_named(folder) -> None:
    _, streamed = both(folder)
    (folder / "b" / "07.png").write_bytes(b"no more")
    with pytest.raises(DatasetError, match=r"b/07.png can no longer be read: not a picture"):
        list(streamed.images)


def test_rows_of_streamed_pictures_must_ascend(folder) -> None:
    with pytest.raises(ValueError, match="must ascend"):
        both(folder)[1].subset([3, 2])
