"""Checking 10,000 PNG files, beside decoding, embedding and searching alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from bench.floors import decode, flat_index, over_the_cores
from bench.material import K, Material
from bench.measure import Figure, figure, seconds
from embedder.data.sources import records
from index.decision import CheckOptions
from likewise.bulk.stream import check_stream
from likewise.output.rows import json_line

ROUNDS = 5


def figures(material: Material) -> Iterator[Figure]:
    """Seconds, from a folder's path to the lines of JSON that are written."""
    yield check_of_files("check 10,000 PNG files", material, material.pngs, "<= 1.30")


def check_of_files(name: str, material: Material, paths: list[Path], bar: str) -> Figure:
    """Seconds to check files that show the test digits.

    The floor's three steps are added up. Decoding is measured in one thread and divided by the
    cores, embedding and searching use all cores by themselves: no sharing of work could be better.

    Args:
        name: The figure's name.
        material: The digits, the model and the gallery.
        paths: A file for each test digit, in one folder.
        bar: Limit of the ratio.
    """
    index = flat_index(material.vectors)

    def ours() -> None:
        for row in check_stream(material.matcher, records(paths[0].parent), CheckOptions(k=K)):
            json_line(row)

    def floor() -> float:
        decoding = over_the_cores(lambda: decode(paths))
        images = material.test
        start = time.perf_counter()
        index.search(material.litert(images), K)
        return decoding + time.perf_counter() - start

    ours()
    floor()
    rounds = [(seconds(ours), floor()) for _ in range(ROUNDS)]
    times, floors = (list(column) for column in zip(*rounds, strict=True))
    note = "floor: Pillow in one thread ÷ cores + LiteRT + IndexFlatL2.search"
    return figure(name, "s", times, floors, bar, note)
