"""`likewise compare`."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tests.likewise.commands.running import (
    done,
    failure,
    rows,
)


def test_compare_gives_distance_and_decision(gallery, scans):
    (row,) = rows("compare", scans / "00.png", "mnist/test/00000", "--gallery", gallery)
    assert (row["distance"], row["threshold"], row["decision"]) == (0.0, 0.5, "match")


def test_compare_wants_one_picture_on_each_side(gallery, scans):
    assert "Received: several, 00.png" in failure("compare", scans, "mnist/test/00000")


def test_compare_of_an_unreadable_picture_names_it(fake, scans):
    assert "06.png cannot be read" in failure("compare", scans / "06.png", "mnist/test/00000")


def test_compare_judges_a_pair_by_the_operating_point_that_is_named(gallery):
    done("calibrate", gallery, "--fmr", 0.01)
    pair = ("compare", "mnist/test/00000", "mnist/test/00017", "--gallery", gallery)
    (calibrated,), (old,) = rows(*pair), rows(*pair, "--at", "eer")
    assert np.float32(calibrated["threshold"]) < old["threshold"] == 0.5


def test_photographs_are_not_judged_by_the_digits_model_without_a_word(tmp_path, rng):
    for name in ("a.png", "b.png"):
        Image.fromarray(rng.integers(0, 256, (90, 90, 3), np.uint8)).save(tmp_path / name)
    sides = (tmp_path / "a.png", tmp_path / "b.png")
    assert "was not made for these pictures" in done("compare", *sides).stderr
    assert done("compare", "mnist/test/00000", "mnist/test/00017").stderr == ""
