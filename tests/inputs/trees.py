"""Folders of small pictures, as folders and as the zips of them."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image


def png(level: int = 0) -> bytes:
    """A picture of 28 x 28 on black, another one for each level of 0..99."""
    pixels = np.linspace(0, 155, 28 * 28).reshape(28, 28) + level
    pixels[[0, -1]] = pixels[:, [0, -1]] = 0
    stream = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def tree(top: Path, names: Iterable[str], first: int = 0) -> Path:
    """Make files: those that end in .png are different pictures, from `first` on, others text."""
    for place, name in enumerate(names, first):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        content = png(place % 100) if name.endswith(".png") else b"made up"
        (top / name).write_bytes(content)
    return top


def zipped(folder: Path) -> Path:
    """A zip of what is in a folder, beside it."""
    return Path(shutil.make_archive(str(folder), "zip", folder))
