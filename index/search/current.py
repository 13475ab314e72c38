"""The derived index at one snapshot of the references, with ids and labels.

Searched exactly; or approximately, where the gallery's owner chose that and the caller allows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from index.neighbours import Neighbours
from index.references.contract import ReferenceStore
from index.references.rows import Change, NewRow, State
from index.search.absences import Absences
from index.search.checked import check_k
from index.search.derived import DerivedIndex, nearly_there
from index.search.exact import ExactIndex
from index.search.grouping import Grouping
from index.search.held_names import HeldNames
from index.search.names import Names
from index.search.setting import SearchSetting
from index.search.unloaded import Unloaded
from likewise.arrays import Floats, Indices, Strings
from likewise.names import meant

if TYPE_CHECKING:  # not for galleries that are searched exactly
    from index.search.promise import Promise


class CurrentIndex:
    """Vectors to search, with their names; rows are in the order of slots.

    Args:
        directory: The gallery's directory, where the index is saved.
        dim: Length of the vectors.
        store: The references.
        setting: Says how the gallery is searched.

    Attributes:
        names: The labels and ids of all rows, which need no vectors.
    """

    def __init__(
        self,
        directory: Path,
        dim: int,
        store: ReferenceStore,
        setting: Callable[[], SearchSetting] = SearchSetting,
    ) -> None:
        self._directory = directory
        self._chosen = setting
        self._setting = setting()
        self._dim = dim
        self._store = store
        self.names = Names(directory, store)
        store.proves_absent = Absences(lambda: self.names.kept).prove
        self._unloaded = Unloaded(directory, dim, store)
        self._derived: DerivedIndex | None = None
        self._loading: Future[DerivedIndex] | None = None
        self._changed = False
        self._state: State | None = None  # ids of the indexed references
        self._held = HeldNames(store)
        self._grouping: Grouping | None = None

    @contextmanager
    def reading(self) -> Iterator[CurrentIndex]:
        """Hold a snapshot of the store, and the index at that snapshot.

        Raises:
            StoreError: If the store is altered.
        """
        with self._store.reading() as state:
            if (chosen := self._chosen()) != self._setting:
                self.forget()
                self._setting = chosen
            if state != self._state:
                self._state = None  # until the index has caught up
                derived = self._loaded()
                derived.catch_up(self._store, state)
                derived.vectors.divided().groups = self._groups
                if derived.slots is not self._held.slots:
                    self._held.align(derived.slots)
                    self._grouping = None
                self._state = state
            yield self

    def nearest(
        self, queries: Floats, k: int, label: str | None = None, *, exact: bool = False
    ) -> Neighbours:
        """The k nearest references of each query; a few are answered without loading the index.

        Args:
            queries: `(n, dim)`, float32, as `checked_vectors` returns them.
            k: From 1 to the number of references that are searched.
            label: The group to search, or None for all; a group is searched exactly.
            exact: Whether to search exactly where the gallery is searched approximately.
        """
        if label is None and not self._is_loaded:
            with self._store.reading() as state:
                if (near := self._unloaded.nearest(state, queries, k)) is not None:
                    return near
        with self.reading():
            return self._nearest(queries, k, label, exact=exact)

    def load(self, *, ahead: bool) -> None:
        """Load the index, catch up with the store, and be ready for many searches.

        Args:
            ahead: Whether to do so in a thread, for whose end the first search waits.
        """
        if not ahead:
            with self.reading():
                self.exact.divided().prepare(self.exact.stored)
                if self._loaded().chosen.lacks(len(self.exact)):
                    self._make()
            return
        with self._store.lock:
            if not self._is_loaded and not self._unloaded.is_there:
                pool = ThreadPoolExecutor(1, "warm")
                self._loading = pool.submit(self._read)
                pool.shutdown(wait=False)

    def apply(self, change: Change, vectors: Floats, rows: Sequence[NewRow]) -> None:
        """Apply this process's own change to the index, so that `save` leaves it up to date.

        An index that is not loaded is left as it is while its file is little behind.

        Args:
            change: The change, from the store.
            vectors: Vectors of the added rows, `(n, dim)`, float32.
            rows: The added rows, n.
        """
        with self._store.lock:
            self.names.apply(change, rows)
            self.names.save(still_writing=True)
            if not self._is_loaded and nearly_there(self._directory, self._dim, change.after):
                return
            self._changed, self._state = True, None
            derived = self._loaded()
            derived.apply(change, vectors)
            derived.save(still_writing=True)

    def save(self) -> None:
        """Write the index if its file is behind and writable, with all that is due to be made."""
        keeps = self._store.keeps_derived
        if self._changed or (keeps and self._state is not None and self._loaded().is_due):
            with self.reading():
                if keeps:
                    self._complete()
        if keeps:
            self.names.save()
            if self._derived is not None:
                self._derived.save(renew_bounds=self._unloaded.is_damaged)

    def close(self) -> None:
        """Drop the loaded index for good."""
        self.forget()

    def forget(self) -> None:
        """Drop the loaded index."""
        self._changed, self._derived, self._loading, self._state = False, None, None, None
        self._grouping = None
        self._unloaded.forget()
        self.names.forget()

    # ------------------------------------------------------------ within `reading`

    @property
    def exact(self) -> ExactIndex:
        """All vectors."""
        return self._loaded().vectors

    @property
    def slots(self) -> Indices:
        """The slot of each row, `(n,)`, ascending."""
        return self._held.slots

    def ids(self, rows: Indices) -> Strings:
        """The ids of rows of any shape, in that shape."""
        return self._held.ids(rows)

    def labels(self, rows: Indices) -> Strings:
        """The labels of rows of any shape, in that shape; None for those without a group."""
        return self._held.both(rows)[1]

    @property
    def grouping(self) -> Grouping:
        """Which rows are of which group."""
        if self._grouping is None:
            assert self._state is not None
            self._grouping = Grouping(self.names.of(self._state), self.exact)
        return self._grouping

    def rows_with(self, label: str | None) -> Indices:
        """All rows of one group, or all rows for None."""
        if label is None:
            return np.arange(len(self.slots))
        return self.grouping.rows_with(label)

    def choose(self, setting: SearchSetting) -> Promise | None:
        """Search by a setting from now on, and write what it needs; what it promises, if anything.

        Args:
            setting: How the gallery is to be searched.
        """
        derived = self._loaded()
        derived.choose(setting)
        promise = self._make() if derived.chosen.setting.recall is not None else None
        derived.write()
        return promise

    def _groups(self) -> Indices:
        """A number for the group of each row, `(n,)`; -1 for those of none."""
        assert self._state is not None
        return self.names.of(self._state).group_of_each()

    def _complete(self) -> None:
        """Make what other processes would have to make, or to do without."""
        self.exact.divided().complete(self.exact.stored)
        if self._loaded().chosen.lacks(len(self.exact)):
            self._make()

    def _make(self) -> Promise:
        """Make the approximate search that the owner chose."""
        from index.search.sample import Rows

        assert self._state is not None
        rows = Rows(self.exact, self.names.of(self._state), self.grouping)
        return self._loaded().chosen.make(rows)

    def nearest_in(
        self, queries: Floats, k: int, rows: Indices | None, part: ExactIndex
    ) -> Neighbours:
        """The k nearest references of each query in a part of the index.

        Args:
            queries: `(n, dim)`, float32, as `checked_vectors` returns them.
            k: From 1 to the size of the part.
            rows: Rows of the part, `(m,)`; None where it is the whole index.
            part: Their vectors, m.
        """

        def named(places: Indices) -> Strings:
            return self.ids(places if rows is None else rows[places])

        places, distances = part.nearest(queries, k, named)
        nearest = places if rows is None else rows[places]
        return Neighbours(*self._held.both(nearest), distances)

    # ------------------------------------------------------------ inside

    def _nearest(self, queries: Floats, k: int, label: str | None, *, exact: bool) -> Neighbours:
        rows, part = (None, self.exact) if label is None else self._part(label)
        check_k(k, len(part), label)
        if rows is not None or exact:
            return self.nearest_in(queries, k, rows, part)
        chosen = self._loaded().chosen
        if chosen.is_due(len(part), len(queries)):
            self._make()
        places, distances = chosen.nearest(part, self.slots, queries, k, self.ids)
        return Neighbours(*self._held.both(places), distances)

    @property
    def _is_loaded(self) -> bool:
        return self._derived is not None or self._loading is not None

    def _loaded(self) -> DerivedIndex:
        """The index, read from its file on first use."""
        if self._derived is None:
            loading, self._loading = self._loading, None
            self._derived = loading.result() if loading else self._read()
        return self._derived

    def _read(self) -> DerivedIndex:
        return DerivedIndex(self._directory, self._dim, self._setting)

    def _part(self, label: str) -> tuple[Indices, ExactIndex]:
        """The rows and vectors of the group that a label means."""
        label = self.grouping.stored_label(label)
        rows, part = self.grouping.part(label)
        if not len(rows):
            raise ValueError(
                f"No reference of gallery '{self._store.gallery}' has the label '{label}'"
                f"{meant(label, self.grouping.rows)}."
            )
        return rows, part
