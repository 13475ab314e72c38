"""Drift of live traffic: the latest queries' distances compared with the expected ones.

Known pictures should have the distances of references to their nearest other reference, unknown
ones those of the calibration's evidence (`likewise.metrics.drift`).
"""

from __future__ import annotations

import numpy as np

from index.errors import PartMissingError
from index.gallery import Gallery
from likewise.arrays import Floats, Indices, Strings
from likewise.metrics.drift import Expected, drift
from likewise.server.cached import Cached
from likewise.server.errors import ApiError
from likewise.server.histograms import evidence_of

_SAMPLE = 2000  # references


def expected(gallery: Gallery, seed: int = 0) -> Expected:
    """Measure the expected distances on a sample of the references.

    Args:
        gallery: The one that is served.
        seed: Chooses the sample.

    Raises:
        ApiError: If there are no two references.
    """
    with gallery.snapshot():
        if len(gallery) < 2:
            raise ApiError("empty_gallery", "The gallery has fewer than two references.")
        rng = np.random.default_rng(seed)

        def drawn(labels: Strings) -> Indices:
            return rng.choice(len(labels), min(_SAMPLE, len(labels)), replace=False)

        ids, _, vectors = gallery.chosen(drawn)
        nearest = gallery.search(vectors, 2)
        evidence = evidence_of(gallery)
    itself = nearest.ids[:, 0] == ids  # unless an equal one comes first
    known = np.where(itself, nearest.distances[:, 1], nearest.distances[:, 0])
    unknown = None
    if evidence is not None:
        unknown = gallery.points.evidence_named(evidence).unknown
    return Expected(known, unknown)


def now(live: Floats, due: Cached[Expected]) -> float:
    """Drift of the live distances; NaN until the expected ones are known.

    Args:
        live: Distances of recent queries to their nearest reference, `(n,)`, float32.
        due: The expected distances, once they are known.

    Returns:
        0 or more; NaN for too few queries.
    """
    try:
        return drift(live, due.get())
    except (ApiError, PartMissingError):
        return float("nan")
