"""What a search returns: the nearest references of each query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from likewise.arrays import Floats, Strings


class Neighbour(NamedTuple):
    """One reference near a query; a tuple, since an answer has several and millions are made.

    Attributes:
        rank: 1 for the nearest.
        id: The reference's id.
        label: The reference's group.
        distance: Euclidean distance of the two vectors, a float32 value.
    """

    rank: int
    id: str
    label: str
    distance: float


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The k nearest references of n queries, nearest first, equal distances ordered by id.

    Attributes:
        ids: Shape `(n, k)`, str objects.
        labels: Shape `(n, k)`, str objects.
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

    def __getitem__(self, query: int) -> list[Neighbour]:
        return neighbour_list(
            self.ids[query].tolist(), self.labels[query].tolist(), self.distances[query].tolist()
        )


def neighbour_list(
    ids: Sequence[str], labels: Sequence[str], distances: Sequence[float]
) -> list[Neighbour]:
    """Zip the columns of one query, nearest first, and rank them from 1.

    Args:
        ids: Of k references.
        labels: Their groups, k.
        distances: Their distances, k, float32 values.

    Example:
        >>> neighbour_list(["a"], ["cat"], [0.5])
        [Neighbour(rank=1, id='a', label='cat', distance=0.5)]
    """
    return list(map(Neighbour, range(1, len(ids) + 1), ids, labels, distances))
