"""`likewise tune`: set how a gallery is searched."""

from __future__ import annotations

import pytest

from index.gallery import Gallery
from index.search import division
from index.search.setting import EXACT, SearchSetting
from tests.likewise.commands.running import done, failure, rows, run

CHOSEN = "search: approximate, recall 0.8 promised for known and unknown queries"


@pytest.mark.costly
def test_tune_makes_a_search_approximate_and_says_what_it_finds(gallery, monkeypatch) -> None:
    monkeypatch.setattr(division, "FROM", 10)
    told = done("tune", gallery, "--recall", "0.8").stderr
    assert CHOSEN in told
    for kind in ("without themselves", "without their groups", "halfway between groups"):
        assert kind in told
    assert "% of decisions differ at eer" in told
    assert CHOSEN in done("info", gallery).stdout
    (described,) = rows("info", gallery, "--format", "json")
    assert (described["search"]["recall"], described["search"]["recall_of"]) == (0.8, "both")
    known = described["search"]["approximate"]["known"]
    assert known["asked"] == 300
    assert known["recall"] >= 0.8
    assert 0 <= known["differing"]["eer"] <= 1 - known["recall"]

    done("tune", gallery, "--search", "auto")
    assert "search: exact, by a scan of all references\n" in done("info", gallery).stdout
    with Gallery.open(gallery) as opened:
        assert opened.search_setting == EXACT


def test_tune_says_that_a_search_stays_exact(gallery) -> None:
    told = done("tune", gallery, "--recall", "0.99").stderr  # of 300 references
    assert "search: exact, by a scan of all references; recall 0.99 was chosen, but no" in told


def test_info_says_that_the_approximate_search_is_to_be_made(gallery) -> None:
    done("tune", gallery, "--recall", "0.99")
    (gallery / "vectors.codes").unlink()
    assert "the approximate search is to be made: run" in done("info", gallery).stdout


def test_tune_forces_scans_or_cells(gallery) -> None:
    assert "by a scan of all references, as was chosen" in (
        done("tune", gallery, "--search", "flat").stderr
    )
    told = done("tune", gallery, "--search", "cells").stderr
    assert "by 16 cells, measured" in told  # 2 to the power of log2(300) / 2, rounded
    assert "as was chosen" in told
    with Gallery.open(gallery) as opened:
        assert opened.search_setting == SearchSetting("cells")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Give --recall for approximate search, or --search for exact."),
        (["--search", "auto", "--recall-of", "known"], "--recall-of needs --recall."),
        (["--recall", "1"], "1.0 is not in the range 0<x<1"),
        (["--search", "hnsw"], "'hnsw' is not one of 'auto', 'flat', 'cells'"),
    ],
)
def test_other_options_are_refused(gallery, options, message) -> None:
    result = run("tune", gallery, *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_gallery_that_is_not_there_is_one_line(tmp_path) -> None:
    assert "Expected a gallery at" in failure("tune", tmp_path / "none", "--search", "auto")
