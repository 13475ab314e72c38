"""Which rows of an index are of which group, and which are of none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from index.search.columns import Columns
from index.search.exact import ExactIndex
from likewise.arrays import Indices, Strings

if TYPE_CHECKING:
    from index.search.by_group import GroupedVectors


@dataclass(frozen=True, slots=True, eq=False)
class SortedIds:
    """Ids in order, to look some up among many.

    Attributes:
        ids: `(m,)`, ascending.
        places: The place of each in `Grouping.labelled`, `(m,)`.
    """

    ids: Strings
    places: Indices


class Grouping:
    """The rows of an index by their labels.

    Args:
        names: Labels of the n rows.
        index: Their vectors, n.
    """

    def __init__(self, names: Columns, index: ExactIndex) -> None:
        self._names = names
        self._index = index
        self._sorted: SortedIds | None = None
        self._parts: dict[str, ExactIndex] = {}

    @cached_property
    def labelled(self) -> Indices:
        """The rows that are of a group, ascending."""
        return self._names.labelled

    @cached_property
    def rows(self) -> dict[str, Indices]:
        """The rows of each group, labels in order."""
        return {label: self._names.rows(c) for c, label in enumerate(self._names.labels.all())}

    def rows_with(self, label: str) -> Indices:
        """The rows of the group that a label means; none where there is no such group."""
        return self._names.rows_with(label)

    def stored_label(self, label: str) -> str:
        """The group that a label means, as the gallery spells it; the label itself if none does."""
        return self._names.stored_label(label)

    def part(self, label: str) -> tuple[Indices, ExactIndex]:
        """The rows and vectors of the group that a label means, copied once."""
        rows = self.rows_with(label)
        if label not in self._parts:
            self._parts[label] = self._index.subset(rows)
        return rows, self._parts[label]

    @cached_property
    def vectors(self) -> ExactIndex:
        """The vectors of the labelled rows; the index itself where all rows are."""
        all_are = len(self.labelled) == len(self._index)
        return self._index if all_are else self._index.subset(self.labelled)

    @cached_property
    def grouped(self) -> GroupedVectors:
        """These vectors in an order in which each group is one span."""
        from index.search.by_group import GroupedVectors  # not for a cold query

        places = [np.searchsorted(self.labelled, rows) for rows in self.rows.values()]
        return GroupedVectors(self.vectors, places)

    def sorted_ids(self, ids: Callable[[Indices], Strings]) -> SortedIds:
        """The ids of the labelled rows in order, read once.

        Args:
            ids: Returns the ids of rows.
        """
        if self._sorted is None:
            names = ids(self.labelled)
            places = np.argsort(names, kind="stable")
            self._sorted = SortedIds(names[places], places)
        return self._sorted
