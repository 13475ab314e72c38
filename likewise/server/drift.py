"""Whether what is asked still looks like what the gallery was calibrated for.

The distances from queries to their nearest references are held against those that are to be
expected: of known pictures, as of the references among each other, and of unknown ones, as of the
calibration's evidence. How many unknowns are asked is nobody's fault, so the mixture that fits best
is expected, and what is left is the drift: pictures that are like neither, from another scanner,
upside down, of another kind.

The measure is the population stability index, Σ (p − q) ln (p / q) over bins that hold equal shares
of what is expected (Siddiqi, Credit Risk Scorecards, 2006). By its rule of thumb less than 0.1 is
nothing, more than 0.25 is much; with 20 bins, and no drift, n queries give about 19 / n and no more
than twice that (Yurdakul, Statistical Properties of Population Stability Index, 2018).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from index.evidence import EVIDENCE, read_evidence
from index.gallery import Gallery
from likewise.arrays import Doubles, Floats
from likewise.server.cached import Kept
from likewise.server.errors import ApiError
from likewise.server.routes.distances import evidence_of

LEAST = 500  # queries: fewer say nothing
_BINS = 20
_SAMPLE = 2000  # references
_MIXTURES = np.linspace(0, 1, 51)


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """Distances to the nearest reference, as they should be.

    Attributes:
        known: Of references to their nearest other reference, `(n,)`.
        unknown: Of the calibration's unknowns, `(m,)`; None without a calibration.
    """

    known: Floats
    unknown: Floats | None


def expected(gallery: Gallery, seed: int = 0) -> Expected:
    """Measure what is to be expected, on a sample of the references.

    Raises:
        ApiError: If there are no two references.
    """
    with gallery.snapshot():
        ids, _, vectors = gallery.references()
        if len(vectors) < 2:
            raise ApiError("empty_gallery", "There are no two references to compare.")
        rng = np.random.default_rng(seed)
        rows = rng.choice(len(vectors), min(_SAMPLE, len(vectors)), replace=False)
        found = gallery.search(vectors[rows], 2)
        evidence = evidence_of(gallery)
    itself = found.ids[:, 0] == ids[rows]  # unless an equal one comes first
    known = np.where(itself, found.distances[:, 1], found.distances[:, 0])
    unknown = None
    if evidence is not None:
        unknown = read_evidence(gallery.path, EVIDENCE, evidence).astype(np.float32)
    return Expected(known, unknown)


def state_of(gallery: Gallery) -> Hashable:
    """What the expectation follows from."""
    return gallery.generation, evidence_of(gallery)


def now(live: Floats, due: Kept[Expected]) -> float:
    """The drift of live distances; NaN while what is expected is not known yet."""
    try:
        return drift(live, due.get())
    except ApiError:
        return float("nan")


def drift(live: Floats, against: Expected) -> float:
    """The population stability index of live distances, for the mixture that fits them best.

    Args:
        live: From queries to their nearest references, `(n,)`.
        against: What is expected.

    Returns:
        0 or more; NaN for fewer than `LEAST` queries.
    """
    if len(live) < LEAST:
        return float("nan")
    parts = [against.known] if against.unknown is None else [against.known, against.unknown]
    edges = np.quantile(
        np.concatenate(parts).astype(np.float64), np.linspace(0, 1, _BINS + 1)[1:-1]
    )
    shares = [_shares(part, edges) for part in parts]
    found = _shares(live, edges)
    mixtures = [shares[0] + part * (shares[-1] - shares[0]) for part in _MIXTURES]
    return min(stability_index(found, mixture) for mixture in mixtures)


def stability_index(found: Doubles, wanted: Doubles) -> float:
    """Σ (p − q) ln (p / q), in nats.

    Args:
        found: Share of what came in each bin, all above 0.
        wanted: Share of what was expected, all above 0.

    Example:
        >>> found, wanted = np.array([0.5, 0.5]), np.array([0.25, 0.75])
        >>> round(stability_index(found, wanted), 4)  # ¼ ln 2 − ¼ ln ⅔
        0.2747
    """
    return float(((found - wanted) * np.log(found / wanted)).sum())


def _shares(values: Floats, edges: Doubles) -> Doubles:
    """Share of the values in each bin; half a value more in each, so that none is 0."""
    counts = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1) + 0.5
    shares: Doubles = counts / counts.sum()
    return shares
