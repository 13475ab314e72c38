"""`likewise info`."""

from __future__ import annotations

import shutil

from index.operating_point import OperatingPoint
from likewise.matcher import Matcher
from tests.likewise.commands.running import (
    done,
    failure,
    rows,
)


def test_info_tells_what_a_gallery_holds(gallery, fake):
    text = done("info", gallery).stdout
    for output in ("references: 300 in 10 groups", fake.fingerprint, "eer: 0.5000", "on disk"):
        assert output in text
    (described,) = rows("info", gallery, "--format", "json")
    assert described["references"] == 300
    assert sum(described["groups"].values()) == 300


def test_info_tells_the_rates_of_a_threshold_that_a_model_brought_along(gallery):
    with Matcher.open(gallery) as matcher:
        brought = {"threshold": 0.25, "fpir": 0.01, "fnir": 0.03, "unknown": 5000, "known": 5001}
        matcher.gallery.points.store("default", OperatingPoint.from_json(brought))
    assert "default: 0.2500 (FPIR 1 %, FNIR 3 %)" in done("info", gallery).stdout


def test_a_gallery_without_its_model_is_one_line(gallery):
    shutil.rmtree(gallery / "model")
    for command in (["info"], ["check", "mnist/test/00000"]):
        message = failure(command[0], gallery, *command[1:])
        assert "has no model" in message
        assert "Restore it from a backup, or build the gallery again" in message
