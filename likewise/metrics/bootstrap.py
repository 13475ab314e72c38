"""Bootstrap intervals: figures measured again and again on images drawn with replacement.

Efron, Bootstrap methods: another look at the jackknife, Annals of Statistics 7 (1979), 1-26. Pairs
that share an image are not independent trials, and the interval for those (`intervals`) would be
too narrow; images are independent, so they are what is drawn.

The figure itself is an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from likewise.arrays import Bools, Doubles, Indices, Ints
from likewise.metrics.intervals import CONFIDENCE, clopper_pearson

REPLICATES = 500  # the ends of an interval move by a few per cent of its width


def bootstrap(
    measure: Callable[..., Sequence[float]],
    images: Sequence[int],
    *,
    confidence: float = CONFIDENCE,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> list[tuple[float, float]]:
    """Bound figures by measuring them on images drawn with replacement.

    Args:
        measure: Measures the figures; its arguments say how often each image counts, `(n,)`,
            int64, one argument for each set of images. A figure is NaN where the drawn images do
            not allow it.
        images: Sizes of the sets, each drawn by itself.
        confidence: Above 0 and below 1.
        replicates: How often to draw.
        seed: The same seed gives the same intervals.

    Returns:
        For each figure the percentiles between which it lies that often; both NaN where it was
        never allowed.

    Example:
        >>> heights = np.arange(100)
        >>> [(low, high)] = bootstrap(lambda times: [np.average(heights, weights=times)], [100])
        >>> 43 < low < 45 and 54 < high < 56  # 49.5 ± 1.96 · 28.9 / √100
        True
    """
    rng = np.random.default_rng(seed)
    drawn = [
        measure(*(np.bincount(rng.integers(0, n, n), minlength=n) for n in images))
        for _ in range(replicates)
    ]
    tail = 50 * (1 - confidence)
    return [_ends(np.array(figure, np.float64), tail) for figure in zip(*drawn, strict=True)]


def bootstrap_by_image(
    events: Bools,
    first: Ints,
    second: Ints,
    *,
    confidence: float = CONFIDENCE,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> tuple[float, float]:
    """Bound the share of pairs at which an event happened, where pairs share images.

    The first images and the second ones are drawn each by themselves; a pair counts as often as
    both its images were drawn together (Owen, The pigeonhole bootstrap, Annals of Applied
    Statistics 1 (2007), 386-411). It is never too narrow, and up to √3 times too wide where the
    pairs hardly depend on each other. Where nothing happened, or always, no resampling can say how
    sure that is: then the pairs are taken to be as many as the fewer of the images, and Clopper and
    Pearson's interval is given.

    Args:
        events: Whether it happened at each pair, `(p,)`, p >= 1.
        first: Number of each pair's first image, `(p,)`, >= 0.
        second: Number of each pair's second image, `(p,)`, >= 0; unrelated to those of the first.
        confidence: Above 0 and below 1.
        replicates: How often to draw.
        seed: The same seed gives the same interval.

    Example:
        >>> query, reference = np.repeat(np.arange(100), 100), np.tile(np.arange(100), 100)
        >>> low, high = bootstrap_by_image(query < 10, query, reference)  # all pairs of 10 queries
        >>> 0.02 < low < 0.07 and 0.13 < high < 0.18  # as if 10 of 100, not 1,000 of 10,000
        True
    """
    happened = np.flatnonzero(events)
    if len(happened) in (0, len(events)):
        fewest = min(len(np.unique(first)), len(np.unique(second)))
        return clopper_pearson(fewest if len(happened) else 0, fewest, confidence)

    def share(rows: Indices, columns: Indices) -> list[float]:
        weights = rows.astype(np.float32)[first] * columns.astype(np.float32)[second]
        total = float(weights.sum(dtype=np.float64))
        return [float(weights[happened].sum(dtype=np.float64)) / total if total else np.nan]

    sizes = int(first.max()) + 1, int(second.max()) + 1
    [ends] = bootstrap(share, sizes, confidence=confidence, replicates=replicates, seed=seed)
    return ends


def _ends(drawn: Doubles, tail: float) -> tuple[float, float]:
    allowed = drawn[~np.isnan(drawn)]
    if not len(allowed):
        return np.nan, np.nan
    low, high = np.percentile(allowed, [tail, 100 - tail]).tolist()
    return low, high
