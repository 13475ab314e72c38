"""The page's files: readable, and nothing from other servers. Needs no browser."""

from __future__ import annotations

import re

import pytest

from likewise.server.app import PAGE

MODULES = sorted(PAGE.glob("*.js"))
TEXTS = [*MODULES, *sorted(PAGE.glob("*.css")), PAGE / "index.html", PAGE / "mark.svg"]
NAMESPACE = "http://www.w3.org/2000/svg"  # a name, which nobody fetches


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_no_file_names_another_host(path):
    text = path.read_text().replace(NAMESPACE, "")
    assert not re.findall(r"(?:https?:)?//[\w-]+\.\w", text)


def test_the_markup_holds_no_script_style_or_handler():
    markup = (PAGE / "index.html").read_text()
    assert not re.findall(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", markup)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_every_module_says_first_what_it_is(path):
    assert path.read_text().startswith("// ")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_module_reads_text_as_markup_or_code(path):
    assert not re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(|document\.write", path.read_text()
    )
