"""What an import says of the pictures that it measures thresholds with."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import likewise
from embedder.data.sources import records
from embedder.model import SHIPPED

NETWORK = SHIPPED / "model.tflite"


@pytest.fixture
def digits(tmp_path) -> Path:
    """Twenty of each of two digits, a folder per label, and one broken picture."""
    for label in ("3", "7"):
        (tmp_path / "digits" / label).mkdir(parents=True)
        chosen = [record for record in records("mnist/test") if record.label == label][:20]
        for place, record in enumerate(chosen):
            Image.fromarray(record.pixels()).save(tmp_path / "digits" / label / f"{place}.png")
    (tmp_path / "digits" / "7" / "broken.png").write_bytes(b"\x89PNG, and no more")
    return tmp_path / "digits"


@pytest.mark.costly
def test_a_picture_that_cannot_be_read_is_told_or_warned_of(tmp_path, digits):
    told: list[str] = []
    likewise.adopt(NETWORK, tmp_path / "a", pixels="0..255", data=str(digits), tell=told.append)
    assert told[0].startswith("1 picture cannot be read; the first is 7/broken.png")
    with pytest.warns(UserWarning, match=r"7/broken\.png"):
        likewise.adopt(NETWORK, tmp_path / "b", pixels="0..255", data=str(digits))
