"""The report as a person opens it: from disk, in Chromium, on a desktop and on a phone."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from embedder.data.records import Record
from likewise.evaluation.evaluate import evaluate
from likewise.report.write import write_report

CHROMIUM = "/usr/bin/chromium"
DESKTOP, PHONE = {"width": 1200, "height": 900}, {"width": 390, "height": 844}
pytestmark = pytest.mark.slow


@pytest.fixture
def page_address(matcher, queries, tmp_path) -> str:
    """A report with all that one can hold: errors, unknowns, pictures left out."""
    letters = [Record(f"letters/{query.id}", None, query.image) for query in queries[30:]]
    cut_off = tmp_path / "cut off.png"
    cut_off.write_bytes(b"no picture")
    evaluation = evaluate(
        matcher, [*queries[:30], Record("cut off.png", "7", cut_off)], letters, seeds=2
    )
    write_report(evaluation, matcher, tmp_path / "report")
    return (tmp_path / "report" / "report.html").as_uri()


@pytest.fixture
def browser():
    if not Path(CHROMIUM).exists():
        pytest.fail(f"Expected Chromium at {CHROMIUM}. Install it: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync"],
        )
        yield opened
        opened.close()


@pytest.fixture
def opened(browser, page_address):
    """Opens the report at a size and in light or dark, where nothing may be loaded."""

    def opened(size, scheme="light"):
        page = browser.new_page(viewport=size, color_scheme=scheme)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(page_address)
        assert [url for url in asked if not url.startswith("data:")] == [page_address]
        return page

    return opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_that_keeps_people_out(opened, size, scheme):
    result = Axe().run(opened(size, scheme)).response["violations"]
    assert [(item["id"], item["nodes"][0]["html"]) for item in result] == []


def test_a_phone_scrolls_in_one_direction_only(opened):
    page = opened(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_every_picture_is_decoded(opened):
    broken = "[...document.images].filter(picture => !picture.naturalWidth).length"
    page = opened(DESKTOP)
    assert page.evaluate("document.images.length") > 32  # sixteen pairs and the errors
    assert page.evaluate(broken) == 0


def test_it_prints_on_a_few_pages(opened):
    printed = opened(DESKTOP).pdf(format="A4")
    assert 3 <= printed.count(b"/Type /Page\n") <= 10
