"""Search in parts of the references that other processes hold: ask all of them, merge, prove.

An answer counts only if all parts held the question's state, and their counts and checksums add up
to those of that state. Holds no vectors, and no names but those that are kept by column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np

from index.errors import StoreError
from index.neighbours import Neighbour, Neighbours
from index.parts.asked import Own
from index.parts.contract import Parts
from index.parts.merging import count_closer, merged_groups, merged_nearest, merged_within
from index.references.contract import ReferenceStore
from index.references.rows import Change, NewRow, Row, State, stacked, wrap
from index.search.by_label import require_each
from index.search.checked import check_k
from index.search.names import Names
from index.search.nearest_groups import NONE, NearestGroups
from index.search.searcher import ByGroup, Searcher
from likewise.arrays import Floats, Indices, Strings
from likewise.names import meant, normal

_AT_ONCE = 4096


class Spread(Searcher):
    """A searcher whose vectors are in parts.

    Args:
        store: The references.
        names: Their labels, which are read when they are needed.
        parts: Who holds the vectors.
        dim: Length of the vectors.
    """

    def __init__(self, store: ReferenceStore, names: Names, parts: Parts, dim: int) -> None:
        self._store, self._names, self._parts, self._dim = store, names, parts, dim
        self._proven: tuple[State, int] | None = None  # what all parts hold, and their epoch

    def nearest(
        self, queries: Floats, k: int, label: str | None = None, *, exact: bool = False
    ) -> Neighbours:
        """As the contract has it, and always exactly.

        Args:
            queries: `(n, dim)`, float32.
            k: 1 or more.
            label: The group to search, or None for all.
            exact: Whether to search exactly whatever the owner chose.
        """
        with self._store.reading() as state:
            if label is None:
                check_k(k, state.count, None)
                return merged_nearest(self._asked(state, "nearest", queries, k, None), k)
            names = self._names.of(state)
            label = names.stored_label(label)
            if names.labels.find(label) is None:
                raise ValueError(
                    f"No reference of gallery '{self._store.gallery}' has the label '{label}'"
                    f"{meant(label, names.labels.all())}."
                )
            check_k(k, len(names.rows_with(label)), label)
            return merged_nearest(self._asked(state, "nearest", queries, k, label), k)

    def nearest_labelled(self, queries: Floats, k: int) -> Neighbours:
        """As the contract has it.

        Args:
            queries: `(n, dim)`, float32.
            k: 1 or more.
        """
        with self._store.reading() as state:
            return merged_nearest(self._asked(state, "nearest_labelled", queries, k), k)

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
        require_each("labels", labels, len(queries))
        with self._store.reading() as state:
            groups = self._names.of(state).labels.all()
            column: dict[str | None, int] = {normal(name): c for c, name in enumerate(groups)}
            column |= {name: place for place, name in enumerate(groups)}
            codes = np.array([column.get(label, NONE) for label in labels], np.int64)
            slots = np.full(len(queries), NONE)
            if skip is not None:
                slots = self._slots_named(skip, labels)
            if not groups:
                return groups, codes, NearestGroups.none(len(queries))
            own = _own(groups, codes, slots)
            near = merged_groups(self._asked(state, "by_group", queries, own), groups)
            return groups, codes, self._with_closer(state, queries, own, near)

    def within(self, queries: Floats, radius: float) -> list[list[Neighbour]]:
        """As the contract has it.

        Args:
            queries: `(n, dim)`, float32.
            radius: Largest Euclidean distance, included.
        """
        with self._store.reading() as state:
            return merged_within(self._asked(state, "within", queries, radius))

    def references(self, rows: Indices | None) -> tuple[Strings, Strings, Floats]:
        """As the contract has it, read from the store."""
        with self._store.reading() as state:
            count = state.count if rows is None else len(rows)
            names = np.empty((2, count), object)
            vectors = np.empty((count, self._dim), np.float32)
            for place, batch in self._batches(state, rows):
                part = slice(place, place + len(batch))
                names[0, part] = [row.id for row in batch]
                names[1, part] = [row.group for row in batch]
                vectors[part] = stacked(batch, self._dim, self._store.path)
        return names[0], names[1], vectors

    def vectors(self, rows: Indices | None) -> Floats:
        """As the contract has it, read from the store."""
        with self._store.reading() as state:
            count = state.count if rows is None else len(rows)
            vectors = np.empty((count, self._dim), np.float32)
            for place, batch in self._batches(state, rows):
                packed = stacked(batch, self._dim, self._store.path)
                vectors[place : place + len(batch)] = packed
        return vectors

    def apply(self, change: Change, vectors: Floats, rows: Sequence[NewRow]) -> None:
        """As the contract has it; the parts follow with the next question.

        Args:
            change: The change, from the store.
            vectors: Vectors of the added rows, `(n, dim)`, float32.
            rows: The added rows, n.
        """
        with self._store.lock:
            self._names.apply(change, rows)
            self._names.save(still_writing=True)

    def load(self, *, ahead: bool) -> None:
        """As the contract has it: the parts load by themselves, and `require_ready` says when."""

    def read_names(self, at_once: int) -> None:
        """As the contract has it: answers come with their names."""

    def require_ready(self) -> None:
        """As the contract has it."""
        self._parts.require_ready()

    def close(self) -> None:
        """As the contract has it."""
        self._parts.close()

    # ------------------------------------------------------------ inside

    def _asked(self, state: State, question: str, *arguments: Any) -> list[Any]:
        """The answers of all parts, proven to be of the state."""
        while True:
            if self._proven != (state, epoch := self._parts.epoch):
                self._prove(state)
                self._proven = state, epoch
            answers = self._parts.answers(state, question, arguments)
            if self._parts.epoch == epoch and not any(answer is None for answer in answers):
                return answers
            self._proven = None

    def _prove(self, state: State) -> None:
        """Bring all parts to a state, and see that together they hold it."""
        if not (self._hold(state, anew=False) or self._hold(state, anew=True)):
            raise StoreError(
                f"The parts of '{self._store.gallery}' do not hold the references that it has in "
                "all: let every node read the same gallery."
            )

    def _hold(self, state: State, *, anew: bool) -> bool:
        """Let all parts follow; whether their counts and checksums add up to the state's."""
        lent: list[Row] = []
        while True:
            standings = self._parts.follow(state, lent, anew=anew)
            missing = list(chain.from_iterable(standing.missing for standing in standings))
            if not missing:
                break
            lent += self._store.at(missing)
        count, total = (sum(getattr(s, name) for s in standings) for name in ("count", "total"))
        return (count, wrap(total)) == (state.count, state.total)

    def _slots_named(self, ids: Sequence[str | None], labels: Sequence[str | None]) -> Indices:
        """The slot of each reference that is left out, `NONE` for none."""
        require_each("skip", ids, len(labels))
        rows = {row.id: row for row in self._store.named([id for id in ids if id is not None])}
        slots = np.full(len(ids), NONE)
        for place, id in enumerate(ids):
            if id is None:
                continue
            row = rows.get(id)
            if row is None or row.group is None:
                raise ValueError(f"`skip` must name references. Received: {id!r}.")
            slots[place] = row.slot
        for place, id in enumerate(ids):
            if id is not None and rows[id].group != labels[place]:
                raise ValueError(
                    "`skip` must name references of the queries' own groups. Received: "
                    f"{id!r}, which is not of group {labels[place]!r}."
                )
        return slots

    def _with_closer(
        self, state: State, queries: Floats, own: Own, near: NearestGroups
    ) -> NearestGroups:
        """Count the other groups that are at most as far as the own one, over all parts."""
        rows = np.flatnonzero((near.other <= near.own) & np.isfinite(near.own))
        if len(rows):
            asked = (queries[rows], own.at(rows), near.own[rows])
            near.closer[rows] = count_closer(self._asked(state, "groups_within", *asked))
        return near

    def _batches(self, state: State, rows: Indices | None) -> Iterator[tuple[int, list[Row]]]:
        """Stored rows in the order of `rows`, and where each batch begins."""
        place = 0
        if rows is None:
            batch: list[Row] = []
            for row in self._store.rows():
                batch.append(row)
                if len(batch) == _AT_ONCE:
                    yield place, batch
                    place, batch = place + len(batch), []
            yield place, batch
            return
        slots = self._names.of(state).slots[rows]
        for place in range(0, len(slots), _AT_ONCE):
            wanted = slots[place : place + _AT_ONCE].tolist()
            found = {row.slot: row for row in self._store.at(list(dict.fromkeys(wanted)))}
            yield place, [found[slot] for slot in wanted]


def _own(groups: list[str], codes: Indices, slots: Indices) -> Own:
    """The queries' own groups, without the labels of all others."""
    different = np.unique(codes[codes != NONE])
    places = np.where(codes == NONE, NONE, np.searchsorted(different, codes))
    return Own([groups[code] for code in different.tolist()], places, slots)
