"""Thresholds: one for all groups, with exceptions by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from likewise.arrays import Doubles


@dataclass(frozen=True, slots=True)
class Limits:
    """A threshold, and thresholds by group.

    Attributes:
        threshold: Largest distance that is a match, equality included, Euclidean.
        groups: Thresholds by label, used instead.

    Example:
        >>> Limits(0.5, {"1": 0.25}).of(["7", "1"])
        array([0.5 , 0.25])
    """

    threshold: float
    groups: Mapping[str, float] = field(default_factory=dict)

    def of(self, labels: Sequence[str]) -> Doubles:
        """The threshold of each label."""
        if not self.groups:
            return np.full(len(labels), self.threshold)
        return np.array([self.groups.get(label, self.threshold) for label in labels], np.float64)
