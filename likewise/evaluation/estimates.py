"""A measured value with its 95 % interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from likewise.arrays import Doubles, Reals
from likewise.metrics.intervals import clopper_pearson, quantile_bounds

_NORMAL = 1.959964  # 97.5 % of a normal distribution lies below it


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval.

    Attributes:
        value: Measured value.
        interval: Lower and upper end at 95 %; None for an end that too few values leave open.
        events: Number of events, for a share of independent trials.
        trials: Number of trials of such a share.
        range: Least and greatest value over several draws, if all draws sufficed for one.
    """

    value: float
    interval: tuple[float | None, float | None]
    events: int | None = None
    trials: int | None = None
    range: tuple[float, float] | None = None

    def over_draws(self, values: Sequence[float | None]) -> Estimate:
        """Add the range that the value spans over draws; nothing where a draw gave no value.

        Example:
            >>> estimate = Estimate(0.5, (0.25, 0.75))
            >>> estimate.over_draws([0.5, 0.25]).range, estimate.over_draws([0.5, None]).range
            ((0.25, 0.5), None)
        """
        measured = [value for value in values if value is not None]
        if len(measured) < len(values):
            return self
        return replace(self, range=(min(measured), max(measured)))

    def to_json(self) -> dict[str, Any]:
        """The estimate as it stands in `report.json`; fields that are None are left out."""
        counts = {"events": self.events, "trials": self.trials} if self.trials is not None else {}
        ranged = {"range": list(self.range)} if self.range is not None else {}
        return {"value": self.value, **counts, "interval": list(self.interval), **ranged}


def share(events: int, trials: int) -> Estimate:
    """Estimate a share of independent trials, with Clopper and Pearson's interval.

    Args:
        events: Number of events, 0 to `trials`.
        trials: Number of trials, >= 1.

    Example:
        >>> estimate = share(0, 100)
        >>> estimate.value, estimate.events, estimate.trials, round(estimate.interval[1], 4)
        (0.0, 0, 100, 0.0362)
    """
    return Estimate(events / trials, clopper_pearson(events, trials), events, trials)


def bounded(value: float, ends: tuple[float, float], images: int) -> Estimate:
    """Estimate a figure that has an interval by bootstrap.

    Where it is 0, or 1, whichever images are drawn, no resampling can say how sure that is: then
    Clopper and Pearson's interval for so many trials is taken.

    Args:
        value: The figure, in [0, 1], or a threshold.
        ends: Lower and upper end by bootstrap.
        images: How many images were drawn from.

    Example:
        >>> bounded(0.5, (0.25, 0.75), images=10).interval
        (0.25, 0.75)
        >>> bounded(1.0, (1.0, 1.0), images=10).interval == share(10, 10).interval
        True
    """
    low, high = ends
    if low == high == value and value in (0, 1):
        low, high = clopper_pearson(int(value) * images, images)
    return Estimate(value, (min(low, value), max(high, value)))


def mean(values: Doubles) -> Estimate:
    """Estimate a mean over queries of figures in [0, 1], with the interval of a normal mean.

    Example:
        >>> mean(np.array([0.25, 0.5, 0.75])).value
        0.5
    """
    value, count = float(values.mean()), len(values)
    spread = _NORMAL * float(values.std(ddof=1)) / np.sqrt(count) if count > 1 else 1.0
    return bounded(value, (max(0.0, value - spread), min(1.0, value + spread)), count)


def quantile(values: Reals, share: float) -> Estimate:
    """Estimate a quantile; its interval lies between two of the values.

    Args:
        values: `(n,)`, n >= 1.
        share: Share of the values below the quantile, above 0 and below 1.

    Example:
        >>> quantile(np.array([0.1, 0.2, 0.3]), 0.5)
        Estimate(value=0.2, interval=(None, None), events=None, trials=None, range=None)
    """
    return Estimate(float(np.quantile(values, share)), quantile_bounds(values, share))


# Figures by the names of the report; None where the pictures are too few to support a rate.
Named = dict[str, Estimate | int | None]
