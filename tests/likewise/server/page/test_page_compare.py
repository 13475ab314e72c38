"""The view Compare: two pictures, one distance."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from playwright.sync_api import expect

import likewise
from index.operating_point import OperatingPoint
from tests.likewise.server.page.driver import LIKEWISE, Server, draw, drop

pytestmark = pytest.mark.slow


def test_two_pictures_are_as_far_apart_as_the_command_line_says(open_page, server, digits, folder):
    page = open_page(server, "compare")
    drop(page, ".compare-first", [folder / "00.png"])
    drop(page, ".compare-second", [folder / "01.png"])  # a 7 and a 2
    expect(page.locator("#compare-verdict .chip")).to_have_text("No match")
    shown = page.locator(".apart").inner_text()

    command = [LIKEWISE, "compare", folder / "00.png", folder / "01.png"]
    done = subprocess.run([*command, "--gallery", digits], capture_output=True)
    assert float(shown) == pytest.approx(json.loads(done.stdout)["distance"], abs=0.001)


def test_two_drawn_ones_match_at_the_eer_threshold(open_page, server):
    page = open_page(server, "compare")
    for side in ("first", "second"):
        draw(page, "1", f".compare-{side} canvas")
    page.locator("#compare-threshold").get_by_role("button", name="eer").click()
    expect(page.locator("#compare-verdict .chip")).to_have_text("Match")
    expect(page.locator(".apart")).to_have_text(re.compile(r"^0\.0"))


def test_one_picture_alone_gives_no_distance(open_page, server):
    page = open_page(server, "compare")
    draw(page, "1", ".compare-first canvas")
    expect(page.locator("#compare-verdict")).to_have_text("The distance appears here.")


def test_a_pair_at_the_very_threshold_matches(open_page, digits, folder, tmp_path):
    gallery, paths = shutil.copytree(digits, tmp_path / "digits.gallery"), sorted(folder.iterdir())
    with likewise.open(gallery) as matcher:
        apart = ((matcher.compare(paths[0], other), other) for other in paths[1:60])
        limit, other = next(pair for pair in apart if float(str(np.float32(pair[0]))) > pair[0])
        matcher.gallery.points.store("pair", OperatingPoint(threshold=limit))
    server = Server(gallery)
    try:
        page = open_page(server, "compare")
        drop(page, ".compare-first", [paths[0]])
        drop(page, ".compare-second", [other])
        expect(page.locator("#compare-verdict .chip")).to_have_text("Match")
    finally:
        server.stop()
