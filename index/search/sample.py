"""Samples to measure an approximate search by: queries, and what is nearest to each.

Known queries are references asked without themselves. Unknown ones are references asked without
their whole group, as if it were not in the gallery: lists that hold nothing else count as empty,
since they would not be there. What a group leaves behind is often an empty space, in which the
nearest is easily found; so there are points halfway between two groups as well, where much that is
of none lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import faiss
import numpy as np

from index.search.cells import lengths
from index.search.columns import Columns
from index.search.exact import ExactIndex
from index.search.grouping import Grouping
from index.search.promise import Lost, Measured
from index.search.quantised import Quantised
from index.search.scan import NOBODY, Effort, NearLists, candidates
from likewise.arrays import Bools, Floats, Indices, Strings
from likewise.metrics.pairs import exact_distances

_SEED = 3


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """All references of a gallery.

    Attributes:
        index: Their vectors.
        names: Their slots and groups.
        grouping: The vectors by group.
    """

    index: ExactIndex
    names: Columns
    grouping: Grouping

    def codes(self, rows: Indices) -> Indices:
        """A number for the group of each row, `(n,)`; those of no group have one of their own."""
        return self.names.codes[rows].astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Queries and their nearest references.

    Attributes:
        queries: `(n, dim)`, float32.
        nearest: Distance to the nearest reference that counts, `(n,)`, float32.
        code: Its group, `(n,)`.
        rows: The references that the queries are, `(n,)`, which do not count; None if they are not.
        whole: Whether their whole groups do not count either.
    """

    queries: Floats
    nearest: Floats
    code: Indices
    rows: Indices | None = None
    whole: bool = False

    @classmethod
    def known(cls, every: Rows, size: int) -> Sample:
        """References without themselves.

        Args:
            every: All references, two or more.
            size: How many to ask, at most.
        """
        rows = _drawn(np.arange(len(every.index)), size)
        queries = every.index.stored[rows]
        near, far = every.index.nearest(queries, 2, _numbers)
        second = (near[:, 0] == rows).astype(np.int64)[:, None]
        places = np.take_along_axis(near, second, axis=1)[:, 0]
        nearest = np.take_along_axis(far, second, axis=1)[:, 0]
        return cls(queries, nearest, every.codes(places), rows)

    @classmethod
    def unknown(cls, every: Rows, size: int) -> Sample:
        """References without their groups.

        Args:
            every: All references, of two groups or more.
            size: How many to ask, at most.
        """
        rows = _drawn(every.names.labelled, size)
        queries = every.index.stored[rows]
        found = every.grouping.grouped.search(queries, every.codes(rows))
        return cls(queries, found.other, found.nearest, rows, whole=True)

    @classmethod
    def between(cls, every: Rows, size: int) -> Sample:
        """Points halfway between references of two groups, of two references where there are none.

        Args:
            every: All references, two or more.
            size: How many to ask, at most.
        """
        count = len(every.index)
        pairs = np.random.default_rng(_SEED).integers(count, size=(2, min(size, count)))
        codes = every.codes(pairs)
        apart = codes[0] != codes[1]
        one, two = every.index.stored[pairs[:, apart] if apart.any() else pairs].astype(np.float64)
        middle = (one + two) / 2
        wanted, span = (lengths(one) + lengths(two)) / 2, lengths(middle)
        middle *= np.divide(wanted, span, out=np.ones_like(span), where=span > 0)[:, None]
        queries = middle.astype(np.float32)
        near, far = every.index.nearest(queries, 1, _numbers)
        return cls(queries, far[:, 0], every.codes(near[:, 0]))

    def distances(self, every: Rows, coded: Quantised, effort: Effort) -> tuple[Floats, Indices]:
        """Exact distances of the candidates, `(n, candidates)`, inf for none, and their rows.

        Args:
            every: All references.
            coded: Their codes.
            effort: How far to look.
        """
        found = self._proposed(every, coded, effort)
        places = np.searchsorted(every.names.slots, np.maximum(found, every.names.slots[0]))
        numbers = np.repeat(np.arange(len(self.queries)), effort.candidates)
        far = exact_distances(self.queries, numbers, every.index.stored, places.ravel())
        far = far.reshape(found.shape)
        far[found == NOBODY] = np.inf
        return far, places

    def _proposed(self, every: Rows, coded: Quantised, effort: Effort) -> Indices:
        """The slots of the candidates that count, `(n, candidates)`."""
        if not self.whole or self.rows is None:
            near = NearLists.of(coded, self.queries, effort)
            if self.rows is None:
                return candidates(coded, self.queries, near, effort.candidates)
            more = candidates(coded, self.queries, near, effort.candidates + 1)
            own = more == every.names.slots[self.rows][:, None]
            own[~own.any(axis=1), -1] = True
            others: Indices = more[~own].reshape(len(more), effort.candidates)
            return others
        found = np.full((len(self.queries), effort.candidates), NOBODY)
        for part, empty, selected in _without_groups(every, coded, self.rows):
            queries = self.queries[part]
            near = NearLists.of(coded, queries, effort, empty)
            found[part] = candidates(coded, queries, near, effort.candidates, selected)
        return found

    def measured(self, every: Rows, far: Floats, places: Indices) -> Measured:
        """What is found of the sample.

        Args:
            every: All references.
            far: Distances of candidates, `(n, candidates)`, as `distances` gives them.
            places: Their rows.
        """
        best = far.argmin(axis=1)[:, None]
        found = np.take_along_axis(far, best, axis=1)[:, 0]
        codes = every.codes(np.take_along_axis(places, best, axis=1)[:, 0])
        lost = [
            Lost(
                float(self.nearest[query]),
                float(found[query]) if np.isfinite(found[query]) else None,
                bool(codes[query] == self.code[query]),
            )
            for query in np.flatnonzero(found > self.nearest).tolist()
        ]
        return Measured(len(self.queries), tuple(lost))


def _drawn(rows: Indices, size: int) -> Indices:
    """Some of the rows, ascending; all where they are few."""
    if len(rows) <= size:
        return rows
    chosen = np.random.default_rng(_SEED).choice(len(rows), size, replace=False)
    return rows[np.sort(chosen)]


def _without_groups(
    every: Rows, coded: Quantised, rows: Indices
) -> Iterator[tuple[Indices, Bools, Any]]:
    """The queries of each group, and the lists and slots that are left without it."""
    held, list_of = (
        np.zeros(coded.lists.nlist, np.int64),
        np.zeros(len(every.names.slots), np.int64),
    )
    labelled = np.zeros(len(every.names.slots), bool)
    labelled[every.names.labelled] = True
    for number, slots in coded.members():
        places = np.searchsorted(every.names.slots, slots)
        list_of[places], held[number] = number, labelled[places].sum()
    bits = np.zeros(int(every.names.slots[-1]) // 8 * 8 + 8, bool)
    bits[every.names.slots[labelled]] = True
    codes, selector = every.codes(rows), cast(Any, faiss.IDSelectorBitmap)  # its stub is wrong
    order = np.argsort(codes, kind="stable")
    edges = np.flatnonzero(np.diff(codes[order])) + 1
    for part in np.split(order, edges):
        members = every.names.rows(int(codes[part[0]]))
        left = held - np.bincount(list_of[members], minlength=len(held))
        bits[every.names.slots[members]] = False
        yield part, left == 0, selector(np.packbits(bits, bitorder="little"))
        bits[every.names.slots[members]] = True


def _numbers(rows: Indices) -> Strings:
    return rows.astype(object)
