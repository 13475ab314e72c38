"""Pictures for the tests of commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path, references) -> Path:
    """Thirty training digits, a folder per label."""
    for place, record in enumerate(references[:30]):
        path = tmp_path / "digits" / record.label / f"{place:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(record.pixels()).save(path)
    return tmp_path / "digits"


@pytest.fixture
def copies(tmp_path, scans) -> Path:
    """A list of 4000 pictures."""
    listed = tmp_path / "list.csv"
    lines = [f"{scans}/{place % 40:02}.png,{place}" for place in range(4000)]
    listed.write_text("path,id\n" + "\n".join(lines) + "\n")
    return listed
