"""An operating point to JSON and back: unknown fields and the order of all survive."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from index.operating_point import OperatingPoint

GALLERIES = sorted((Path(__file__).parents[1] / "data").rglob("gallery.json"))
CALIBRATED = OperatingPoint(
    threshold=1, rate="fpir", target=0.01, gallery_size=1000, generation=7, fpir=0.01
)


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


@pytest.mark.parametrize("stored", [{}, {"threshold": -1}, {"threshold": "1"}])
def test_a_point_without_a_threshold_of_0_or_more_is_refused(stored):
    with pytest.raises(ValueError, match=r"a `threshold` >= 0\. Received"):
        OperatingPoint.from_json(stored)
