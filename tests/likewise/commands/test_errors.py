"""Errors in one line, wrong usage as exit status 2."""

from __future__ import annotations

import pytest

from likewise.matcher import Matcher
from tests.likewise.commands.running import (
    failure,
    run,
)


def test_a_path_that_is_not_a_gallery_is_one_line(tmp_path, fake):
    for command in ("query", "check"):
        assert "no-such.gallery" in failure(command, tmp_path / "no-such.gallery", "mnist/test")
    assert "no-such.gallery" in failure("info", tmp_path / "no-such.gallery")


@pytest.mark.parametrize("command", ["build", "add", "query", "check", "calibrate"])
def test_an_empty_input_is_not_taken_for_the_current_folder(gallery, tmp_path, command):
    place = tmp_path / "new.gallery" if command == "build" else gallery
    options = ["--fpir", 0.1] if command == "calibrate" else []
    assert "An input is an empty string" in failure(command, place, "", *options)


def test_a_defect_is_one_line_that_says_so(gallery, monkeypatch):
    monkeypatch.setattr(Matcher, "open", lambda path: 1 / 0)
    assert "Unexpected ZeroDivisionError" in failure("info", gallery)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("check", "g", "i", "--resume"), "--resume needs -o FILE"),
        (("check", "g", "i", "-o", "rows.xls"), "rows.xls should end in one of .jsonl"),
        (("check", "g", "i", "--threshold", "-1"), "-1"),
        (("check", "g", "i", "--threshold", "nan"), "nan is not a finite number"),
        (("calibrate", "g", "--fpir", "nan"), "nan is not a finite number"),
        (("calibrate", "g", "--fpir", "1e-300"), "1e-300 is too small"),
        (("calibrate", "g", "--cost-miss", "inf"), "inf is not a finite number"),
        (("evaluate", "g", "i", "--out", "o", "--seeds", "101"), "101 is not in the range"),
        (("train", "--out", "m", "--learning-rate", "inf"), "inf is not in the range 0<x<=1."),
        (
            ("train", "--out", "m", "--margin", "nan"),
            "nan is not a finite number",
        ),
        (("train", "--out", "m", "--outliers", "1e9"), "not in the range 0<=x<=1."),
        (("query", "g", "i", "-k", "0"), "0 is not in the range"),
        (("query", "g"), "Missing argument 'INPUT...'"),
        (("compare", "a", "b", "--gallery", "g", "--model", "m"), "not both"),
        (("embed", "i"), "Missing option '-o'"),
        (("nonsense",), "No such command 'nonsense'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_status_2(arguments, sentence):
    result = run(*arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("calibrate", "GALLERY"),
        ("calibrate", "GALLERY", "--fpir", 2),
        ("check", "GALLERY", "mnist/test/00000", "--at", "eer", "--threshold", 1),
        ("query", "GALLERY", "mnist/test/00000", "--at", "eer"),
        ("compare", "mnist/test/00000", "mnist/test/00001", "--at", "eer"),
    ],
)
def test_wrong_usage_of_operating_points_ends_with_2(gallery, options):
    assert run(*(gallery if word == "GALLERY" else word for word in options)).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("check", "digits.gallery", "postgresql://ann:hidden@h/shop#shoes"),
        ("query", "Postgres+x://ann:hidden@h/shop#shoes", "mnist/test/00000"),
        ("embed", "mnist/test/00000", "-o", "postgresql://ann:hidden@h/shop#shoes.npy"),
    ],
)
def test_a_password_in_an_address_at_the_wrong_place_is_not_shown(
    words, tmp_path, monkeypatch, gallery
):
    monkeypatch.chdir(gallery.parent)
    result = run(*words)
    assert result.exit_code in (1, 2)
    assert "hidden" not in result.output
