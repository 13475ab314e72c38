"""A whole evaluation: 10,000 pictures against 60,000 references, beside LiteRT and FAISS alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.floors import flat_index
from bench.material import K, Material
from bench.measure import Figure, compare, figure
from embedder.data.sources import records
from likewise.evaluation.evaluate import evaluate
from likewise.report.page import html


def figures(material: Material) -> Iterator[Figure]:
    """Seconds."""
    images, bare, index = material.test, material.litert, flat_index(material.vectors)
    evaluation = evaluate(material.matcher, records("mnist/test"))

    times, floors = compare(
        lambda: evaluate(material.matcher, records("mnist/test")),
        lambda: index.search(bare(images), K),
        3,
    )
    note = "all figures, without drawing; floor: LiteRT + IndexFlatL2.search"
    yield figure("evaluate 10,000 against 60,000", "s", times, floors, "<= 2", note)
    with tempfile.TemporaryDirectory() as folder:
        drawn, floors = compare(
            lambda: Path(folder, "page").write_text(html(evaluation, material.matcher)),
            lambda: index.search(bare(images), K),
            3,
        )
    yield figure("draw that evaluation's page", "s", drawn, floors, None, "floor: the same")
