"""Embedding 60,000 arrays, beside the best bare LiteRT loop on the same file and cores."""

from __future__ import annotations

from collections.abc import Iterator

from bench.material import Material
from bench.measure import Figure, compare, figure


def figures(material: Material) -> Iterator[Figure]:
    """Images per second; more is better."""
    images, bare = material.train, material.litert
    times, floors = compare(lambda: material.embedder.embed(images), lambda: bare(images), 5)
    yield figure(
        "embed 60,000 arrays",
        "images/s",
        [len(images) / time for time in times],
        [len(images) / time for time in floors],
        ">= 0.90",
        f"floor: LiteRT alone, {bare.layout}",
    )
