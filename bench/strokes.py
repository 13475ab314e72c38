"""Twenty digits drawn on the page with the mouse: `python -m bench.strokes [--model DIR]`.

Each digit is drawn in two ways, in one of three sizes, fast (few places of the mouse, so that
curves become corners) or slowly, in headless Chromium, and asked of a gallery of MNIST's 60,000
training digits at the default threshold. One line of JSON for each, and a sum. Needs Debian's
Chromium and the extra `dev`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from playwright.sync_api import Page, sync_playwright

from bench.command import Benchmark
from bench.material import Material
from bench.page import chromium
from bench.serve import server

# Strokes in shares of a box of 0.6 x 1; a point a line, as people move their hand.
STROKES: dict[str, tuple[str, str]] = {
    "0": (
        ".32,.02 .1,.2 .02,.52 .12,.86 .3,.98 .5,.84 .58,.5 .5,.16 .32,.02",
        ".4,.06 .16,.08 .03,.4 .08,.8 .32,.99 .54,.78 .57,.36 .46,.12 .3,.1",
    ),
    "1": (".32,0 .3,.5 .28,1", ".02,.42 .2,.2 .38,0 .37,.5 .36,1"),
    "2": (
        ".06,.2 .2,.03 .42,.03 .54,.2 .4,.52 .04,.97 .3,.95 .6,.96",
        ".08,.24 .24,.02 .48,.1 .5,.34 .26,.7 .1,.9 .02,.84 .12,.76 .3,.88 .58,.94",
    ),
    "3": (
        ".08,.1 .3,.01 .5,.14 .44,.36 .24,.46 .5,.54 .57,.78 .36,.98 .06,.9",
        ".06,.03 .3,.02 .53,.03 .26,.4 .5,.5 .56,.74 .38,.97 .05,.92",
    ),
    "4": (
        ".14,.02 .08,.3 .05,.56 .3,.56 .58,.55 / .46,.24 .45,.6 .44,1",
        ".44,1 .44,.5 .44,.02 .2,.36 .02,.68 .3,.68 .6,.68",
    ),
    "5": (
        ".52,.03 .3,.03 .14,.04 .12,.42 .34,.36 .55,.56 .48,.86 .24,.99 .03,.9",
        ".14,.06 .1,.44 .36,.4 .56,.6 .46,.9 .2,.99 .03,.92 / .16,.05 .4,.04 .58,.03",
    ),
    "6": (
        ".46,.01 .22,.24 .06,.6 .14,.92 .34,.99 .52,.82 .46,.6 .26,.54 .1,.7",
        ".36,.02 .12,.42 .05,.78 .2,.98 .46,.94 .53,.76 .38,.6 .16,.64 .07,.78",
    ),
    "7": (".02,.05 .3,.04 .56,.03 .4,.48 .24,1", ".03,.06 .56,.03 .38,.5 .25,1 / .12,.52 .52,.48"),
    "8": (
        ".48,.12 .3,.01 .12,.12 .16,.34 .36,.48 .54,.66 .5,.9 .28,.99 .08,.86 .14,.62 .36,.46 "
        ".48,.28 .48,.12",
        ".3,.02 .12,.14 .14,.36 .3,.46 .48,.34 .47,.13 .3,.02 / .3,.47 .06,.62 .08,.88 .3,.99 "
        ".54,.86 .53,.6 .3,.47",
    ),
    "9": (
        ".5,.14 .3,.01 .1,.14 .08,.36 .24,.5 .44,.4 .51,.14 .5,.5 .47,1",
        ".5,.13 .3,.01 .1,.12 .06,.34 .22,.48 .44,.38 .52,.13 .54,.6 .46,.9 .24,.99 .06,.9",
    ),
}
SIZES = (0.4, 0.6, 0.8)  # of the sheet's height
STEPS = (1, 12)  # places of the mouse between two points of a stroke: fast, slow
SHEET = "#view-ask canvas"


@click.command(cls=Benchmark)
@click.option("--model", type=click.Path(path_type=Path), help="[default: the shipped one]")
def main(model: Path | None) -> None:
    """Draw and tell."""
    with tempfile.TemporaryDirectory(prefix="likewise-strokes-") as folder:
        material = Material(Path(folder), model)
        with server(material.gallery) as (_, port), sync_playwright() as playwright:
            browser = chromium(playwright)
            answers = [_drawn(browser.new_page(), port, *drawing) for drawing in _drawings()]
            browser.close()
    for answer in answers:
        click.echo(json.dumps(answer))
    right = sum(answer["answer"] == answer["digit"] for answer in answers)
    nearest = sum(answer["nearest"] == answer["digit"] for answer in answers)
    click.echo(json.dumps({"drawn": len(answers), "matched right": right, "nearest": nearest}))


def _drawings() -> Iterator[tuple[str, int, float, int]]:
    """Digit, way, size and steps of each drawing."""
    for place, digit in enumerate(STROKES):
        for way in range(2):
            yield digit, way, SIZES[(place + way) % len(SIZES)], STEPS[(place // 2 + way) % 2]


def _drawn(page: Page, port: int, digit: str, way: int, size: float, steps: int) -> dict[str, str]:
    page.goto(f"http://127.0.0.1:{port}/", wait_until="load")
    sheet = page.locator(SHEET)
    box = sheet.bounding_box()
    assert box is not None
    side = size * box["height"]
    left = box["x"] + (box["width"] - 0.6 * side) / 2
    top = box["y"] + (box["height"] - side) / 2
    for stroke in STROKES[digit][way].split(" / "):
        points = [tuple(map(float, point.split(","))) for point in stroke.split(" ")]
        places = [(left + x * side, top + y * side) for x, y in points]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=steps)
        page.mouse.up()
    page.locator(".strip li").nth(4).wait_for()
    matched = page.locator(".answer .chip").inner_text() == "Match"
    nearest = page.locator(".strip li").first.inner_text().split()[0]
    page.close()
    speed = "fast" if steps == 1 else "slow"
    return {
        "digit": digit,
        "way": str(way + 1),
        "size": str(size),
        "speed": speed,
        "answer": nearest if matched else "none",
        "nearest": nearest,
    }


if __name__ == "__main__":
    main()
