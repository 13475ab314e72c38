"""Checking 10,000 arrays against 60,000 references, beside LiteRT and FAISS alone."""

from __future__ import annotations

from collections.abc import Iterator

from bench.floors import flat_index
from bench.material import K, Material
from bench.measure import Figure, compare, figure
from index.decision import CheckOptions


def figures(material: Material) -> Iterator[Figure]:
    """Seconds."""
    images, bare, index = material.test, material.litert, flat_index(material.vectors)
    times, floors = compare(
        lambda: material.matcher.check(images, CheckOptions(k=K)),
        lambda: index.search(bare(images), K),
        7,
    )
    note = f"floor: LiteRT ({bare.layout}) + IndexFlatL2.search"
    yield figure("check 10,000 arrays against 60,000", "s", times, floors, "<= 1.20", note)
