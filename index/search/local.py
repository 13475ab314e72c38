"""Search in this process, which holds all vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from index.neighbours import Neighbour, Neighbours
from index.search.current import CurrentIndex
from index.search.held_names import HELD
from index.search.searcher import ByGroup, Searcher
from likewise.arrays import Floats, Indices, Strings


class LocalSearcher(CurrentIndex, Searcher):
    """The derived index, loaded when it is first searched."""

    def nearest_labelled(self, queries: Floats, k: int) -> Neighbours:
        """As the contract has it.

        Args:
            queries: `(n, dim)`, float32.
            k: 1 or more.
        """
        with self.reading() as index:
            rows, labelled = index.grouping.labelled, index.grouping.vectors
            return index.nearest_in(queries, min(k, len(rows)), rows, labelled)

    def by_group(
        self,
        queries: Floats,
        labels: Sequence[str | None],
        skip: Sequence[str | None] | None,
    ) -> ByGroup:
        """As the contract has it.

        Args:
            queries: `(n, dim)`, float32.
            labels: Labels of the queries' own groups, n.
            skip: Ids of the references that are left out, n, or None.
        """
        from index.search.by_label import nearest_by_label  # not for a cold query

        with self.reading() as index:
            return nearest_by_label(index, queries, labels, skip)

    def within(self, queries: Floats, radius: float) -> list[list[Neighbour]]:
        """As the contract has it.

        Args:
            queries: `(n, dim)`, float32.
            radius: Largest Euclidean distance, included.
        """
        with self.reading() as index:
            return [
                Neighbours(index.ids(rows)[None], index.labels(rows)[None], distances[None])[0]
                for rows, distances in index.exact.within(queries, radius, index.ids)
            ]

    def references(self, rows: Indices | None) -> tuple[Strings, Strings, Floats]:
        """As the contract has it."""
        with self.reading() as index:
            places = index.rows_with(None) if rows is None else rows
            return index.ids(places), index.labels(places), self.vectors(rows)

    def vectors(self, rows: Indices | None) -> Floats:
        """As the contract has it: the index's own where all are asked for."""
        with self.reading() as index:
            return index.exact.stored if rows is None else index.exact.stored[rows]

    def read_names(self, at_once: int) -> None:
        """As the contract has it: those of a small gallery."""
        with self.reading() as index:
            count = len(index.slots)
        for start in range(0, count if count <= HELD else 0, at_once):
            with self.reading() as index:
                index.ids(np.arange(start, min(start + at_once, len(index.slots))))

    def require_ready(self) -> None:
        """As the contract has it: the vectors are here, or are read by who asks."""
