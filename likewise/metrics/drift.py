"""Drift of queries: the population stability index of their distances to the nearest reference.

    PSI = Σ (p − q) ln (p / q)   over bins that hold equal shares of what is expected

(Siddiqi, Credit Risk Scorecards, 2006). The share of unknown pictures among queries may vary, so
the mixture of known and unknown ones that fits best is expected. What is left is the drift:
pictures that are like neither, from another scanner, upside down, of another kind.

By Siddiqi's rule of thumb less than 0.1 is nothing, more than 0.25 is much. With 20 bins and no
drift, n queries give about 19 / n and no more than twice that (Yurdakul, Statistical Properties of
Population Stability Index, 2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from likewise.arrays import Doubles, Floats

LEAST = 500  # fewer queries are not enough
_BINS = 20
_MIXTURES = np.linspace(0, 1, 51)


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """Expected distances to the nearest reference.

    Attributes:
        known: Distances of references to their nearest other reference, `(n,)`.
        unknown: Distances of the calibration's unknowns, `(m,)`; None without calibration.
    """

    known: Floats
    unknown: Floats | None


def drift(live: Floats, against: Expected) -> float:
    """The population stability index of live distances, for the mixture that fits them best.

    Args:
        live: Distances of queries to their nearest references, `(n,)`.
        against: The expected distances.

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
    actual = _shares(live, edges)
    mixtures = [shares[0] + part * (shares[-1] - shares[0]) for part in _MIXTURES]
    return min(stability_index(actual, mixture) for mixture in mixtures)


def stability_index(actual: Doubles, expected: Doubles) -> float:
    """Σ (p − q) ln (p / q), in nats.

    Args:
        actual: Share of what came in each bin, all above 0.
        expected: Share of what was expected, all above 0.

    Example:
        >>> actual, expected = np.array([0.5, 0.5]), np.array([0.25, 0.75])
        >>> round(stability_index(actual, expected), 4)  # ¼ ln 2 − ¼ ln ⅔
        0.2747
    """
    return float(((actual - expected) * np.log(actual / expected)).sum())


def _shares(values: Floats, edges: Doubles) -> Doubles:
    """Share of the values in each bin; half a value more in each, so that none is 0."""
    counts = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1) + 0.5
    shares: Doubles = counts / counts.sum()
    return shares
