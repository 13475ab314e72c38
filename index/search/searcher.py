"""Whoever holds the vectors of a gallery and searches them: the contract.

This process does it by default (`local`), or parts of the references elsewhere do (`index.parts`).
Answers are the same to the bit, each as of one snapshot of the store.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from index.neighbours import Neighbour, Neighbours
from index.references.rows import Change, NewRow
from likewise.arrays import Floats, Indices, Strings

if TYPE_CHECKING:  # not for a cold query
    from index.search.nearest_groups import NearestGroups

ByGroup: TypeAlias = "tuple[list[str], Indices, NearestGroups]"


class Searcher(ABC):
    """A search structure over all references; `queries` are as `checked_vectors` returns them."""

    @abstractmethod
    def nearest(
        self, queries: Floats, k: int, label: str | None = None, *, exact: bool = False
    ) -> Neighbours:
        """The k nearest references of each query, among all or those of one group.

        Args:
            queries: `(n, dim)`, float32.
            k: From 1 to the number of references that are searched.
            label: The group to search, or None for all.
            exact: Whether to search exactly whatever the owner chose.

        Raises:
            ValueError: If `k` is out of range, or no reference has the label.
        """

    @abstractmethod
    def nearest_labelled(self, queries: Floats, k: int) -> Neighbours:
        """The k nearest of the references that are of a group, or all of them where they are fewer.

        Args:
            queries: `(n, dim)`, float32.
            k: 1 or more; at least one reference is of a group.
        """

    @abstractmethod
    def by_group(
        self,
        queries: Floats,
        labels: Sequence[str | None],
        skip: Sequence[str | None] | None,
    ) -> ByGroup:
        """How near each query comes to its own group and to the others; see `Questions`.

        Args:
            queries: `(n, dim)`, float32.
            labels: Labels of the queries' own groups, n.
            skip: Ids of the references that are left out, n, or None.
        """

    @abstractmethod
    def within(self, queries: Floats, radius: float) -> list[list[Neighbour]]:
        """All references of each query whose distance is at most `radius`, nearest first.

        Args:
            queries: `(n, dim)`, float32.
            radius: Largest Euclidean distance, included.
        """

    @abstractmethod
    def references(self, rows: Indices | None) -> tuple[Strings, Strings, Floats]:
        """Ids, labels and vectors, which are not to be changed.

        Args:
            rows: Places in the order of slots, `(m,)`; None for all.
        """

    @abstractmethod
    def vectors(self, rows: Indices | None) -> Floats:
        """Vectors, `(m, dim)`, which are not to be changed or kept.

        Args:
            rows: As for `references`.
        """

    @abstractmethod
    def apply(self, change: Change, vectors: Floats, rows: Sequence[NewRow]) -> None:
        """Note this process's own change.

        Args:
            change: The change, from the store.
            vectors: Vectors of the added rows, `(n, dim)`, float32.
            rows: The added rows, n.
        """

    @abstractmethod
    def load(self, *, ahead: bool) -> None:
        """Be ready for many searches.

        Args:
            ahead: Whether to return at once, and let the first search wait.
        """

    @abstractmethod
    def read_names(self, at_once: int) -> None:
        """Read ids and labels now, so that answers do not wait, where that is due.

        Args:
            at_once: References for which other threads may have to wait.
        """

    @abstractmethod
    def require_ready(self) -> None:
        """Refuse to answer where vectors are missing.

        Raises:
            PartMissingError: If they are.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back what is held elsewhere."""
