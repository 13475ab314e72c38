"""What a search by group finds: each query's own group, and the nearest of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from likewise.arrays import Bools, Floats, Indices

NONE = -1  # stands for no group, or no row
CLOSER = 5  # other groups that are counted, at most


@dataclass(frozen=True, slots=True, eq=False)
class NearestGroups:
    """The nearest groups of n queries.

    Attributes:
        own: Distance to the nearest reference of the query's own group, `(n,)`, float32; inf where
            it has none.
        other: Distance to the nearest reference of any other group, `(n,)`, float32; inf where
            there is none.
        nearest: The column of that other group, `(n,)`; the first of equally near ones, `NONE`
            where there is none.
        closer: How many other groups are at most as far as the own one, `(n,)`, `CLOSER` at most;
            0 where `own` is inf.
    """

    own: Floats
    other: Floats
    nearest: Indices
    closer: Indices

    @classmethod
    def none(cls, count: int) -> NearestGroups:
        """What is found where there are no groups, for a number of queries."""
        return cls(
            np.full(count, np.inf, np.float32),
            np.full(count, np.inf, np.float32),
            np.full(count, NONE),
            np.zeros(count, np.int64),
        )

    @classmethod
    def joined(cls, parts: Sequence[NearestGroups]) -> NearestGroups:
        """Concatenate the results of several searches among the same groups."""
        return cls(
            np.concatenate([part.own for part in parts]),
            np.concatenate([part.other for part in parts]),
            np.concatenate([part.nearest for part in parts]),
            np.concatenate([part.closer for part in parts]),
        )

    def at(self, rows: Indices) -> NearestGroups:
        """The queries at these rows, in this order."""
        return NearestGroups(
            self.own[rows], self.other[rows], self.nearest[rows], self.closer[rows]
        )

    def put(self, rows: Indices, part: NearestGroups) -> None:
        """Set what was found for some of the queries.

        Args:
            rows: Their places, `(p,)`.
            part: What was found for them, in the same order.
        """
        self.own[rows], self.other[rows] = part.own, part.other
        self.nearest[rows], self.closer[rows] = part.nearest, part.closer


def true_places(mask: Bools) -> tuple[Indices, Indices]:
    """Rows and columns of what is true: `np.nonzero` of a matrix takes many times as long."""
    return np.divmod(np.flatnonzero(mask), mask.shape[1])
