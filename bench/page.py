"""The page in headless Chromium: from the start of loading to the first answer.

Needs Debian's Chromium and the extra `dev`.
"""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

from bench.material import Material
from bench.measure import Figure
from bench.serve import server

ROUNDS = 11
# Tells when an answer is first shown, in milliseconds since the navigation began.
_WATCH = """
new MutationObserver(() => {
  const chip = document.querySelector(".answer .chip");
  if (!window.answered && chip && chip.textContent && chip.checkVisibility())
    window.answered = performance.now();
}).observe(document, { childList: true, subtree: true, attributes: true, characterData: true });
"""
_LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"


def figures(material: Material) -> Iterator[Figure]:
    """Seconds until a chosen picture is answered, on a newly opened page."""
    picture = material.pngs[0]
    with server(material.gallery) as (_, port), sync_playwright() as playwright:
        browser = chromium(playwright)
        rounds = [first_answer(browser, f"http://127.0.0.1:{port}", picture) for _ in range(ROUNDS)]
        browser.close()
    answered, loaded = (statistics.median(times) / 1000 for times in zip(*rounds, strict=True))
    yield Figure(
        "page: first answer to a chosen picture",
        "s",
        round(answered, 3),
        round(loaded, 3),
        round(answered / loaded, 2),
        "<= 1",
        round(answered, 3),
        "from the start of the navigation; floor: the page's load event; the bar is on the seconds",
    )


def chromium(playwright: Playwright) -> Browser:
    """Debian's Chromium, without a screen."""
    path = shutil.which("chromium") or "/usr/bin/chromium"
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])


def first_answer(browser: Browser, address: str, picture: Path) -> tuple[float, float]:
    """Milliseconds until the answer is shown, and until the page is loaded."""
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(_WATCH)
    page.goto(f"{address}/", wait_until="load")
    page.locator("#view-ask input[type=file][multiple]").set_input_files(picture)
    page.locator(".answer .chip").wait_for()
    times = page.evaluate("window.answered"), page.evaluate(_LOADED)
    context.close()
    return times
