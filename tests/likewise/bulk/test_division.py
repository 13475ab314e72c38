"""An input in consecutive parts that can travel to other machines."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.data.cloud import CloudPicture
from embedder.data.records import Record
from embedder.data.sources import records
from embedder.errors import ImageError
from likewise.bulk.division import divided


def parts(stream, size, **limits) -> list[list[Record]]:
    """The parts as they arrive."""
    return [pickle.loads(pickle.dumps(part)) for part in divided(stream, size, **limits)]


@given(st.integers(0, 50), st.integers(1, 12))
def test_parts_are_consecutive_full_but_for_the_last_and_leave_nothing_out(total, size):
    named = [Record(f"{place}.png", None, Path(f"{place}.png")) for place in range(total)]
    divided_up = parts(named, size)
    assert [record.id for part in divided_up for record in part] == [each.id for each in named]
    assert [len(part) for part in divided_up[:-1]] == [size] * (
        -(-total // size) - 1 if total else 0
    )


def test_no_more_is_read_than_a_part_needs():
    endless = (Record(f"{place}.png", None, Path("a.png")) for place in iter(int, 1))
    assert len(next(divided(endless, 3))) == 3


def test_a_file_goes_by_its_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [[record]] = parts([Record("a", None, Path("scans/a.png"))], 1)
    assert record.image == Path(os.path.abspath("scans/a.png")) == tmp_path / "scans" / "a.png"


def test_rows_of_arrays_and_members_of_archives_go_with_their_records(scans, tmp_path):
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as archive:
        for path in sorted(scans.iterdir()):
            archive.write(path, path.name)
    sources: list[Any] = ["mnist/test", tmp_path / "scans.zip"]
    for source in sources:
        here = [read(record) for record in records(source).peek(7)]
        [there] = parts(records(source).peek(7), 7)
        if source != "mnist/test":
            source.unlink()
        assert [read(record) for record in there] == here


def read(record: Record) -> list | str:
    try:
        return record.pixels().tolist()
    except ImageError as error:
        return str(error)


def test_a_part_ends_early_where_large_pictures_travel_with_it():
    pictures = [Record(str(place), None, np.zeros((10, 10), np.uint8)) for place in range(5)]
    assert [len(part) for part in parts(pictures, 5, most_bytes=200)] == [2, 2, 1]


def test_a_member_that_cannot_be_read_becomes_its_reason():
    class Damaged:
        def read_bytes(self) -> bytes:
            raise ImageError("damaged in its archive")

    [[record]] = parts([Record("a", None, Damaged())], 1)
    with pytest.raises(ImageError, match="damaged in its archive"):
        record.pixels()


def test_a_picture_in_the_cloud_is_fetched_by_the_one_who_needs_it():
    picture = CloudPicture("not asked here", "bucket/1.png")
    [[sent]] = divided([Record("1.png", None, picture)], 10)
    assert sent.image is picture
