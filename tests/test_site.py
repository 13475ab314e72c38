"""The documentation as pages: `make docs` builds without a warning, and every link has a target."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import likewise

ROOT = Path(__file__).parents[1]
MARKDOWN = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r'\]\((?!\w+:)([^)\s]+)\)|src="(?!\w+:)([^"]+)"')


class Page(HTMLParser):
    """The anchors of a page, and the addresses that it links to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = {""}
        self.addresses: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            if name in ("href", "src") and value:
                self.addresses.add(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The pages, built as strictly as `make docs` does."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.mark.slow
def test_every_link_within_the_site_has_its_page_and_its_place(site):
    pages = {path.resolve(): Page(path) for path in site.rglob("*.html")}
    missing = set()
    for path, page in pages.items():
        if path.name == "404.html":  # its links begin at the root of a server
            continue
        for address in page.addresses:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists() or (
                target in pages and unquote(parts.fragment) not in pages[target].anchors
            ):
                missing.add((path.name, address))
    assert not missing
    assert len(pages) > 30


@pytest.mark.slow
def test_the_reference_names_every_public_name(site):
    anchors = Page(site / "reference.html").anchors
    for name in set(likewise.__all__) - {"__version__", "open"}:
        value = getattr(likewise, name)
        assert f"{value.__module__}.{value.__qualname__}" in anchors
    for method in ("open", "add", "check", "query", "compare"):
        assert f"likewise.matcher.Matcher.{method}" in anchors
    assert "index.gallery.Gallery.search" in anchors


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_in_the_repository_has_its_file(path):
    targets = {first or second for first, second in LINK.findall(path.read_text())}
    files = {target.partition("#")[0] for target in targets}
    assert not {name for name in files if name and not (path.parent / name).exists()}
