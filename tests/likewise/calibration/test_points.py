"""Rates at a threshold against their definitions, counted one by one."""

import numpy as np

from likewise.calibration.points import measured_at
from likewise.metrics.limits import Limits
from likewise.metrics.searches import Mated, NonMated


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_rates_are_counted_by_the_definitions() -> None:
    # Query: own, other. Found; too far; a wrong group nearer; a tie for rank 1.
    mated = Mated(f32(0.2, 0.6, 0.4, 0.3), f32(0.9, 0.9, 0.3, 0.3), ["a", "a", "a", "b"])
    strangers = NonMated(f32(0.5, 0.51, 2.0), ["a", "a", "b"])
    point = measured_at(Limits(0.5), mated, {"left out": strangers})
    assert (point.false, point.queries, point.measured) == (1, 3, 1 / 3)
    assert (point.missed, point.mated, point.fnir) == (3, 4, 0.75)
    assert point.unknown == {"left out": {"queries": 3, "false": 1}}
    by_group = measured_at(Limits(0.5, {"b": 2.0, "a": 0.1}), mated, {"left out": strangers})
    assert (by_group.false, by_group.missed) == (1, 4)
