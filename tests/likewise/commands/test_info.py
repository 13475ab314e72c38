"""`likewise info`."""

from __future__ import annotations

import shutil

import numpy as np

from index.operating_point import OperatingPoint
from index.search.kept import KeptCells, write_kept
from index.search.mark import Mark
from likewise.commands import description
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


def test_info_as_json_names_every_group_in_order_however_many(gallery, monkeypatch):
    sizes = {'cat "Tom"': 1, "größe": 2, "\U0001f600": 1, "日本": 1}
    with Matcher.open(gallery) as matcher:
        labels = [label for label, size in sizes.items() for _ in range(size)]
        vectors = np.ones((len(labels), matcher.gallery.dim), np.float32)
        matcher.gallery.add([f"new/{row}" for row in range(len(labels))], vectors, labels)
    monkeypatch.setattr(description, "_GROUPS_AT_ONCE", 3)
    (described,) = rows("info", gallery, "--format", "json")
    with Matcher.open(gallery) as matcher:
        assert list(described["groups"].items()) == list(matcher.gallery.groups().items())
    assert sizes.items() <= described["groups"].items()
    assert len(described["groups"]) == 10 + len(sizes)


def test_info_as_json_of_an_empty_gallery_has_no_groups(tmp_path, fake):
    Matcher.create(tmp_path / "empty.gallery", fake).close()
    (described,) = rows("info", tmp_path / "empty.gallery", "--format", "json")
    assert (described["references"], described["groups"]) == (0, {})


def test_info_tells_the_rates_of_a_threshold_that_a_model_brought_along(gallery):
    with Matcher.open(gallery) as matcher:
        brought = {"threshold": 0.25, "fpir": 0.01, "fnir": 0.03, "unknown": 5000, "known": 5001}
        matcher.gallery.points.store("default", OperatingPoint.from_json(brought))
        matcher.gallery.points.store("mine", OperatingPoint.from_json(brought), default=True)
    told = done("info", gallery).stdout
    assert "default: 0.2500 (FPIR 1 %, FNIR 3 %)" in told
    assert "used unless --at names another: mine\n" in told  # not a second line `default: …`


def test_info_tells_how_references_are_searched(gallery):
    assert "search: exact, by a scan of all references\n" in done("info", gallery).stdout
    cells = KeptCells(300, 7.25, np.zeros((16, 2), np.float32), np.zeros(300, np.int64))
    write_kept(gallery, Mark(), cells)
    sentence = "by 16 cells, measured 7.2 times as fast as a full scan"
    assert f"search: exact, {sentence}\n" in done("info", gallery).stdout
    (described,) = rows("info", gallery, "--format", "json")
    assert described["search"] == {
        "way": "auto",
        "recall": None,
        "recall_of": "both",
        "cells": 16,
        "bundles": 0,
        "gain": 7.25,
        "approximate": None,
        "sentence": f"exact, {sentence}",
    }
    write_kept(gallery, Mark(), KeptCells(300, 0.9, cells.centroids[:0], cells.cell[:0]))
    assert "references; cells were measured to save no time\n" in done("info", gallery).stdout
    bundled = KeptCells(300, 0.9, cells.centroids[:0], cells.cell[:0], 8.5, np.arange(300) // 10)
    write_kept(gallery, Mark(), bundled)
    sentence = "by 30 bundles of close references of one group, measured 8.5 times as fast as"
    assert f"search: exact, {sentence} a full scan\n" in done("info", gallery).stdout


def test_a_gallery_without_its_model_is_one_line(gallery):
    shutil.rmtree(gallery / "model")
    for command in (["info"], ["check", "mnist/test/00000"]):
        message = failure(command[0], gallery, *command[1:])
        assert "has no model" in message
        assert "Restore it from a backup, or build the gallery again" in message
