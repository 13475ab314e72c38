"""Docstrings avoid phrases that stop a reader."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("likewise", "embedder", "index", "bench")
# `seed: Of the draws.` leaves the noun to the reader; `seed: Seed of the draws.` says it.
DANGLING = re.compile(r"^ +\w+: (?:Of|That) .*", re.MULTILINE)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_description_of_an_argument_begins_with_a_noun(package):
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / package).rglob("*.py")}
    dangling = {
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path, text in texts.items()
        for line in DANGLING.findall(text)
    }
    assert not dangling
