"""How good an embedder is, on pictures that no choice was ever made with.

Two protocols: balanced random pairs, judged at the threshold that validation chose; and the
nearest references of a gallery, by majority. Every figure comes with what it was measured on.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from embedder.data.sources import Dataset
from embedder.data.splits import overlap
from embedder.manifest import write_manifest
from embedder.model import Embedder
from index.decision import CheckOptions
from index.gallery import Gallery
from likewise.arrays import Floats
from likewise.metrics.pairs import pair_distances
from likewise.metrics.rates import det_curve, equal_error_rate, pair_accuracy

PAIRS = 100_000
SEEDS = 5
NEAREST = CheckOptions(k=5, threshold=sys.float_info.max)  # a majority at any distance
AT_ONCE = 4096


def measure(embedder: Embedder, references: Dataset, queries: Dataset) -> dict[str, Any]:
    """Measure pairs among the queries, and the queries' nearest references.

    Args:
        embedder: The model to judge.
        references: Labelled pictures that the queries are searched among.
        queries: Labelled pictures that were used neither in training nor for any choice.

    Returns:
        `pair_accuracy` at the model's own threshold, `eer` and `pair_accuracy_at_0.5`, each the
        mean over seeds with its standard deviation beside it as `…_spread`;
        `nearest_neighbour_error`, the share of queries whose 5 nearest references, by majority,
        say another label, with the count as `nearest_neighbour_errors`; and the sizes of it all.
    """
    embeddings = embedder.embed(embedder.prepare(queries.images))
    threshold = embedder.operating_points["eer"]["threshold"]
    labels = _nearest_labels(embedder, references, embeddings)
    wrong = sum(said != label for said, label in zip(labels, queries.labels, strict=True))
    return {
        "queries": len(queries),
        "references": len(references),
        "in_both": len(overlap(references, queries)),
        "pairs": 2 * PAIRS,
        "seeds": SEEDS,
        **_pair_figures(embeddings, queries.labels, threshold),
        "nearest_neighbours": NEAREST.k,
        "nearest_neighbour_error": wrong / len(queries),
        "nearest_neighbour_errors": wrong,
    }


def record(embedder: Embedder, split: str, figures: dict[str, Any]) -> Embedder:
    """Write figures into the model's `model.json` under the name of a split; open it again."""
    metadata = {**embedder.metadata}
    metadata["figures"] = {**metadata["figures"], split: figures}
    write_manifest(embedder.path, metadata)
    return Embedder.load(embedder.path)


def _pair_figures(embeddings: Floats, labels: list[str], threshold: float) -> dict[str, float]:
    rows = []
    for seed in range(SEEDS):
        same, different = pair_distances(embeddings, labels, PAIRS, seed)
        rows.append(
            (
                pair_accuracy(same, different, threshold),
                equal_error_rate(det_curve(same, different)).rate,
                pair_accuracy(same, different, 0.5),
            )
        )
    names = ("pair_accuracy", "eer", "pair_accuracy_at_0.5")
    means = dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))
    spreads = np.std(rows, axis=0, ddof=1).tolist()
    return means | {f"{name}_spread": s for name, s in zip(names, spreads, strict=True)}


def _nearest_labels(
    embedder: Embedder, references: Dataset, embeddings: Floats
) -> list[str | None]:
    """Ask a gallery of the references for each query's majority label, whatever the distance."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gallery"
        with Gallery.create(path, dim=embedder.dim, fingerprint=embedder.fingerprint) as gallery:
            for start in range(0, len(references), AT_ONCE):
                rows = slice(start, start + AT_ONCE)
                vectors = embedder.embed(embedder.prepare(references.images[rows]))
                gallery.add(references.ids[rows], vectors, references.labels[rows])
            decisions = gallery.check(embeddings, NEAREST)
    return [decision.label for decision in decisions]
