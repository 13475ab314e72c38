"""Building a durable gallery of 60,000 arrays, beside embedding, FAISS and an fsync alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from bench.floors import flat_index, write_and_sync
from bench.material import Material
from bench.measure import Figure, compare, figure
from likewise.matcher import Matcher


def build(material: Material) -> None:
    """Build the gallery from scratch."""
    path = material.folder / "built.gallery"
    shutil.rmtree(path, ignore_errors=True)
    Matcher.create(path, material.embedder).add(material.train_records)


def figures(material: Material) -> Iterator[Figure]:
    """Seconds; the floor writes as many bytes as the gallery holds beside its copy of the model."""
    size = sum(file.stat().st_size for file in material.gallery.iterdir() if file.is_file())

    def floor() -> None:
        flat_index(material.litert(material.train))
        write_and_sync(material.folder / "bytes", size)

    times, floors = compare(lambda: build(material), floor, 3)
    note = f"floor: LiteRT ({material.litert.layout}) + IndexFlatL2.add + fsync of {size:,} bytes"
    yield figure("build from 60,000 arrays", "s", times, floors, "<= 1.35", note)
