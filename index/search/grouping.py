"""Which rows of an index are of which group, and which are of none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from index.search.exact import ExactIndex
from likewise.arrays import Indices, Strings
from likewise.metrics.groups import rows_by_group
from likewise.names import normal

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
        labels: Label of each of the n rows, `(n,)`; None for a row of no group.
        index: Their vectors, n.

    Attributes:
        labelled: The rows that are of a group, ascending.
        unlabelled: The others, ascending.
        rows: The rows of each group, labels in order.

    Example:
        >>> import faiss
        >>> labels = np.array(["dog", None, "cat", "dog"], object)
        >>> grouping = Grouping(labels, ExactIndex(faiss.IndexFlatL2(2)))
        >>> {label: rows.tolist() for label, rows in grouping.rows.items()}
        {'cat': [2], 'dog': [0, 3]}
    """

    def __init__(self, labels: Strings, index: ExactIndex) -> None:
        is_labelled = labels.astype(bool)
        self.labelled: Indices = np.flatnonzero(is_labelled)
        self.unlabelled: Indices = np.flatnonzero(~is_labelled)
        groups = rows_by_group(labels[self.labelled].tolist())
        self.rows = {label: self.labelled[places] for label, places in groups.items()}
        self._index = index
        self._sorted: SortedIds | None = None

    def rows_with(self, label: str) -> Indices:
        """The rows of the group that a label means; none where there is no such group."""
        return self.rows.get(self.stored_label(label), np.empty(0, np.int64))

    def stored_label(self, label: str) -> str:
        """The group that a label means, as the gallery spells it; the label itself if none does."""
        return label if label in self.rows else self._spelled.get(normal(label), label)

    @cached_property
    def vectors(self) -> ExactIndex:
        """The vectors of the labelled rows; the index itself where all rows are."""
        return self._index.subset(self.labelled) if len(self.unlabelled) else self._index

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

    @cached_property
    def _spelled(self) -> dict[str, str]:
        """The groups by their normal forms."""
        return {normal(stored): stored for stored in self.rows}
