"""How far pairs of references are apart, for the histograms of the page: drawn, not all.

What it says of error rates is optimistic: the model may have been trained on these very pictures.
`likewise evaluate` measures them on others.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
from fastapi import APIRouter, Request

from index.evidence import EVIDENCE, read_evidence
from index.gallery import Gallery
from likewise.arrays import Doubles, Floats
from likewise.metrics.groups import rows_by_group
from likewise.metrics.pairs import exact_distances
from likewise.server.errors import ApiError
from likewise.server.openapi import errors
from likewise.server.schemas.gallery import Distances
from likewise.server.state import context_of

router = APIRouter(prefix="/v1/gallery")

PAIRS = 200_000  # of each kind: a share of 0.1 % is known to within a seventh
_BINS, _THRESHOLDS = 100, 400


@router.get(
    "/distances", summary="Histograms of distances", responses=errors("empty_gallery", "not_ready")
)
def distances(request: Request) -> Distances:
    """Tell how far pairs of references are apart, and the error rates at each threshold."""
    return context_of(request).distances.get()


def state_of(gallery: Gallery) -> Hashable:
    """What the histograms follow from."""
    return gallery.generation, evidence_of(gallery)


def measure(gallery: Gallery) -> Distances:
    """Draw pairs of references and sort their distances into bins.

    Raises:
        ApiError: If there are no two references.
    """
    with gallery.snapshot() as generation:
        _, labels, vectors = gallery.references()
        evidence = evidence_of(gallery)
    if len(vectors) < 2:
        raise ApiError("empty_gallery", "There are no two references to compare.", "Add some.")
    genuine, impostor = drawn_distances(labels.tolist(), vectors)
    top = float(max(genuine.max(initial=0), impostor.max(initial=0))) or 1.0
    # Finer towards 0, where the thresholds of large galleries lie.
    edges = top * np.linspace(0, 1, _BINS + 1) ** 2
    thresholds = top * np.linspace(0, 1, _THRESHOLDS + 1) ** 2
    unknown = None
    if evidence is not None:
        unknown = read_evidence(gallery.path, EVIDENCE, evidence)
    pairs = max(len(genuine), len(impostor))
    return Distances(
        edges=edges.tolist(),
        genuine=_shares(genuine, edges),
        impostor=_shares(impostor, edges),
        thresholds=thresholds.tolist(),
        fmr=matched(impostor, thresholds).tolist(),
        fnmr=(1 - matched(genuine, thresholds)).tolist(),
        fpir=None if unknown is None else matched(unknown, thresholds).tolist(),
        pairs=pairs,
        measured_on=(
            f"{pairs} pairs of each kind, drawn from {len(vectors)} references, on which the model "
            "may have been trained."
        ),
        generation=generation,
    )


def drawn_distances(
    labels: list[str], vectors: Floats, most: int = PAIRS, seed: int = 0
) -> tuple[Floats, Floats]:
    """Distances of drawn pairs of one group, and of drawn pairs of two; no row with itself.

    Args:
        labels: Of n rows.
        vectors: `(n, dim)`.
        most: Pairs of each kind; none of a kind of which there are none.
        seed: The same seed draws the same.

    Example:
        >>> vectors = np.array([[0.0], [1.0], [5.0]], np.float32)
        >>> genuine, impostor = drawn_distances(["a", "a", "b"], vectors, most=100)
        >>> sorted(set(genuine.tolist())), sorted(set(impostor.tolist()))
        ([1.0], [4.0, 5.0])
    """
    rng = np.random.default_rng(seed)
    groups = list(rows_by_group(labels).values())
    order = np.concatenate(groups)  # one group after the other
    sizes = np.array([len(rows) for rows in groups])
    starts = np.cumsum(sizes) - sizes
    size, start = np.repeat(sizes, sizes), np.repeat(starts, sizes)  # of each place's group
    found = []
    for places, others, begin in (
        (np.flatnonzero(size > 1), size - 1, 1),  # the others of the group, from the next one on
        (np.flatnonzero(size < len(order)), len(order) - size, 0),  # all behind it, round the end
    ):
        count = most if len(places) else 0
        a = rng.choice(places, count) if count else np.empty(0, np.int64)
        step = rng.integers(begin, begin + others[a]) if count else a
        if begin:
            b = start[a] + (a - start[a] + step) % size[a]
        else:
            b = (start[a] + size[a] + step) % len(order)
        found.append(exact_distances(vectors, order[a], vectors, order[b]))
    return found[0], found[1]


def matched(values: Floats, thresholds: Doubles) -> Doubles:
    """Share of distances that are at most each threshold.

    Example:
        >>> matched(np.array([0.5, 1.5], np.float32), np.array([0.0, 0.5, 2.0]))
        array([0. , 0.5, 1. ])
    """
    ordered = np.sort(values).astype(np.float64)
    counts = np.searchsorted(ordered, thresholds, side="right")
    shares: Doubles = counts / max(1, len(ordered))
    return shares


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
