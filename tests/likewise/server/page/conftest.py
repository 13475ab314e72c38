"""A server over real digits with the real model, and a page in Chromium that watches itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from embedder.data.sources import records
from embedder.model import Embedder
from likewise.calibration.calibrate import calibrate
from likewise.matcher import Matcher
from tests.likewise.server.page.driver import Server, Watch, launch

REFERENCES = 3000
QUERIES = 60
READ_KEY, WRITE_KEY = "a-key-that-may-read", "a-key-that-may-write"

expect.set_options(timeout=20_000)  # the machine may be busy


@pytest.fixture(scope="session")
def digits(tmp_path_factory) -> Path:
    """A calibrated gallery of real digits, not to be changed."""
    path = tmp_path_factory.mktemp("page") / "digits.gallery"
    with Matcher.create(path, Embedder.load()) as matcher:
        matcher.add(islice(records("mnist/train"), REFERENCES))
        calibrate(matcher, islice(records("mnist/test"), 1000), fpir=0.01)
    return path


@pytest.fixture(scope="session")
def server(digits) -> Iterator[Server]:
    server = Server(digits)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """Sixty test digits as files, and one that is no picture."""
    folder = tmp_path_factory.mktemp("files") / "scans"
    folder.mkdir()
    for place, record in enumerate(islice(records("mnist/test"), QUERIES)):
        Image.fromarray(record.pixels()).save(folder / f"{place:02}.png")
    (folder / "note.txt").write_text("not a picture")
    return folder


@pytest.fixture(scope="module")  # closed before other tests begin: only one may run at a time
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser) -> Iterator[Callable[..., Page]]:
    """Open the page of a server in a browser window of its own; at the end nothing was amiss."""
    opened = []

    def open(server: Server, view: str = "ask", **options: object) -> Page:
        page = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, **options}
        ).new_page()
        page.watch = Watch(page, server.address)
        opened.append(page)
        page.goto(f"{server.address}/#{view}")
        return page

    yield open
    for page in opened:
        page.watch.verify()
        page.context.close()


@pytest.fixture
def page(open_page, server) -> Page:
    """The page at its start, knowing the gallery."""
    page = open_page(server)
    expect(page.locator("#size")).to_have_text("3,000 references")
    return page


@pytest.fixture
def keys(tmp_path) -> Path:
    """A file of keys that only its owner can read."""
    path = tmp_path / "keys"
    path.touch(0o600)
    path.write_text(f"read {READ_KEY}\nwrite {WRITE_KEY}\n")
    assert os.stat(path).st_mode & 0o077 == 0
    return path
