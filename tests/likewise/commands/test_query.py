"""`likewise query`."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from likewise.matcher import Matcher
from tests.likewise.commands.running import (
    ROOT,
    done,
    rows,
    run,
)


def test_query_prints_a_row_for_each_picture(gallery, scans, queries):
    result = rows("query", gallery, scans / "00.png", "mnist/test/00001", "-k", 2)
    assert [row["id"] for row in result] == [str(scans / "00.png"), "mnist/test/00001"]
    with Matcher.open(gallery) as matcher:
        nearest = matcher.query([query.pixels() for query in queries[:2]], k=2)
    expected = [[near.id for near in nearest[place]] for place in range(2)]
    assert [[near["id"] for near in row["neighbours"]] for row in result] == expected


def test_a_printed_distance_is_the_float32_that_a_search_gives(gallery, queries):
    (row,) = rows("query", gallery, "mnist/test/00000")
    with Matcher.open(gallery) as matcher:
        expected = matcher.query([queries[0].pixels()]).distances[0]
    printed = np.array([near["distance"] for near in row["neighbours"]], np.float32)
    np.testing.assert_array_equal(printed, expected)


def test_an_unreadable_query_is_a_row_with_a_reason(gallery, scans):
    (row,) = rows("query", gallery, scans / "05.png")
    assert (row["neighbours"], row["reason"][:9]) == ([], "truncated")


def test_query_shows_pictures_when_asked(gallery, scans):
    result = done("query", gallery, scans / "00.png", scans / "06.png", "--pictures")
    assert "▀" in result.stdout
    assert "\x1b" not in result.stdout  # no terminal, no colour
    assert "06.png: not a picture" in result.stderr


def test_query_as_a_table_has_a_line_for_each_neighbour(gallery):
    lines = done("query", gallery, "mnist/test/00000", "-k", 3, "--format", "table").stdout
    assert len(lines.splitlines()) == 2 + 3


@pytest.mark.costly
def test_a_query_imports_neither_tensorflow_nor_what_only_other_commands_need(gallery, tmp_path):
    code = (
        "import sys; from tests.fakes import install; install(); from cli import main\n"
        "main(sys.argv[1:], standalone_mode=False); print(*sys.modules)"
    )
    command = [sys.executable, "-c", code, "query", str(gallery), "mnist/test/00000"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ})
    loaded = set(ran.stdout.splitlines()[-1].split())
    assert not {"tensorflow", "keras", "pyarrow", "tqdm", "tabulate", "PIL"} & loaded


@pytest.mark.parametrize("beside", [("-o", "rows.csv"), ("--format", "csv")])
def test_pictures_in_a_terminal_are_not_rows_too(gallery, scans, beside):
    result = run("query", gallery, scans / "00.png", "--pictures", *beside)
    assert result.exit_code == 2
    assert "Use --pictures, or -o or --format" in result.stderr
