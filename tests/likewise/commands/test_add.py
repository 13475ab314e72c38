"""`likewise add`."""

from __future__ import annotations

from index.gallery import Gallery
from likewise.matcher import Matcher
from tests.likewise.commands.running import (
    done,
    run,
)


def test_add_repeated_adds_nothing(gallery, folder):
    assert "30 added, 0 replaced, 0 unchanged" in done("add", gallery, folder).stderr
    assert "0 added, 0 replaced, 30 unchanged" in done("add", gallery, folder).stderr


def test_add_with_a_label_enrols_pictures_that_have_none(gallery, scans):
    result = done("add", gallery, scans, "--label", "scanned")
    assert "38 added" in result.stderr
    assert "unreadable: 06.png: not a picture" in result.stderr
    with Gallery.open(gallery) as opened:
        assert opened.labels["scanned"] == 38


def test_add_of_nothing_readable_is_an_error(gallery, scans):
    result = run("add", gallery, scans / "06.png", "--label", "x")
    assert result.exit_code == 1
    assert "No picture could be read" in result.stderr


def test_add_measures_the_threshold_that_a_build_cut_off_at_once_did_not(
    tmp_path, fake, folder, monkeypatch
):
    monkeypatch.setattr(fake, "operating_points", {})  # a model that brings none
    Matcher.create(tmp_path / "g", fake).close()
    assert "measured on the gallery itself" in done("add", tmp_path / "g", folder).stderr
    assert "itself" not in done("add", tmp_path / "g", folder).stderr
    with Gallery.open(tmp_path / "g") as opened:
        assert opened.points.default is not None
