"""One list of columns: every form of output has every value of a row."""

from __future__ import annotations

import io
import json
from csv import DictReader
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from index.decision import Decision
from index.neighbours import Neighbour
from likewise.output.columns import columns, in_order
from likewise.output.frames import arrow_table, data_frame
from likewise.output.rows import (
    Row,
    decision_row,
    error_row,
    query_error_row,
    query_row,
    remarked,
)
from likewise.output.writers import writer

NEAR = [Neighbour(1, "one.png", "007", 0.25), Neighbour(2, "two.png", "1e5", 0.5)]
MATCH = Decision("match", "007", 0.25, 0.5, "1e5", 0.5, NEAR)
PROVEN = Decision("match", "007", 0.25, 0.5, "1e5", 0.5, NEAR, p_value=0.125)
ROWS: dict[str, list[Row]] = {
    "check": [decision_row("a", MATCH), error_row("b", "cut off", 0.5)],
    "check with evidence": [decision_row("a", PROVEN), error_row("b", "cut off", 0.5)],
    "check, unreadable first": [error_row("b", "cut off", 0.5), decision_row("a", MATCH)],
    "check of a flat picture": [remarked(decision_row("a", MATCH), "nearly one grey value")],
    "query": [query_row("a", NEAR), query_error_row("b", "cut off")],
    "query with evidence": [query_row("a", NEAR, 0.125), query_error_row("b", "cut off")],
    "query, unreadable first": [query_error_row("b", "cut off"), query_row("a", NEAR, 0.125)],
    "query of a flat picture": [remarked(query_row("a", NEAR), "nearly one grey value")],
}


def written(form: str, rows: list[Row]) -> bytes:
    stream = io.BytesIO()
    names = columns(
        2,
        decided=any("decision" in row for row in rows),
        evidence=any("p_value" in row for row in rows),
    )
    rows_to = writer(form, stream, names)
    rows_to.write(rows)
    rows_to.close()
    return stream.getvalue()


def scalars(row: dict[str, Any]) -> dict[str, Any]:
    """The values of a row that are there, without its neighbours."""
    given = {name: value for name, value in row.items() if value is not None and value != ""}
    return {name: value for name, value in given.items() if not name.startswith("neighbour")}


@pytest.mark.parametrize("kind", ROWS)
def test_parquet_and_arrow_have_every_value_of_a_row(kind):
    rows = ROWS[kind]
    decided = "decision" in rows[0]
    for table in (
        pq.read_table(io.BytesIO(written("parquet", rows))),
        arrow_table(rows, decided=decided),
    ):
        assert list(map(scalars, table.to_pylist())) == list(map(scalars, rows))
        assert [row["neighbours"] for row in table.to_pylist()] == [r["neighbours"] for r in rows]


@pytest.mark.parametrize("kind", ROWS)
def test_csv_and_pandas_have_every_value_of_a_row_as_text(kind):
    rows = ROWS[kind]
    read = list(DictReader(written("csv", rows).decode().splitlines()))
    expected = [{name: str(value) for name, value in scalars(row).items()} for row in rows]
    assert list(map(scalars, read)) == expected
    assert [row["neighbour_2_label"] for row in read] == [
        "1e5" if row["neighbours"] else "" for row in rows
    ]
    pytest.importorskip("pandas")
    frame = data_frame(rows, decided="decision" in rows[0]).replace({np.nan: None})
    assert list(map(scalars, frame.to_dict("records"))) == list(map(scalars, rows))


@pytest.mark.parametrize("kind", ROWS)
def test_json_lines_have_every_value_of_a_row(kind):
    lines = written("jsonl", ROWS[kind]).splitlines()
    assert list(map(json.loads, lines)) == ROWS[kind]


@pytest.mark.parametrize("kind", ROWS)
def test_a_table_shows_every_value_of_a_row_and_labels_as_they_are(kind):
    text = written("table", ROWS[kind]).decode()
    head = text.split("\n")[0].split()
    assert head == in_order(set(head))
    for row in ROWS[kind]:
        for name, value in scalars(row).items():
            assert name in head
            assert (f"{value:.4f}" if isinstance(value, float) else value) in text
    if "query" in kind:
        assert [line.split()[3] for line in text.split("\n") if " one.png" in line] == ["007"]
    assert "7.0000" not in text
    assert "100000" not in text


def test_a_table_has_no_column_that_no_row_has():
    assert "reason" not in written("table", [decision_row("a", MATCH)]).decode()
    assert "p_value" not in written("table", [query_row("a", NEAR)]).decode()


def test_the_columns_have_one_order_in_each_form():
    names = columns(0, decided=True, evidence=True)
    assert names == [
        *("id", "decision", "label", "distance", "threshold", "p_value"),
        *("runner_up_label", "runner_up_distance", "reason"),
    ]
    rows = ROWS["check with evidence"]
    parquet = pq.read_table(io.BytesIO(written("parquet", rows))).column_names
    assert [name for name in parquet if name != "neighbours"] == names
    assert written("csv", rows).decode().split("\n")[0].split(",")[: len(names)] == names


def test_a_column_that_no_list_has_is_an_error():
    with pytest.raises(ValueError, match=r"Received: \['shade'\]"):
        in_order({"id", "shade"})
