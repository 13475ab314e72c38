"""One part of the references, held in memory: vectors, ids and labels.

It goes to exactly the state that a question carries. Its own view of the store may be newer; what
it then cannot read any more, because it was removed since, the asker lends from its snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice

import faiss
import numpy as np

from index.errors import OlderStateError, StoreError
from index.parts.share import Share
from index.parts.subsets import Subsets
from index.references.contract import ReferenceStore
from index.references.rows import Row, State, stacked, wrap
from index.search.columns import Columns, Gathered
from index.search.exact import ExactIndex
from index.search.label_table import LabelTable
from index.search.mark import Mark
from likewise.arrays import Bools, Indices

_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Standing:
    """What a part holds after it was told to follow.

    Attributes:
        count: Number of its references.
        total: Sum of their checksums, as signed 64 bits.
        missing: Slots that it can no longer read; if there are any, it has not followed.
    """

    count: int
    total: int
    missing: list[int]


class Part:
    """The references of one part.

    Args:
        share: Which part.
        dim: Length of the vectors.

    Attributes:
        state: The state whose references it holds; None if it holds nothing yet.
        names: Labels of its rows, which are in the order of slots.
        ids: Their ids.
        vectors: Their vectors.
        subsets: The same by groups.
    """

    def __init__(self, share: Share, dim: int) -> None:
        self._share, self._dim = share, dim
        self.clear()

    def clear(self) -> None:
        """Hold nothing, so that all is read anew."""
        self.state: State | None = None
        self._mark = Mark()
        self.vectors = ExactIndex(faiss.IndexFlatL2(self._dim))
        self.ids = LabelTable.of([])
        self.names = Columns.empty(self._mark)
        self._derive()

    def follow(self, store: ReferenceStore, state: State, lent: Sequence[Row] = ()) -> Standing:
        """Hold the references of a state from now on.

        Args:
            store: The references, as this process sees them: in that state or a later one.
            state: The state.
            lent: Rows of that state that were removed since.

        Raises:
            OlderStateError: If this process sees an older state.
            StoreError: If the store is altered, or another one.
        """
        with store.reading() as now:
            _require_reached(store, now, state)
            since, gone, later = self._removals(store, state)
            missing = self._among(slot for slot, _ in later)
            missing = missing[(missing > since.last_slot) & (missing <= state.last_slot)]
            missing = np.setdiff1d(missing, [row.slot for row in lent])
            if len(missing):
                return Standing(0, 0, missing.tolist())
            self.state = None  # until all is read
            self._remove(gone)
            self._append(self._rows(store, since.last_slot, state.last_slot, lent))
            self.state = state
        return Standing(self._mark.count, self._mark.total, [])

    # ------------------------------------------------------------ inside

    def _derive(self) -> None:
        """Drop what was derived from other rows."""
        self.subsets = Subsets(self.names, self.vectors)
        self.vectors.divided().groups = self.names.group_of_each

    def _removals(
        self, store: ReferenceStore, state: State
    ) -> tuple[State, list[tuple[int, int]], list[tuple[int, int]]]:
        """What it holds already, what was removed up to the state, and what after it."""
        since = self.state
        if (
            since
            and since.last_slot <= state.last_slot
            and since.last_removal <= state.last_removal
        ):
            logged = store.removals(since.last_removal)
            if logged is not None:
                count = state.last_removal - since.last_removal
                return since, logged[:count], logged[count:]
        self.clear()
        return State(), [], store.removals(state.last_removal) or []

    def _among(self, slots: Iterable[int]) -> Indices:
        """Those slots that belong to this part."""
        every = np.array(list(slots), np.int64)
        return every[self._share.has(every)]

    def _rows(
        self, store: ReferenceStore, after: int, last: int, lent: Sequence[Row]
    ) -> Iterator[Row]:
        """The part's rows beyond a slot, in order."""
        spans = self._share.spans(after, last)
        stored = (row for span in spans for row in store.between(*span))
        mine = set(self._among(row.slot for row in lent).tolist())
        own = [row for row in lent if row.slot in mine and after < row.slot <= last]
        found = -1
        for row in merge(stored, sorted(own, key=_slot), key=_slot):
            if row.slot > found:  # one that was lent may be there still
                found = row.slot
                yield row

    def _remove(self, gone: Sequence[tuple[int, int]]) -> None:
        """Remove rows that it holds, by slot and checksum."""
        slots = self._among(slot for slot, _ in gone)
        held = np.isin(self.names.slots, slots)
        if not held.any():
            return
        removed = set(self.names.slots[held].tolist())
        lost = sum(checksum for slot, checksum in gone if slot in removed)
        kept: Bools = ~held
        self.vectors.flat.remove_ids(np.flatnonzero(held))
        self.vectors.removed(kept)
        self.ids = self.ids.only(kept)
        self._mark = Mark(int(kept.sum()), wrap(self._mark.total - lost))
        self.names = self.names.changed(sorted(removed), Gathered(), self._mark)
        self._derive()

    def _append(self, rows: Iterator[Row]) -> None:
        """Append rows of later slots."""
        new, ids, total = Gathered(), [], self._mark.total
        while batch := list(islice(rows, _AT_ONCE)):
            self.vectors.append(stacked(batch, self._dim, "the gallery"))
            names = [row.id for row in batch]
            new.append([row.slot for row in batch], [row.label for row in batch], names)
            ids.append(LabelTable.of(names))
            total += sum(row.checksum for row in batch)
        if ids:
            self.ids = self.ids.followed_by(ids)
            self._mark = Mark(len(self.ids), wrap(total))
            self.names = self.names.changed([], new, self._mark)
            self._derive()


def _slot(row: Row) -> int:
    return row.slot


def _require_reached(store: ReferenceStore, now: State, state: State) -> None:
    """Refuse a view of the store in which the state has not come to pass."""
    if now.generation < state.generation:
        raise OlderStateError(
            f"'{store.gallery}' is of generation {now.generation} there, but the question is about "
            f"generation {state.generation}: let every node read the same gallery."
        )
    if now.generation == state.generation and now != state:
        raise StoreError(
            f"'{store.gallery}' holds other references there than where the question comes from: "
            "let every node read the same gallery."
        )
