"""Measure a trained model on pictures that were used for no choice, and write the figures into it.

Two protocols of measurement: balanced random pairs, judged at the threshold that validation chose;
and the nearest references of a gallery, by majority.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from embedder.data.sources import Dataset
from embedder.data.splits import overlap
from embedder.manifest import write_manifest
from embedder.model import Embedder
from likewise.arrays import Floats
from likewise.joins import LabelJoin
from likewise.metrics.pairs import pair_distances
from likewise.metrics.rates import det_curve, equal_error_rate, pair_accuracy

_PAIRS = 100_000  # pairs of each kind, for each seed
_SEEDS = 5
_NEAREST = 5  # references that vote
_AT_ONCE = 1024  # pictures that are embedded together


def measure(embedder: Embedder, references: Dataset, queries: Dataset) -> dict[str, Any]:
    """Measure pairs among the queries, and the queries' nearest references.

    Args:
        embedder: The model to judge.
        references: Labelled pictures that the queries are searched among.
        queries: Labelled pictures that were used neither in training nor for any choice.

    Returns:
        The entries of `model.json`: `pair_accuracy` at the model's own threshold, `eer` and
        `pair_accuracy_at_0.5`, each the mean over seeds with its standard deviation as `…_spread`;
        `nearest_neighbour_error`, the share of queries of the references' groups whose 5 nearest
        references have another label by majority, with its count as `nearest_neighbour_errors`,
        None without such queries; and the sample sizes, queries of other groups as `strangers`.
    """
    embeddings = np.concatenate(list(_embedded(embedder, queries)))
    threshold = embedder.operating_points["eer"]["threshold"]
    answers = _nearest_labels(embedder, references, embeddings)
    join = LabelJoin(set(references.labels))
    join.count(queries.labels)
    wrong = sum(
        answer != label
        for answer, label in zip(answers, queries.labels, strict=True)
        if label in join
    )
    return {
        "queries": len(queries),
        **({"strangers": join.strangers.total()} if join.strangers else {}),
        "references": len(references),
        "in_both": len(overlap(references, queries)),
        "pairs": 2 * _PAIRS,
        "seeds": _SEEDS,
        **_pair_figures(embeddings, queries.labels, threshold),
        "nearest_neighbours": _NEAREST,
        "nearest_neighbour_error": wrong / join.known if join.known else None,
        "nearest_neighbour_errors": wrong,
    }


def record(embedder: Embedder, split: str, figures: dict[str, Any]) -> Embedder:
    """Write figures into the model's `model.json`, and open it again.

    Args:
        embedder: The model that was measured.
        split: Name to write them under, such as `test`.
        figures: The result of `measure`.
    """
    metadata = {**embedder.metadata}
    metadata["figures"] = {**metadata["figures"], split: figures}
    write_manifest(embedder.path, metadata)
    return Embedder.load(embedder.path)


def _pair_figures(embeddings: Floats, labels: list[str], threshold: float) -> dict[str, float]:
    rows = []
    for seed in range(_SEEDS):
        same, different = pair_distances(embeddings, labels, _PAIRS, seed)
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
    return means | {f"{name}_spread": spread for name, spread in zip(names, spreads, strict=True)}


def _nearest_labels(
    embedder: Embedder, references: Dataset, embeddings: Floats
) -> list[str | None]:
    """The majority label of each query's nearest references, at any distance."""
    from index.decision import CheckOptions
    from index.gallery import Gallery  # FAISS, after TensorFlow has been loaded

    options = CheckOptions(k=_NEAREST, threshold=sys.float_info.max)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gallery"
        with Gallery.create(path, dim=embedder.dim, fingerprint=embedder.fingerprint) as gallery:
            start = 0
            for vectors in _embedded(embedder, references):
                rows = slice(start, start + len(vectors))
                gallery.add(references.ids[rows], vectors, references.labels[rows])
                start = rows.stop
            decisions = gallery.check(embeddings, options)
    return [decision.label for decision in decisions]


def _embedded(embedder: Embedder, dataset: Dataset) -> Iterator[Floats]:
    """Embed pictures, `_AT_ONCE` at a time."""
    prepared = dataset.each(lambda row, picture: embedder.prepare([picture])[0])
    while batch := list(islice(prepared, _AT_ONCE)):
        yield embedder.embed(np.stack(batch))
