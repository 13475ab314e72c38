"""What one part answers, about its own references.

Answers come with ids and labels, so that whoever merges them needs no names of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from index.neighbours import Neighbour, Neighbours
from index.parts.part import Part
from index.references.rows import State
from index.search.exact import ExactIndex
from index.search.nearest_groups import NONE, NearestGroups
from likewise.arrays import Floats, Indices, Strings


@dataclass(frozen=True, slots=True, eq=False)
class Own:
    """Queries with their own groups, and what is left out.

    Attributes:
        groups: Different labels.
        codes: Place of each query's own group among them, `(n,)`, or `NONE`.
        skip: Slot of the reference that is left out for each query, `(n,)`, or `NONE`.
    """

    groups: list[str]
    codes: Indices
    skip: Indices

    def at(self, rows: Indices) -> Own:
        """Those of some queries."""
        return Own(self.groups, self.codes[rows], self.skip[rows])


def answer(part: Part, state: State, question: str, arguments: tuple[Any, ...]) -> Any:
    """Answer a question; None where the part holds another state.

    Args:
        part: The references.
        state: The state that is asked about.
        question: The name of one of the functions below.
        arguments: Its arguments, but for the part.
    """
    return QUESTIONS[question](part, *arguments) if part.state == state else None


def nearest(part: Part, queries: Floats, k: int, label: str | None) -> Neighbours:
    """The k nearest references of each query, or all where they are fewer.

    Args:
        part: The references.
        queries: `(n, dim)`, float32.
        k: 1 or more.
        label: The group to search, spelled as it is stored, or None for all.
    """
    rows, vectors = (None, part.vectors) if label is None else part.subsets.of(label)
    return _nearest(part, queries, k, rows, vectors)


def nearest_labelled(part: Part, queries: Floats, k: int) -> Neighbours:
    """The k nearest of the references that are of a group, or all where they are fewer.

    Args:
        part: The references.
        queries: `(n, dim)`, float32.
        k: 1 or more.
    """
    return _nearest(part, queries, k, *part.subsets.labelled)


def within(part: Part, queries: Floats, radius: float) -> list[list[Neighbour]]:
    """All references of each query whose distance is at most `radius`, nearest first.

    Args:
        part: The references.
        queries: `(n, dim)`, float32.
        radius: Largest Euclidean distance, included.
    """
    if not len(part.vectors):
        return [[] for _ in range(len(queries))]
    near = part.vectors.within(queries, radius, lambda rows: _ids(part, rows))
    return [
        Neighbours(_ids(part, rows)[None], _labels(part, rows)[None], distances[None])[0]
        for rows, distances in near
    ]


def by_group(part: Part, queries: Floats, own: Own) -> tuple[NearestGroups, list[str]]:
    """The nearest groups of each query, and the labels of their columns, in order.

    Args:
        part: The references.
        queries: `(n, dim)`, float32.
        own: Their own groups.
    """
    near = part.subsets.grouped.search(queries, *_own(part, own))
    different = np.unique(near.nearest[near.nearest != NONE])
    places = np.searchsorted(different, near.nearest)
    columns = np.where(near.nearest == NONE, NONE, places)
    return replace(near, nearest=columns), [part.names.labels[c] for c in different.tolist()]


def groups_within(part: Part, queries: Floats, own: Own, limit: Floats) -> list[list[str]]:
    """Other groups that are at most as far from each query as a limit, `CLOSER` at most.

    Args:
        part: The references.
        queries: `(n, dim)`, float32.
        own: Their own groups.
        limit: The distance, `(n,)`, float32, finite.
    """
    codes, skip = _own(part, own)
    labels = part.names.labels
    near = part.subsets.grouped.within(queries, codes, skip, limit)
    return [[labels[code] for code in groups] for groups in near]


QUESTIONS = {
    function.__name__: function
    for function in (nearest, nearest_labelled, within, by_group, groups_within)
}


def _nearest(
    part: Part, queries: Floats, k: int, rows: Indices | None, vectors: ExactIndex
) -> Neighbours:
    """The nearest of some rows, or of all for None, with their vectors."""
    if not len(vectors):
        none = np.empty((len(queries), 0), object)
        return Neighbours(none, none, none.astype(np.float32))

    def named(places: Indices) -> Strings:
        return _ids(part, places if rows is None else rows[places])

    places, distances = vectors.nearest(queries, min(k, len(vectors)), named)
    found = places if rows is None else rows[places]
    return Neighbours(_ids(part, found), _labels(part, found), distances)


def _own(part: Part, own: Own) -> tuple[Indices, Indices]:
    """Columns of the queries' own groups here, and places of what is left out."""
    columns = [part.names.labels.find(group) for group in own.groups]
    here = np.array([NONE if code is None else code for code in [*columns, None]], np.int64)
    return here[own.codes], part.subsets.places(own.skip)


def _ids(part: Part, rows: Indices) -> Strings:
    return _texts([part.ids[row] for row in rows.ravel().tolist()], rows)


def _labels(part: Part, rows: Indices) -> Strings:
    names, codes = part.names.labels, part.names.codes[rows].ravel().tolist()
    different: Sequence[int] = [*set(codes)]
    of = {code: names[code] if code < len(names) else None for code in different}
    return _texts([of[code] for code in codes], rows)


def _texts(texts: Sequence[str | None], rows: Indices) -> Strings:
    named = np.empty(len(texts), object)
    named[:] = texts
    return named.reshape(rows.shape)
