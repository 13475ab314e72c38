"""`likewise backup`."""

from __future__ import annotations

import re

from tests.likewise.commands.running import (
    done,
    failure,
    rows,
)


def test_a_backup_is_a_gallery_that_answers_the_same(gallery, scans, tmp_path):
    copy = tmp_path / "copy.gallery"
    output = done("backup", gallery, copy).stderr
    assert re.search(
        r"^Copied 300 references of .*digits\.gallery.*every row is verified\.$",
        output,
        re.MULTILINE,
    )
    assert rows("check", copy, scans) == rows("check", gallery, scans)
    assert "copy.gallery' exists already" in failure("backup", gallery, copy)


def test_a_backup_into_a_file_is_one_line(gallery, tmp_path):
    (tmp_path / "a.png").touch()
    for place in ("x", "x/y"):
        assert "is not a folder. Choose another path" in failure(
            "backup", gallery, tmp_path / "a.png" / place
        )
