"""Digits from elsewhere: preparing them, and checking 10,000 of them as PNG files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.files import check_of_files
from bench.material import Material
from bench.measure import Figure, figure
from embedder.preprocessing.digit import as_mnist
from likewise.arrays import Pixels

ROUNDS = 5
SIDES = {64: (1000, "<= 4.0"), 1000: (100, "<= 3.0")}  # pictures, and the bar


def figures(material: Material) -> Iterator[Figure]:
    """Processor seconds a picture of two sizes, then seconds for 10,000 files."""
    for side, (count, bar) in SIDES.items():
        paths = _written(material, material.folder / f"elsewhere-{side}", count, side)
        pictures = [np.asarray(Image.open(path)) for path in paths]
        rounds = [
            (_processor_time(as_mnist, pictures), _processor_time(_small, paths))
            for _ in range(ROUNDS)
        ]
        times, floors = (list(column) for column in zip(*rounds, strict=True))
        note = "floor: Pillow's decoding and LANCZOS to 28 x 28, processor time"
        yield figure(f"prepare a digit of {side} x {side}", "s", times, floors, bar, note)
    paths = _written(material, material.folder / "elsewhere", len(material.test), 64)
    yield check_of_files("check 10,000 PNG files of 64 x 64", material, paths, "<= 2.5")


def _written(material: Material, folder: Path, count: int, side: int) -> list[Path]:
    """Write the first test digits as PNG files."""
    folder.mkdir()
    paths = [folder / f"{row:05d}.png" for row in range(count)]
    for path, digit in zip(paths, material.test, strict=False):
        on_paper(digit, side).save(path)
    return paths


def on_paper(digit: Pixels, side: int) -> Image.Image:
    """Draw a digit, dark on white paper, five eighths of its side.

    Args:
        digit: uint8 `(h, w)`, white on black.
        side: Side of the paper in pixels.
    """
    inner = side * 5 // 8
    paper = Image.new("L", (side, side), 255)
    ink = Image.fromarray(255 - digit).resize((inner, inner), Image.Resampling.BICUBIC)
    paper.paste(ink, ((side - inner) // 2,) * 2)
    return paper


def _small(path: Path) -> Image.Image:
    return Image.open(path).resize((28, 28), Image.Resampling.LANCZOS)


def _processor_time(work: Callable[[Any], Any], items: list[Any]) -> float:
    """Seconds an item."""
    start = time.process_time()
    for item in items:
        work(item)
    return (time.process_time() - start) / len(items)
