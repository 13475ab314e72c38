"""Search results: the nearest references of each query."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import NamedTuple, overload

import numpy as np

from likewise.arrays import Floats, Strings


class Neighbour(NamedTuple):
    """One reference near a query; a tuple, since an answer has several and millions are made.

    Attributes:
        rank: 1 for the nearest.
        id: The reference's id.
        label: The reference's group; None for one without, which no decision holds.
        distance: Euclidean distance of the two vectors, a float32 value.
    """

    rank: int
    id: str
    label: str | None
    distance: float


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The k nearest references of n queries, nearest first, equal distances ordered by id.

    Attributes:
        ids: Shape `(n, k)`, str objects.
        labels: Shape `(n, k)`, str objects, None for a reference without a group.
        distances: Shape `(n, k)`, float32, Euclidean.

    Example:
        >>> neighbours = Neighbours(
        ...     ids=np.array([["a", "b"]], dtype=object),
        ...     labels=np.array([["cat", "dog"]], dtype=object),
        ...     distances=np.array([[0.25, 0.5]], dtype=np.float32),
        ... )
        >>> len(neighbours)
        1
        >>> neighbours[0][0]
        Neighbour(rank=1, id='a', label='cat', distance=0.25)
    """

    ids: Strings
    labels: Strings
    distances: Floats

    def __len__(self) -> int:
        return len(self.distances)

    @overload
    def __getitem__(self, query: int) -> list[Neighbour]: ...

    @overload
    def __getitem__(self, query: slice) -> Neighbours: ...

    def __getitem__(self, query: int | slice) -> list[Neighbour] | Neighbours:
        if isinstance(query, slice):
            return Neighbours(self.ids[query], self.labels[query], self.distances[query])
        columns = (self.ids[query], self.labels[query], self.distances[query])
        return list(map(Neighbour, count(1), *map(np.ndarray.tolist, columns)))
