"""Intervals of one-to-one figures, by bootstrap over the images of the pairs.

A figure is measured some hundred times, each pair counting as often as both its images were drawn
together. So the pairs are sorted once, and each time only counted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np
import numpy.typing as npt

from likewise.arrays import Indices, Ints, Reals
from likewise.metrics.bootstrap import bootstrap

Places = npt.NDArray[np.intp]
Ends = tuple[float, float]

REPLICATES = 200  # of half a million pairs they take less than a second


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of one kind, nearest first.

    Attributes:
        distances: `(p,)`, ascending, p >= 1.
        first: Row of each pair's first image, `(p,)`.
        second: Row of its second image, among the same images, `(p,)`.
    """

    distances: Reals
    first: Ints
    second: Ints

    @classmethod
    def of(cls, distances: Reals, images: Ints) -> Pairs:
        """Sort pairs.

        Args:
            distances: `(p,)`.
            images: Rows of both images of each pair, `(p, 2)`.
        """
        order = np.argsort(distances)
        return cls(distances[order], images[order, 0], images[order, 1])

    def counted(self, times: Indices) -> _Counted:
        """Count each pair as often as its two images together; `times` is `(images,)`."""
        return _Counted(self.distances, np.cumsum(times.take(self.first) * times.take(self.second)))


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """Weighted pairs: `upto` is the count of each pair and all nearer ones."""

    distances: Reals
    upto: Indices

    def within(self, threshold: float, side: Literal["left", "right"] = "right") -> float:
        """Share of the pairs within a threshold; of those below it with "left"."""
        return self.share(int(np.searchsorted(self.distances, threshold, side)))

    @property
    def total(self) -> int:
        """How often all pairs count together."""
        return int(self.upto[-1])

    def share(self, count: int) -> float:
        """Weighted share of the `count` nearest pairs."""
        return int(self.upto[count - 1]) / self.total if count else 0.0

    def rest(self, count: int) -> float:
        """Weighted share of all but these; to the last digit, which may settle a tie."""
        return (self.total - int(self.upto[count - 1])) / self.total if count else 1.0

    def first_too_many(self, share: float) -> float:
        """The distance at which more than a share of the pairs would be within."""
        allowed = int(share * self.total)
        return float(self.distances[np.searchsorted(self.upto, allowed, side="right")])


@dataclass(frozen=True, slots=True)
class PairBounds:
    """Lower and upper ends of one-to-one figures at 95 %; NaN where no draw left a pair.

    Attributes:
        eer: Ends of the equal error rate.
        eer_threshold: Ends of its threshold.
        fnmr_at_fmr: Ends of the FNMR for each target FMR.
        fmr: Ends of the FMR at each threshold.
        fnmr: Ends of the FNMR at each threshold.
        accuracy: Ends of the pair accuracy at each threshold.
    """

    eer: Ends
    eer_threshold: Ends
    fnmr_at_fmr: list[Ends]
    fmr: list[Ends]
    fnmr: list[Ends]
    accuracy: list[Ends]


def verification_bounds(
    same: Pairs, different: Pairs, images: int, fmrs: Sequence[float], thresholds: Sequence[float]
) -> PairBounds:
    """Bound the one-to-one figures of pairs at 95 %, by bootstrap over the images.

    Args:
        same: Pairs of one label.
        different: Pairs of two labels.
        images: How many images the pairs were drawn from.
        fmrs: FMRs for which the FNMR is wanted, above 0 and below 1.
        thresholds: Thresholds at which FMR, FNMR and accuracy are wanted.
    """
    every = np.unique(np.concatenate([same.distances, different.distances]))
    places = [np.searchsorted(kind.distances, every, "right") for kind in (same, different)]
    sizes = [1, 1, len(fmrs), len(thresholds), len(thresholds), len(thresholds)]

    def measure(times: Indices) -> list[float]:
        known, others = same.counted(times), different.counted(times)
        if not (known.total and others.total):
            return [np.nan] * sum(sizes)
        figures = [*_equal_error(known, others, every, places[0], places[1])]
        figures += [1 - known.within(others.first_too_many(fmr), "left") for fmr in fmrs]
        fmr, tmr = ([kind.within(t) for t in thresholds] for kind in (others, known))
        accuracy = [(1 - a + b) / 2 for a, b in zip(fmr, tmr, strict=True)]
        return [*figures, *fmr, *(1 - rate for rate in tmr), *accuracy]

    ends = iter(bootstrap(measure, [images], replicates=REPLICATES))
    [eer], [eer_threshold], *rates = (list(islice(ends, size)) for size in sizes)
    return PairBounds(eer, eer_threshold, *rates)


def _equal_error(
    same: _Counted, different: _Counted, every: Reals, of_same: Places, of_different: Places
) -> tuple[float, float]:
    """EER and its threshold among `every`; by bisection, as FMR − FNMR only rises."""

    def rates(index: int) -> tuple[float, float]:
        return different.share(int(of_different[index])), same.rest(int(of_same[index]))

    def excess(index: int) -> float:
        fmr, fnmr = rates(index)
        return fmr - fnmr

    crossing = min(bisect_left(range(len(every)), 0.0, key=excess), len(every) - 1)
    before = max(crossing - 1, 0)
    best = before if abs(excess(before)) <= abs(excess(crossing)) else crossing
    return sum(rates(best)) / 2, float(every[best])
