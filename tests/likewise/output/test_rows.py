from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from index.decision import Decision
from index.neighbours import Neighbour
from likewise.output.rows import (
    Shortest,
    columns,
    decision_row,
    decision_rows,
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


@given(st.floats(0, 1e6, width=32))
def test_a_distance_survives_its_shortest_form(distance):
    assert np.float32(json.loads(json.dumps(shortest(distance)))) == np.float32(distance)


def test_a_distance_has_no_digits_that_its_float32_does_not_need():
    assert json.dumps(shortest(float(np.float32(0.3)))) == "0.3"


def test_a_threshold_that_no_float32_reaches_is_written_as_it_was_given():
    assert shortest_threshold(1e39) == 1e39


@given(st.lists(st.floats(0, 2, width=32) | st.floats(0, 1e6, width=32)))
def test_many_distances_are_shortened_as_each_alone_is(distances):
    names = Shortest(distances)
    assert [names[distance] for distance in distances] == [*map(shortest, distances)]


def test_rows_made_together_are_those_made_one_by_one():
    answers = [MATCH, Decision("no_match", None, 0.7, 0.6, None, None, NEAR)]  # 0.7: not in NEAR
    one_by_one = [decision_row("x", answers[0]), decision_row("y", answers[1])]
    assert list(decision_rows(["x", "y"], answers)) == one_by_one


@given(st.text())
def test_any_id_comes_back_from_its_line(id):
    assert json.loads(json_line({"id": id})) == {"id": id}


def test_a_file_name_that_is_no_text_comes_back_from_its_line():
    assert json.loads(json_line({"id": "\udcff.png"})) == {"id": "\udcff.png"}


def test_a_row_stays_one_line():
    assert json_line({"id": "two\nlines"}).count(b"\n") == 1


def test_every_cell_of_a_flat_row_has_its_column():
    cells = flat(decision_row("x.png", MATCH)) | flat(error_row("y.png", "empty file", 0.6))
    assert list(columns(2, decided=True)) == sorted(cells, key=columns(2, decided=True).index)
    assert (cells["neighbour_2_label"], cells["reason"]) == ("9", "empty file")


def test_rows_with_many_neighbours_come_in_shorter_lists(monkeypatch):
    monkeypatch.setattr("likewise.output.rows.NEIGHBOURS_AT_ONCE", 4)
    rows = [{"id": str(n), "neighbours": [{}] * 2} for n in range(5)]
    assert [[row["id"] for row in some] for some in together(rows, 3)] == [
        ["0", "1"],
        ["2", "3"],
        ["4"],
    ]


def test_people_see_a_decision_without_neighbours_and_a_query_with_a_line_for_each():
    row = decision_row("x.png", MATCH)
    assert "neighbours" not in for_people([row])[0]
    lines = for_people([{"id": "x.png", "neighbours": row["neighbours"]}])
    assert [(line["rank"], line["neighbour"]) for line in lines] == [(1, "a"), (2, "b")]
