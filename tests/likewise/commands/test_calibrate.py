"""`likewise calibrate`."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from index.decision import CheckOptions
from likewise.matcher import Matcher
from tests.likewise.commands.running import (
    done,
    failure,
    rows,
    run,
)


@pytest.mark.costly
def test_calibrate_prints_what_it_measured_and_check_uses_it(gallery):
    result = done("calibrate", gallery, "mnist/test", "--fpir", 0.01)
    point = json.loads(result.stdout)
    assert (point["name"], point["false"], point["queries"]) == ("fpir-0.01", 100, 10_000)
    assert "FPIR 1 %: 100 of 10000 unknowns were matched (95 %: 0.814 %" in result.stderr
    (row,) = rows("check", gallery, "mnist/test/00000")
    assert np.float32(row["threshold"]) == np.float32(point["threshold"])
    (old,) = rows("check", gallery, "mnist/test/00000", "--at", "eer")
    assert old["threshold"] == 0.5


def test_a_calibrated_answer_is_the_same_in_python(gallery, queries):
    done("calibrate", gallery, "--fpir", 0.05, "--per-group", "--min-margin", 0.01)
    printed = rows("check", gallery, "mnist/test/00000", "mnist/test/00001", "--evidence")
    with Matcher.open(gallery) as matcher:
        answers = matcher.check(
            [query.pixels() for query in queries[:2]], CheckOptions(evidence=True)
        )
    for row, answer in zip(printed, answers, strict=True):
        assert (row["decision"], row["label"]) == (answer.decision, answer.label)
        assert np.float32(row["threshold"]) == np.float32(answer.threshold)
        assert row["p_value"] == answer.p_value


def test_evidence_is_a_column_of_check_and_of_query(gallery):
    done("calibrate", gallery, "--fpir", 0.05)
    for command, after in (("check", "threshold"), ("query", "id")):
        printed = done(command, gallery, "mnist/test/00000", "--evidence", "--format", "csv")
        head, line = csv.reader(printed.stdout.splitlines())
        place = head.index("p_value")
        assert head[place - 1] == after
        assert 0 < float(line[place]) <= 1


def test_evidence_without_a_calibration_is_one_sentence(gallery):
    assert "'eer'" in failure("check", gallery, "mnist/test/00000", "--evidence")


def test_costs_need_all_three_numbers(gallery):
    for target in ((), ("--fpir", 0.1)):
        result = run("calibrate", gallery, "--cost-false-match", 10, *target)
        assert result.exit_code == 2
        assert "Missing: --cost-miss and --share-unknown" in result.stderr


def test_calibrate_with_nothing_readable_says_why(gallery, scans):
    assert "not a picture" in failure(
        "calibrate", gallery, "--unknown", scans / "06.png", "--fpir", 0.1
    )


def test_a_gallery_is_calibrated_by_cross_validation_without_other_pictures(gallery):
    result = done("calibrate", gallery, "--cross-validate", "--fpir", 0.05)
    assert "divided into folds, each searched among the others" in result.stderr
    point = json.loads(result.stdout)
    assert point["false"] <= 0.05 * point["queries"]


def test_made_unknowns_are_for_a_target_fpir_and_labelled_pictures(gallery):
    result = run("calibrate", gallery, "mnist/test", "--fmr", "0.01", "--made-unknowns")
    assert result.exit_code == 2
    assert "--made-unknowns is for --fpir" in result.stderr
    result = run("calibrate", gallery, "--fpir", "0.1", "--made-unknowns")
    assert result.exit_code == 2
    assert "name labelled pictures" in result.stderr


def test_cross_validation_takes_no_other_pictures(gallery):
    result = run("calibrate", gallery, "mnist/test", "--cross-validate", "--fpir", 0.05)
    assert result.exit_code == 2
    assert "leave out DATA and --unknown" in result.stderr


@pytest.mark.parametrize("more", [("calibrate", "--fpir", 0.1), ("evaluate", "--out", "report")])
def test_stdin_is_not_taken_for_two_lists(gallery, scans, more):
    command, *options = more
    result = run(command, gallery, "-", "--unknown", "-", *options, input=f"{scans / '06.png'}\n")
    assert result.exit_code == 2
    assert "stdin can be read only once" in result.stderr
