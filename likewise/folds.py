"""Divide a gallery's references into folds, and search each fold among the others.

    references ─near_copies─▶ sets of copies ─fold_of─▶ folds ─search─▶ GroupDistances

A picture and its near copies are in one fold, and one of them is searched: copies on both sides
would flatter the rates, and copies on one side would count as independent pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import faiss
import numpy as np

from embedder.text import counted
from index.gallery import Gallery
from index.neighbours import Neighbour
from index.search.by_group import GroupedVectors
from index.search.equals import equal_rows
from index.search.exact import ExactIndex
from index.search.nearest_groups import NONE, NearestGroups
from likewise.arrays import Floats, Indices
from likewise.matcher import Matcher
from likewise.metrics.groups import rows_by_group
from likewise.metrics.pairs import exact_distances, pair_distances
from likewise.queries import GroupDistances, Progress

COPY = 0.05  # share of the usual distance of two pictures of a group within which two are copies
PAIRS = 10_000  # pairs from which the usual distance is computed
_FOLDS = 10
_AT_ONCE = 1024  # references whose distances to their group are in memory


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """The n labelled references of a gallery, in folds.

    Attributes:
        ids: Their ids, n, ascending.
        vectors: Their embeddings, `(n, dim)`, float32.
        labels: Their groups, n.
        fold: The fold of each, `(n,)`.
        asked: Rows of the references that are searched, one of each set of near copies.
    """

    ids: list[str]
    vectors: Floats
    labels: list[str]
    fold: Indices
    asked: Indices

    @classmethod
    def of(cls, gallery: Gallery) -> Folds:
        """Divide the references; the same references make the same folds.

        Args:
            gallery: With at least one labelled reference.
        """
        ids, labels, vectors = gallery.labelled_references()
        order = np.argsort(ids, kind="stable")  # not the order in which they were added
        vectors, names = vectors[order], labels[order].tolist()
        members = rows_by_group(names)
        bound = 0.0  # equal vectors alone, where no group has a usual distance
        if len(members) > 1 and max(map(len, members.values())) > 1:
            same, _ = pair_distances(vectors, names, PAIRS, seed=0)
            bound = COPY * float(np.median(same))
        first = np.arange(len(names))
        for rows in members.values():
            first[rows] = rows[near_copies(vectors[rows], bound)]
        return cls(ids[order].tolist(), vectors, names, fold_of(first, names), np.unique(first))

    def not_searched(self) -> list[str]:
        """Report the references that are not searched, because a near copy of them is."""
        copies = len(self.labels) - len(self.asked)
        if not copies:
            return []
        return [f"Not searched: {counted(copies, 'reference')} with a near copy that was."]

    def searched(self) -> Iterator[tuple[Indices, GroupDistances]]:
        """Search the pictures of each fold among those of the others: their rows, and distances."""
        members = rows_by_group(self.labels)
        groups = list(members)
        column = np.empty(len(self.labels), np.int64)
        for place, rows in enumerate(members.values()):
            column[rows] = place
        for fold in np.unique(self.fold):
            rows = self.asked[self.fold[self.asked] == fold]
            near = self._search(rows, self.fold != fold, column, len(groups))
            yield rows, GroupDistances(groups, column[rows], near)

    def neighbours(self, row: int, count: int) -> list[Neighbour]:
        """The nearest references of the other folds.

        Args:
            row: The reference that is searched.
            count: Number of neighbours, fewer where the other folds hold fewer.
        """
        others = np.flatnonzero(self.fold != self.fold[row])
        distances = exact_distances(self.vectors, np.full_like(others, row), self.vectors, others)
        nearest = np.argsort(distances, kind="stable")[:count].tolist()  # equal ones by id
        return [
            Neighbour(rank, self.ids[others[at]], self.labels[others[at]], float(distances[at]))
            for rank, at in enumerate(nearest, 1)
        ]

    def together(self, progress: Progress) -> GroupDistances:
        """Search the pictures of all folds; the distances of `asked`, in its order.

        Args:
            progress: Called with the number of further pictures that are done.
        """
        parts = []
        for rows, searched in self.searched():
            parts.append((rows, searched))
            progress(len(rows))
        order = np.argsort(np.concatenate([rows for rows, _ in parts]))
        columns = np.concatenate([searched.columns for _, searched in parts])[order]
        near = NearestGroups.joined([searched.near for _, searched in parts]).at(order)
        return GroupDistances(parts[0][1].groups, columns, near)

    def _search(
        self, rows: Indices, others: np.ndarray, column: Indices, count: int
    ) -> NearestGroups:
        index = ExactIndex(faiss.IndexFlatL2(self.vectors.shape[1]))
        index.append(np.ascontiguousarray(self.vectors[others]))
        codes = column[others]
        grouped = GroupedVectors(index, [np.flatnonzero(codes == at) for at in range(count)])
        own = np.where(np.isin(column[rows], codes), column[rows], NONE)
        return grouped.search(self.vectors[rows], own)


def require_alone(data: object, unknown: object) -> None:
    """Refuse other pictures beside a cross-validation.

    Args:
        data: Labelled pictures, or None.
        unknown: Pictures of no known group, or None.

    Raises:
        ValueError: If there are any.
    """
    if not (data is None and unknown is None):
        raise ValueError("Cross-validation searches the references: leave out other pictures.")


def trained_on(matcher: Matcher, consequence: str) -> list[str]:
    """Warn of references whose groups the model was trained on: it may have seen these pictures.

    Args:
        matcher: Embedder and gallery.
        consequence: What follows for the figures, and what to do.
    """
    groups = matcher.gallery.groups()
    seen = len({*groups} & {*matcher.embedder.metadata.get("labels", ())})
    if not seen:
        return []
    return [
        f"The model was trained on {seen} of these {counted(len(groups), 'group')}. Pictures that "
        "it was trained on lie closer together than new ones and farther from other groups, "
        f"{consequence}."
    ]


def near_copies(vectors: Floats, bound: float) -> Indices:
    """Find pictures that are near copies of each other, directly or by way of further ones.

    Args:
        vectors: Embeddings of one group, `(n, dim)`, float32.
        bound: Largest distance of two copies, >= 0; 0 for equal vectors alone.

    Returns:
        The first copy of each, `(n,)`; its own row where it has none before it.

    Example:
        >>> near_copies(np.float32([[0], [5], [0.5], [1]]), bound=0.5)
        array([0, 1, 0, 0])
    """
    different, same = equal_rows(vectors)  # by their bits: computed gaps are seldom quite zero
    copies = _linked(vectors[different], bound) if bound > 0 else np.arange(len(different))
    return different[copies[same]]


def _linked(vectors: Floats, bound: float) -> Indices:
    """The first row that leads to each by steps of at most `bound`, for vectors that all differ."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    squares = (centred**2).sum(axis=1)
    first = np.arange(len(vectors))
    while True:
        before = first
        parts = []
        for start in range(0, len(vectors), _AT_ONCE):
            block = slice(start, start + _AT_ONCE)
            gaps = squares[block, None] + squares - 2 * centred[block] @ centred.T
            near = gaps <= bound**2
            near[np.arange(len(near)), np.arange(start, start + len(near))] = True
            parts.append(np.where(near, before, len(vectors)).min(axis=1))
        first = np.concatenate(parts)
        if (first == before).all():
            return first


def fold_of(first: Indices, labels: list[str]) -> Indices:
    """Deal the sets of copies of each group to the folds in turn, in random order.

    A group of three pictures lies in three folds, so each of them is searched among two.

    Args:
        first: The row of the first copy of each reference, `(n,)`.
        labels: Their groups, n.
    """
    random = np.random.default_rng(0)
    fold = np.empty(len(first), np.int64)
    dealt = 0
    for rows in rows_by_group(labels).values():
        sets, number = np.unique(first[rows], return_inverse=True)
        turn = random.permutation(len(sets)) + dealt
        fold[rows] = turn[number] % _FOLDS
        dealt += len(sets)
    return fold
