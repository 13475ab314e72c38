"""Histograms of the distances between references, and error rates at each threshold.

Computed on random pairs. The rates are optimistic, because the model may have been trained on these
pictures; `likewise evaluate` measures them on others.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from index.gallery import Gallery
from likewise.arrays import Doubles, Floats
from likewise.metrics.pairs import drawn_distances
from likewise.metrics.rates import count_within
from likewise.server.errors import ApiError
from likewise.server.schemas.gallery import Distances

PAIRS = 200_000  # per kind: a share of 0.1 % is accurate to a seventh
_BINS, _THRESHOLDS = 100, 400


def version_of(gallery: Gallery) -> Hashable:
    """The state that the histograms depend on."""
    return gallery.generation, evidence_of(gallery)


def measure(gallery: Gallery) -> Distances:
    """Draw pairs of references and sort their distances into bins.

    Raises:
        ApiError: If there are no two references.
    """
    with gallery.snapshot() as generation:
        evidence = evidence_of(gallery)
        rows, labels = gallery.labelled_rows()
        if (count := len(rows)) < 2:
            raise ApiError(
                "empty_gallery",
                "The gallery has fewer than two references with a label.",
                "Add references.",
            )
        genuine, impostor = drawn_distances(
            labels.tolist(), lambda places: gallery.vectors_at(rows[places]), PAIRS
        )
    top = float(max(genuine.max(initial=0), impostor.max(initial=0))) or 1.0
    # Finer towards 0, where the thresholds of large galleries lie.
    edges = top * np.linspace(0, 1, _BINS + 1) ** 2
    thresholds = top * np.linspace(0, 1, _THRESHOLDS + 1) ** 2
    unknown = None
    if evidence is not None:
        unknown = gallery.points.evidence_named(evidence).unknown
    pairs = max(len(genuine), len(impostor))
    return Distances(
        edges=edges.tolist(),
        genuine=_shares(genuine, edges),
        impostor=_shares(impostor, edges),
        thresholds=thresholds.tolist(),
        fmr=_share_within(impostor, thresholds).tolist(),
        fnmr=(1 - _share_within(genuine, thresholds)).tolist(),
        fpir=None if unknown is None else _share_within(unknown, thresholds).tolist(),
        pairs=pairs,
        measured_on=(
            f"{pairs} pairs of each kind, drawn from {count} references, on which the model "
            "may have been trained."
        ),
        generation=generation,
    )


def evidence_of(gallery: Gallery) -> str | None:
    """Name of the evidence of the default operating point, if it has one."""
    if gallery.points.default is None:
        return None
    _, point = gallery.points.named()
    return point.evidence


def _shares(values: Floats, edges: Doubles) -> list[float]:
    counts, _ = np.histogram(values, edges)
    shares: list[float] = (counts / max(1, len(values))).tolist()
    return shares


def _share_within(distances: Floats, thresholds: Doubles) -> Doubles:
    shares: Doubles = count_within(distances, thresholds) / max(1, len(distances))
    return shares
