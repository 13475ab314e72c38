"""An operating point to JSON and back: unknown fields and the order of fields survive."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.operating_point import OperatingPoint, expected_fpir

GALLERIES = sorted((Path(__file__).parents[1] / "data").rglob("gallery.json"))


@pytest.mark.parametrize("path", GALLERIES, ids=lambda path: path.parent.name)
def test_the_points_of_every_stored_gallery_are_written_as_they_were_read(path):
    for stored in json.loads(path.read_text())["operating_points"].values():
        written = OperatingPoint.from_json(stored).to_json()
        assert json.dumps(written) == json.dumps(stored)


def test_a_field_that_is_not_known_survives_and_a_new_one_comes_last():
    point = OperatingPoint.from_json({"lens": "macro", "threshold": 0.5, "n": None})
    written = replace(point, evidence="a6e2").to_json()
    assert list(written.items()) == [
        ("lens", "macro"),
        ("threshold", 0.5),
        ("n", None),
        ("evidence", "a6e2"),
    ]


def test_a_calibrated_point_says_that_it_has_no_target_and_no_fnir():
    point = OperatingPoint(threshold=0.5, rate="cost")
    assert point.to_json() == {"threshold": 0.5, "rate": "cost", "target": None, "fnir": None}
    assert OperatingPoint(threshold=0.5).to_json() == {"threshold": 0.5}


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({}, r"a `threshold` >= 0\. Received: None"),
        ({"threshold": -1}, "Received: -1"),
        ({"threshold": "1"}, "Received: '1'"),
    ],
)
def test_a_point_without_a_threshold_of_0_or_more_is_refused(stored, message):
    with pytest.raises(ValueError, match=message):
        OperatingPoint.from_json(stored)


@given(st.floats(0, 1), st.integers(1, 10**6), st.integers(0, 10**6))
def test_a_larger_gallery_is_never_expected_to_match_fewer_unknowns(rate, size, more):
    assert rate - 1e-9 <= expected_fpir(rate, size, size + more) <= 1


def test_twice_the_gallery_is_two_draws():
    for rate, times in itertools.product([0.0, 0.001, 0.01, 0.5, 1.0], [1, 2, 10]):
        assert expected_fpir(rate, 100, 100 * times) == pytest.approx(1 - (1 - rate) ** times)


def test_a_point_that_came_with_the_model_is_never_outdated():
    assert OperatingPoint(threshold=0.5).outdated("eer", size=10, generation=3) is None


def test_a_point_is_outdated_once_the_gallery_has_changed():
    point = OperatingPoint(threshold=1, gallery_size=100, generation=4, fpir=0.01)
    assert point.outdated("p", size=100, generation=4) is None
    assert "up to about 0.02 where it was 0.01" in str(point.outdated("p", 200, 9))
    assert "up to about 0.01 where it was 0.01" in str(point.outdated("p", 100, 5))
