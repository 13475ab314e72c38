from __future__ import annotations

import csv
import gc
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from index.decision import CheckOptions
from likewise.bulk.stream import check_stream, query_stream
from likewise.errors import LikewiseError
from likewise.output.columns import columns
from likewise.output.writers import format_of, write_file, writer


@pytest.fixture
def rows(matcher, queries):
    return list(check_stream(matcher, queries, CheckOptions(k=2)))


def test_a_csv_holds_what_the_json_rows_hold(tmp_path, rows):
    write_file(tmp_path / "rows.csv", rows, columns(2, decided=True))
    with (tmp_path / "rows.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [row["id"] for row in read] == [row["id"] for row in rows]
    assert [row["neighbour_2_id"] for row in read] == [row["neighbours"][1]["id"] for row in rows]
    assert [float(row["distance"]) for row in read] == [row["distance"] for row in rows]
    assert {row["reason"] for row in read} == {""}


@pytest.mark.parametrize("name", ["a\rb", "a\nb", "a\r\nb", 'a"b', "a,b", "\r", "a\r"])
def test_a_csv_gives_back_every_id_as_it_is(tmp_path, name):
    rows = [{"id": name, "neighbours": []}, {"id": "next", "neighbours": []}]
    write_file(tmp_path / "rows.csv", rows, columns(0, decided=False))
    with (tmp_path / "rows.csv").open(newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)] == [name, "next"]
    assert (tmp_path / "rows.csv").read_bytes().startswith(b"id,reason\n")


def test_a_parquet_file_holds_what_the_json_rows_hold(tmp_path, rows):
    write_file(tmp_path / "rows.parquet", rows, columns(2, decided=True))
    read = pq.read_table(tmp_path / "rows.parquet").to_pylist()
    assert [row.pop("reason") for row in read] == [None] * len(rows)
    assert [row["neighbours"][0]["id"] for row in read] == [r["neighbours"][0]["id"] for r in rows]
    assert [row["distance"] for row in read] == pytest.approx([row["distance"] for row in rows])
    assert [row["threshold"] for row in read] == [row["threshold"] for row in rows]


def test_a_parquet_file_of_queries_has_no_decisions(tmp_path, matcher, queries):
    rows = query_stream(matcher, queries, CheckOptions(k=2))
    write_file(tmp_path / "rows.parquet", rows, columns(2, decided=False))
    assert pq.read_schema(tmp_path / "rows.parquet").names == ["id", "neighbours", "reason"]


def test_a_table_shows_what_a_terminal_would_act_on(matcher):
    stream = io.BytesIO()
    table = writer("table", stream, [])
    table.write([{"id": "a\n\x1b[2Jb.png", "decision": "match", "label": "größe\u202e"}])
    table.close()
    assert r"a\n\x1b[2Jb.png  match       größe\u202e" in stream.getvalue().decode()


def test_a_long_table_comes_in_parts(rows):
    stream = io.BytesIO()
    table = writer("table", stream, [])
    table.write(rows * 30)  # 1200 rows: one part of 1024, one of the rest
    assert stream.getvalue().count(b"runner_up_label") == 1
    table.close()
    assert stream.getvalue().count(b"runner_up_label") == 2


def test_a_label_of_digits_stays_as_it_is_in_a_table():
    stream = io.BytesIO()
    table = writer("table", stream, [])
    table.write([{"id": "007", "decision": "match", "label": "0070", "distance": 0.25}])
    table.close()
    assert stream.getvalue().decode().split("\n")[2].split() == ["007", "match", "0070", "0.2500"]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "rows.parquet"])
def test_no_rows_at_all_make_a_whole_file(tmp_path, name):
    write_file(tmp_path / name, [], columns(2, decided=True))
    assert (tmp_path / name).exists()


def test_json_lines_are_written_by_their_ending(tmp_path, rows):
    write_file(tmp_path / "rows.jsonl", rows, [])
    lines = (tmp_path / "rows.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == rows


def test_an_unknown_ending_is_refused_with_those_that_are_known():
    with pytest.raises(LikewiseError, match=r"rows\.xls should end in \.jsonl.*\.parquet"):
        format_of(Path("rows.xls"))


@pytest.mark.costly
@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.parquet"])
def test_a_file_that_fails_half_way_leaves_the_older_one_and_nothing_else(tmp_path, name):
    path = tmp_path / name
    path.write_text("older")

    def rows():
        yield {"id": "half.png", "neighbours": []}
        raise OSError("disk full")

    with pytest.raises(OSError, match="full"):
        write_file(path, rows(), ["id"])
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(name, "older")]
    gc.collect()  # a writer that was left open would complain now
