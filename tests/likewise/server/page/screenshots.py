"""Make the pictures of the page for the documents: python -m tests.likewise.server.page.screenshots

Serves all 60,000 digits, draws a 7 as a person would, and keeps what is seen in docs/images.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from embedder.data.sources import records
from embedder.model import Embedder
from likewise.calibration.calibrate import calibrate
from likewise.matcher import Matcher
from tests.likewise.server.page.driver import Server, draw, launch, point_at_a_reference

IMAGES = Path(__file__).parents[4] / "docs" / "images"
COLOURS = 256
DESKTOP = {"viewport": {"width": 1280, "height": 960}, "device_scale_factor": 1.5}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}


def main() -> None:
    """Make all of them."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        gallery = built(Path(folder))
        server, browser = Server(gallery), launch(playwright)
        try:
            with drawn(browser, server, **DESKTOP) as page:
                keep(page, "page-ask")
            with drawn(browser, server, **DESKTOP, color_scheme="dark") as page:
                on_the_map(page)
                keep(page, "page-map")
            with drawn(browser, server, **PHONE) as page:
                keep(page, "page-phone")
        finally:
            server.stop()


def built(folder: Path) -> Path:
    """The gallery of README, calibrated as docs/calibration.md shows."""
    path = folder / "digits.gallery"
    with Matcher.create(path, Embedder.load()) as matcher:
        matcher.add(records("mnist/train"))
        calibrate(matcher, records("mnist/test"), fpir=0.01)
    return path


@contextmanager
def drawn(browser: Browser, server: Server, **options: Any) -> Iterator[Page]:
    """The page with a 7 on the sheet, answered at the model's EER threshold."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.goto(server.address)
    expect(page.locator(".ask .histogram path")).to_have_count(2, timeout=120_000)
    draw(page, "7")
    expect(page.locator(".strip li")).to_have_count(5)
    page.mouse.move(5, 400)
    yield page
    context.close()


def on_the_map(page: Page) -> None:
    """The map with the drawing's ring, and the reference under the mouse."""
    page.get_by_role("link", name="Map").click()
    expect(page.get_by_text("Your picture is marked")).to_be_visible(timeout=120_000)
    point_at_a_reference(page)


def keep(page: Page, name: str) -> None:
    """Keep what is seen as a PNG of few colours, once its pictures are there."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)  # the end of transitions
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    small = shot.quantize(COLOURS, kmeans=1, dither=Image.Dither.NONE)
    IMAGES.mkdir(parents=True, exist_ok=True)
    small.save(IMAGES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
