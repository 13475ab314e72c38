"""A figure beside how sure it is, as it stands in `report.json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from likewise.arrays import Doubles, Reals
from likewise.metrics.intervals import clopper_pearson, quantile_bounds

Figure = dict[str, Any]

_NORMAL = 1.959964  # 97.5 % of a normal distribution lies below it


def share(events: int, trials: int) -> Figure:
    """A share of independent trials, with Clopper and Pearson's interval.

    Example:
        >>> figure = share(0, 100)
        >>> figure["value"], figure["events"], figure["trials"], round(figure["interval"][1], 4)
        (0.0, 0, 100, 0.0362)
    """
    return {
        "value": events / trials,
        "events": events,
        "trials": trials,
        "interval": list(clopper_pearson(events, trials)),
    }


def bounded(value: float, ends: tuple[float, float], images: int) -> Figure:
    """A figure of `images`, in [0, 1], with its interval by bootstrap.

    Where it is 0, or 1, whichever images are drawn, no resampling can say how sure that is: then
    Clopper and Pearson's interval for so many trials is given.

    Example:
        >>> bounded(0.5, (0.25, 0.75), images=10)
        {'value': 0.5, 'interval': [0.25, 0.75]}
        >>> bounded(1.0, (1.0, 1.0), images=10)["interval"] == share(10, 10)["interval"]
        True
    """
    low, high = ends
    if low == high == value and value in (0, 1):
        low, high = clopper_pearson(int(value) * images, images)
    return {"value": value, "interval": [min(low, value), max(high, value)]}


def mean(values: Doubles) -> Figure:
    """A mean over queries of figures in [0, 1], with the interval of a normal mean.

    Example:
        >>> mean(np.array([0.25, 0.5, 0.75]))["value"]
        0.5
    """
    value, count = float(values.mean()), len(values)
    spread = _NORMAL * float(values.std(ddof=1)) / np.sqrt(count) if count > 1 else 1.0
    return bounded(value, (max(0.0, value - spread), min(1.0, value + spread)), count)


def quantile(values: Reals, share: float) -> Figure:
    """A quantile, with the interval of two of the values; its ends are None where n is too small.

    Example:
        >>> quantile(np.array([0.1, 0.2, 0.3]), 0.5)
        {'value': 0.2, 'interval': [None, None]}
    """
    value = float(np.quantile(values, share))
    return {"value": value, "interval": list(quantile_bounds(values, share))}


def over_draws(values: Sequence[float | None]) -> Figure:
    """The range that a figure spans over draws; nothing where one did not suffice for it.

    Example:
        >>> over_draws([0.5, 0.25]), over_draws([0.5, None])
        ({'range': [0.25, 0.5]}, {})
    """
    found = [value for value in values if value is not None]
    return {"range": [min(found), max(found)]} if len(found) == len(values) else {}
