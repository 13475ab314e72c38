"""The questions that a gallery answers: nearest references, and decisions by them.

Does not open or change a gallery (`gallery`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from index.contents import Contents
from index.decision import (
    CheckOptions,
    Decision,
    Rule,
    RunnerUp,
    decide,
    require_whole_number,
)
from index.errors import EmptyGalleryError
from index.neighbours import Neighbour, Neighbours
from index.search.checked import checked_vectors, whole
from likewise.arrays import Floats, Indices

if TYPE_CHECKING:
    from index.search.nearest_groups import NearestGroups


class Questions(Contents):
    """The answers of a gallery, each as of one snapshot."""

    def neighbours_of(self, k: int) -> int:
        """Number of neighbours in an answer: `k`, or fewer if the gallery is smaller."""
        if not (count := len(self)):
            raise EmptyGalleryError(
                f"Gallery {str(self.place)!r} holds no references to compare with. "
                f"Add references: likewise add {self.place} DATA"
            )
        require_whole_number("k", k, least=1)
        return min(int(k), count)

    def search(
        self, vectors: Floats, k: int, *, label: str | None = None, exact: bool = False
    ) -> Neighbours:
        """Find the k nearest references of each query; exactly, unless the owner chose otherwise.

        Thousands of queries in one call are much cheaper than one by one.

        Args:
            vectors: `(n, dim)`, float32, finite. Left unchanged.
            k: Neighbours per query, `1 <= k <= len(self)`.
            label: Search in this group only, which is always exact.
            exact: Search exactly whatever the owner chose (`choose_search`).

        Returns:
            ids, labels and distances, `(n, k)` each, nearest first, equal distances ordered by id.
            A reference without a group has the label None. A distance is Euclidean; an identical
            vector's is exactly 0.0.

        Raises:
            ValueError: If `vectors` has a wrong shape or dtype, or `k` is out of range.

        Example:
            >>> import tempfile
            >>> from index.gallery import Gallery
            >>> with Gallery.create(f"{tempfile.mkdtemp()}/g", dim=2, fingerprint="3f") as gallery:
            ...     gallery.add(["a", "b"], np.eye(2, dtype=np.float32), ["cat", "dog"])
            ...     neighbours = gallery.search(np.float32([[1, 0.25], [0, 1]]), k=2)
            >>> neighbours.ids.tolist()
            [['a', 'b'], ['b', 'a']]
            >>> neighbours.distances.round(2).tolist()[1]
            [0.0, 1.409999966621399]
        """
        queries = checked_vectors(vectors, self.dim)
        return self._searcher.nearest(queries, whole(k), label, exact=exact)

    def search_labelled(self, vectors: Floats, k: int, *, exact: bool = False) -> Neighbours:
        """Find the k nearest references of each query among those that are of a group.

        All references are searched first, so that a gallery whose references all have labels is
        searched once, and its other names are not read.

        Args:
            vectors: `(n, dim)`, float32, finite. Left unchanged.
            k: Neighbours per query, `1 <= k <= len(self)`.
            exact: As for `search`.

        Returns:
            As `search`, `(n, m)` where only m < k references are of a group.

        Raises:
            NoGroupsError: If none is.
            ValueError: As `search`.
        """
        queries, k = checked_vectors(vectors, self.dim), whole(k)
        with self._store.reading():
            near = self._searcher.nearest(queries, k, exact=exact)
            beside = np.flatnonzero(~near.labels.astype(bool).all(axis=1))
            return near if not len(beside) else self._among_groups(queries, k, near, beside)

    def _among_groups(
        self, queries: Floats, k: int, near: Neighbours, beside: Indices
    ) -> Neighbours:
        """Answer again the queries `beside`, `(m,)`, near which references without a group lie."""
        self.require_groups()
        others = self._searcher.nearest_labelled(queries[beside], k)
        if others.distances.shape[1] < k:  # so each of the queries is among these
            return others
        near.ids[beside], near.labels[beside] = others.ids, others.labels
        near.distances[beside] = others.distances
        return near

    def nearest_by_group(
        self,
        vectors: Floats,
        labels: Sequence[str | None],
        *,
        skip: Sequence[str | None] | None = None,
    ) -> tuple[list[str], Indices, NearestGroups]:
        """Find each query's distance to its own group and to the others, by one exact search.

        Args:
            vectors: `(n, dim)`, float32, finite. Left unchanged.
            labels: The own group of each query, n; None, or a label without references, for none.
            skip: For each query the id of a reference of its own group to leave out, or None; the
                references' own ids search each reference among all others.

        Returns:
            The g labels, in order; the column of each query's own group, `(n,)`, -1 for none; and
            the distances.

        Raises:
            ValueError: If an argument has a wrong shape, or an id does not exist.
        """
        return self._searcher.by_group(checked_vectors(vectors, self.dim), labels, skip)

    def within(self, vectors: Floats, radius: float) -> list[list[Neighbour]]:
        """Find all references of each query whose distance is at most `radius`, nearest first.

        Args:
            vectors: `(n, dim)`, float32, finite. Left unchanged.
            radius: Largest Euclidean distance, >= 0, included.

        Returns:
            n lists, each as long as there are references within the radius.

        Raises:
            ValueError: If `vectors` has a wrong shape or dtype, or `radius` is negative or not a
                number.
        """
        queries = checked_vectors(vectors, self.dim)
        if not radius >= 0:
            raise ValueError(f"`radius` must be a number >= 0. Received: {radius!r}.")
        return self._searcher.within(queries, radius)

    def check(self, vectors: Floats, options: CheckOptions = CheckOptions()) -> list[Decision]:
        """Decide for each query which group it belongs to, if any; see `decision`.

        Args:
            vectors: `(n, dim)`, float32, finite.
            options: `1 <= k <= len(self)`.

        Returns:
            n decisions; references without a group have no vote. For `options.group` a `match` or
            `no_match` with the distance to the nearest reference of that group.

        Raises:
            ValueError: If `vectors` or `k` is invalid, or no reference has the label `group`.
            NoGroupsError: If no reference is of a group.
            GalleryError: If there is no such operating point, or no evidence with it.
        """
        return self.decide(vectors, options.k, self.points.rule(options))

    def decide(self, vectors: Floats, k: int, rule: Rule) -> list[Decision]:
        """Do what `check` does, with a resolved rule.

        Args:
            vectors: `(n, dim)`, float32, finite.
            k: Neighbours that have a vote, `1 <= k <= len(self)`.
            rule: As `points.rule` resolves it.
        """
        with self._store.reading():
            neighbours, nearest = self.search_labelled(vectors, k), None
            if rule.group is not None:
                rule = replace(rule, group=self.stored_label(rule.group))
                nearest = self.search(vectors, 1, label=rule.group).distances[:, 0]
            runners_up = None
            if rule.min_margin is not None:
                runners_up = self._runners_up(vectors, neighbours)
            return decide(neighbours, rule, nearest, runners_up)

    def _runners_up(self, vectors: Floats, near: Neighbours) -> list[RunnerUp]:
        """Search, for queries whose neighbours are all of one group, the nearest other group."""
        found: list[RunnerUp] = [(None, None)] * len(vectors)
        agree = np.flatnonzero((near.labels == near.labels[:, :1]).all(axis=1))
        if len(agree):
            own = near.labels[agree, 0].tolist()
            names, _, groups = self.nearest_by_group(vectors[agree], own)
            others = zip(groups.nearest.tolist(), groups.other.tolist(), strict=True)
            for row, (column, distance) in zip(agree.tolist(), others, strict=True):
                if column >= 0:
                    found[row] = names[column], distance
        return found
