from __future__ import annotations

import gc

import numpy as np
import pyarrow.parquet as pq
import pytest

from embedder.data.sources import records
from likewise.bulk.embeddings import Embedded, Name, write_embeddings, write_vectors
from likewise.errors import LikewiseError


def test_a_npy_file_holds_the_embeddings_in_order(tmp_path, fake, queries):
    report = write_embeddings(fake, queries, tmp_path / "vectors.npy")
    expected = fake.embed(np.stack([query.pixels() for query in queries]))
    np.testing.assert_array_equal(np.load(tmp_path / "vectors.npy"), expected)
    assert report.rows == len(queries)


def test_the_row_of_an_unreadable_picture_is_nan(tmp_path, fake, scans):
    report = write_embeddings(fake, records(scans), tmp_path / "vectors.npy")
    empty = np.isnan(np.load(tmp_path / "vectors.npy")).all(axis=1)
    assert np.flatnonzero(empty).tolist() == [5, 6]
    assert [id for id, _ in report.unreadable] == ["05.png", "06.png"]


def test_a_parquet_file_has_ids_labels_and_reasons(tmp_path, fake, scans, queries):
    write_embeddings(fake, records(scans), tmp_path / "vectors.parquet")
    rows = pq.read_table(tmp_path / "vectors.parquet").to_pylist()
    assert [row["id"] for row in rows[:2]] == ["00.png", "01.png"]
    assert rows[5]["embedding"] is None
    assert rows[6]["reason"].startswith("not a picture")
    expected = fake.embed(queries[7].pixels()[None])[0]
    np.testing.assert_array_equal(np.float32(rows[7]["embedding"]), expected)


def test_a_vector_that_is_no_number_is_told_from_an_unreadable_picture(tmp_path):
    names: list[Name] = [
        ("read.png", None, None, True),
        ("damaged.png", None, "not a picture", False),
    ]
    rows = Embedded(names, np.full((2, 3), np.nan, np.float32))
    write_vectors(tmp_path / "vectors.parquet", 3, [rows])
    read, damaged = pq.read_table(tmp_path / "vectors.parquet").column("embedding").to_pylist()
    assert np.isnan(read).all()
    assert damaged is None


@pytest.mark.costly
def test_an_interrupted_file_leaves_nothing_and_no_complaint(tmp_path, fake, queries):
    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    for name in ("vectors.npy", "vectors.parquet"):
        with pytest.raises(KeyboardInterrupt):
            write_embeddings(fake, queries, tmp_path / name, progress=interrupt)
        gc.collect()  # a writer that was left open would complain now
        assert not list(tmp_path.glob("vectors*"))


def test_no_pictures_make_an_array_of_no_rows(tmp_path, fake):
    write_embeddings(fake, [], tmp_path / "vectors.npy")
    assert np.load(tmp_path / "vectors.npy").shape == (0, 16)


def test_another_ending_is_refused(tmp_path, fake, queries):
    with pytest.raises(LikewiseError, match=r"vectors\.txt should end in \.npy or \.parquet"):
        write_embeddings(fake, queries, tmp_path / "vectors.txt")
