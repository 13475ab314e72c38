"""Drives the page: a server process, strokes, drops, and checks for errors."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import pytest
from playwright.sync_api import Browser, Page, Playwright, Request

from tests.eventually import eventually

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
LIKEWISE = Path(sys.executable).with_name("likewise")

Point = tuple[float, float]

# Strokes as a person draws them, in shares of the sheet's width and height.
STROKES: dict[str, list[list[Point]]] = {
    "1": [[(0.52, 0.2), (0.5, 0.5), (0.48, 0.8)]],
    "2": [
        [(0.3, 0.34), (0.4, 0.22), (0.58, 0.22), (0.66, 0.36), (0.55, 0.55), (0.3, 0.78)],
        [(0.3, 0.78), (0.5, 0.75), (0.72, 0.77)],
    ],
    "3": [
        [(0.32, 0.24), (0.5, 0.18), (0.64, 0.28), (0.6, 0.42), (0.45, 0.48)],
        [(0.45, 0.48), (0.64, 0.54), (0.67, 0.7), (0.52, 0.81), (0.3, 0.76)],
    ],
    "4": [
        [(0.36, 0.2), (0.32, 0.4), (0.3, 0.53), (0.5, 0.53), (0.7, 0.5)],
        [(0.64, 0.22), (0.62, 0.5), (0.6, 0.82)],
    ],
    "7": [[(0.26, 0.25), (0.5, 0.24), (0.72, 0.24), (0.62, 0.48), (0.5, 0.82)]],
}


class Server:
    """`likewise serve` as a process; it can be stopped and started again at the same address."""

    def __init__(self, gallery: Path, *options: str) -> None:
        self._command: tuple[str | Path, ...] = (LIKEWISE, "serve", gallery, *options)
        self._port = "0"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it says where it answers."""
        with tempfile.TemporaryFile("w+") as log:
            self._process = subprocess.Popen([*self._command, "--port", self._port], stderr=log)
            [(self.address, self._port)] = eventually(lambda: self._started(log))

    def _started(self, log: TextIO) -> list[tuple[str, str]]:
        """Address and port from the log, once they are there."""
        if self._process.poll() is not None:
            pytest.fail(f"The server ended at its start: {_text(log)}")
        return re.findall(r"Serving .* on (http://\S+:(\d+))/", _text(log))

    def stop(self) -> None:
        """End it as a service manager would."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=60)


def _text(log: TextIO) -> str:
    """What a process has written so far; reading moves no place at which it writes."""
    return os.pread(log.fileno(), 1 << 20, 0).decode()


class Watch:
    """What a page did that it must not do: errors on the console, requests to other hosts."""

    def __init__(self, page: Page, address: str) -> None:
        self.errors: list[str] = []
        self.strangers: list[str] = []
        # Parts of errors that are meant: 503 while a new server measures, others by the test.
        self.expected = ["503"]
        self._address = address
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._asked)

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.errors.append(text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self._address, "blob:", "data:")):
            self.strangers.append(request.url)

    def verify(self) -> None:
        """Assert that there was nothing but what the test provoked."""
        unexpected = [
            error for error in self.errors if not any(part in error for part in self.expected)
        ]
        assert not unexpected
        assert not self.strangers


def launch(playwright: Playwright) -> Browser:
    """Start Chromium; without it fail in one sentence."""
    if not Path(CHROMIUM).exists():
        pytest.fail(
            f"There is no Chromium at {CHROMIUM}: install Debian's chromium.", pytrace=False
        )
    return playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))


def draw(page: Page, digit: str, sheet: str = "#view-ask canvas") -> None:
    """Draw a digit with the mouse."""
    box = page.locator(sheet).bounding_box()
    assert box is not None
    for stroke in STROKES[digit]:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=6)
        page.mouse.up()


def point_at_a_reference(page: Page) -> Point:
    """Move the mouse over the map, line by line, until it shows a reference; tell where."""
    box = page.locator("canvas.map").bounding_box()
    assert box is not None
    for down in range(20, int(box["height"]), 40):
        for right in range(20, int(box["width"]) - 80, 12):
            place = (box["x"] + right, box["y"] + box["height"] - down)
            page.mouse.move(*place)
            if page.locator(".map-card").is_visible():
                return place
    raise AssertionError("the map shows no reference wherever the mouse is")


def drop(page: Page, onto: str, paths: Sequence[Path]) -> None:
    """Drop files and folders as a file manager does."""
    box = page.locator(onto).bounding_box()
    assert box is not None
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + min(box["height"] / 2, 200)}
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
    session.detach()
