"""Search distances of mated and of non-mated queries.

A query is matched when its nearest reference lies within the threshold, equality included. Where
groups have thresholds of their own, that of the nearest reference's group counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from likewise.arrays import Bools, Floats
from likewise.metrics.limits import Limits


@dataclass(frozen=True, slots=True, eq=False)
class Mated:
    """The searches of m mated queries, whose group is in the gallery.

    Attributes:
        own: Distance to the nearest reference of the query's own group, `(m,)`, float32, finite.
        other: Distance to the nearest of any other group, `(m,)`, float32; inf where there is none.
        labels: The queries' groups, m.
    """

    own: Floats
    other: Floats
    labels: Sequence[str]

    def __len__(self) -> int:
        return len(self.own)

    @property
    def found(self) -> Floats:
        """Distances of the queries whose nearest reference is of their group, a tie left out."""
        return self.own[self.own < self.other]

    def missed(self, limits: Limits) -> Bools:
        """Whether each query misses its own group at rank 1, `(m,)`; a tie for rank 1 is a miss."""
        return ~((self.own < self.other) & (self.own <= limits.of(self.labels)))

    @classmethod
    def pooled(cls, batches: Sequence[Mated]) -> Mated:
        """The searches of several batches of queries together."""
        none = np.empty(0, np.float32)
        return cls(
            np.concatenate([none, *(batch.own for batch in batches)]),
            np.concatenate([none, *(batch.other for batch in batches)]),
            [label for batch in batches for label in batch.labels],
        )


@dataclass(frozen=True, slots=True, eq=False)
class NonMated:
    """The searches of n non-mated queries, whose group is not in the gallery.

    Attributes:
        distances: Distance to the nearest reference, `(n,)`, float32, finite.
        labels: The groups of those nearest references, n.
    """

    distances: Floats
    labels: Sequence[str]

    def __len__(self) -> int:
        return len(self.distances)

    def matched(self, limits: Limits) -> Bools:
        """Whether each query is matched, which is an error, `(n,)`."""
        inside: Bools = self.distances.astype(np.float64) <= limits.of(self.labels)
        return inside

    @classmethod
    def pooled(cls, parts: Sequence[NonMated]) -> NonMated:
        """The searches of several kinds of queries together."""
        distances = [np.empty(0, np.float32), *(part.distances for part in parts)]
        return cls(np.concatenate(distances), [label for part in parts for label in part.labels])
