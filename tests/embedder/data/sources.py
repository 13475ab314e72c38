"""Helpers for the tests of sources: rows and pixels of a source, small files."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from PIL import Image

from embedder.data.sources import records
from likewise.arrays import Pixels

PIXELS = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)  # five pictures of 4 x 3
LABELS = np.array([7, 2, 1, 0, 4], np.uint8)


def rows(source, **options) -> list[tuple[str, str | None]]:
    return [(record.id, record.label) for record in records(source, **options)]


def pixels(source, **options) -> Pixels:
    return np.stack([record.pixels() for record in records(source, **options)])


def picture(path: Path, level: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 3), level, np.uint8)).save(path)
    return path


def idx(values: np.ndarray) -> bytes:
    """The format as its page says: 0, 0, type 8, dimensions; each size as big-endian int32."""
    sizes = struct.pack(f">{values.ndim}I", *values.shape)
    return bytes((0, 0, 8, values.ndim)) + sizes + values.tobytes()
