from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.decision import Decision
from index.neighbours import Neighbour
from likewise.output.columns import columns
from likewise.output.rows import (
    decision_row,
    error_row,
    flat,
    for_people,
    json_line,
    shortest,
    shortest_threshold,
    together,
)

NEAR = [Neighbour(1, "a", "4", 0.25), Neighbour(2, "b", "9", 0.5)]
MATCH = Decision("match", "4", 0.25, 0.6, "9", 0.5, NEAR)


FLOAT32 = st.floats(0, 2, width=32) | st.floats(0, 1e6, width=32)


@pytest.mark.costly
@pytest.mark.costly
@given(FLOAT32)
def test_a_distance_survives_its_shortest_form(distance):
    [name] = shortest([distance])
    assert np.float32(json.loads(json.dumps(name))) == np.float32(distance)


def test_a_distance_has_no_digits_that_its_float32_does_not_need():
    assert json.dumps(shortest([float(np.float32(0.3))])) == "[0.3]"


def test_every_float32_is_written_as_numpy_names_it(rng):
    bits = rng.integers(0, 0x7F800000, 100_000, dtype=np.uint32)  # all from 0 to the greatest
    distances = np.concatenate([bits.view(np.float32), rng.random(100_000, np.float32)])
    assert shortest(distances.tolist()) == [float(str(distance)) for distance in distances]


def test_a_distance_that_is_not_there_stays_none():
    assert shortest([None, 0.5]) == [None, 0.5]


def test_a_threshold_that_no_float32_reaches_is_written_as_it_was_given():
    assert shortest_threshold(1e39) == 1e39


@given(st.text())
def test_any_id_comes_back_from_its_line(id):
    assert json.loads(json_line({"id": id})) == {"id": id}


def test_a_file_name_that_is_not_text_comes_back_from_its_line():
    assert json.loads(json_line({"id": "\udcff.png"})) == {"id": "\udcff.png"}


def test_a_line_of_distances_is_the_json_of_the_row():
    row = decision_row("x.png", MATCH)
    assert json.loads(json_line(row)) == row
    assert json.loads(json_line(row | {"id": "\udcff.png"})) == row | {"id": "\udcff.png"}


def test_a_row_stays_one_line():
    assert json_line({"id": "two\nlines"}).count(b"\n") == 1


def test_every_cell_of_a_flat_row_has_its_column():
    cells = flat(decision_row("x.png", MATCH)) | flat(error_row("y.png", "empty file", 0.6))
    assert list(columns(2, decided=True)) == sorted(cells, key=columns(2, decided=True).index)
    assert (cells["neighbour_2_label"], cells["reason"]) == ("9", "empty file")


def test_rows_with_many_neighbours_come_in_shorter_lists(monkeypatch):
    monkeypatch.setattr("likewise.output.rows.NEIGHBOURS_AT_ONCE", 4)
    rows = [{"id": str(n), "neighbours": [{}] * 2} for n in range(5)]
    assert [[row["id"] for row in batch] for batch in together(rows, 3)] == [
        ["0", "1"],
        ["2", "3"],
        ["4"],
    ]


def test_people_see_a_decision_without_neighbours_and_a_query_with_a_line_for_each():
    row = decision_row("x.png", MATCH)
    assert "neighbours" not in for_people([row])[0]
    lines = for_people([{"id": "x.png", "neighbours": row["neighbours"]}])
    assert [(line["rank"], line["neighbour"]) for line in lines] == [(1, "a"), (2, "b")]
