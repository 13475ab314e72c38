"""The labels and ids of all references at one snapshot: mapped from a file, then kept up with.

The file lags behind as `vectors.faiss` does: the rows and removals since are read from the store.
Does not make the file unless groups are asked for or the gallery is filled from the start: reading
all rows for it takes seconds at a million.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from threading import Lock

from index.errors import StoreError
from index.references.contract import ReferenceStore
from index.references.rows import Change, NewRow, Row, State
from index.search.columns import Columns, Gathered
from index.search.mark import Mark, distance, removed_since
from index.search.names_file import NAMES, read_mark, read_names, write_names
from index.search.note import worth_writing

_AT_ONCE = 4096


class Names:
    """Columns of the newest snapshot that was asked for; the caller holds the store's lock.

    Args:
        directory: The gallery's directory.
        store: The references.
    """

    def __init__(self, directory: Path, store: ReferenceStore) -> None:
        self._directory = directory
        self._store = store
        self._columns: Columns | None = None
        self._mark: Mark | None = None  # of the columns with what follows
        self._new = Gathered()
        self._removed: list[int] = []
        self._behind = 0  # rows that the file lacks or should not have
        self._changed = False
        self._reading = Lock()

    @property
    def kept(self) -> Columns | None:
        """What the file held when it was first read; None if that was nothing sound."""
        with self._reading:
            return self._file

    def known(self, state: State) -> Columns | None:
        """The columns, where they need not be made from all rows.

        Args:
            state: The snapshot that the caller holds.
        """
        if self._mark is None:
            self._begin(self.kept or (Columns.empty(Mark.of(state)) if not state.count else None))
        if self._mark is None or not self._follow(state):
            self.forget()
            return None
        return self._now()

    def of(self, state: State) -> Columns:
        """The columns, made from all rows where there are none.

        Args:
            state: The snapshot that the caller holds.

        Raises:
            StoreError: If the store is altered.
        """
        return self.known(state) or self.made(state, self._store.rows())

    def made(self, state: State, rows: Iterable[Row]) -> Columns:
        """Make the columns anew.

        Args:
            state: The snapshot that the caller holds.
            rows: All its rows, verified.

        Raises:
            StoreError: If they are not all rows.
        """
        self._begin(Columns.empty(Mark(0, 0, state.last_slot, state.last_removal)))
        self._gather(iter(rows))
        if self._mark != Mark.of(state):
            self.forget()
            raise StoreError(
                f"'{self._store.path}' was altered: another program added, removed or changed "
                "rows. Restore it from a backup, or build the gallery again."
            )
        return self._now()

    def compared(self, state: State, rows: Iterator[Row]) -> Iterator[Row]:
        """Pass all rows on and compare the columns with them, or make these from them.

        Args:
            state: The snapshot that the caller holds.
            rows: All its rows, verified.

        Raises:
            StoreError: After the last row, if the columns differ.
        """
        known, new = self.known(state), Gathered()
        while batch := list(islice(rows, _AT_ONCE)):
            _append(new, batch)
            yield from batch
        fresh = Columns.empty(Mark()).changed([], new, Mark.of(state))
        if known is None:
            self._begin(fresh)
            self._behind = state.count
        elif not known.equals(fresh):
            raise StoreError(
                f"'{self._directory / NAMES}' does not match the references. Delete it: it is then "
                "rebuilt from them."
            )

    def apply(self, change: Change, rows: Sequence[NewRow]) -> None:
        """Apply this process's own change, if that saves reading it back.

        Args:
            change: What a transaction did.
            rows: The rows that it added.
        """
        self._changed = True
        if not change.before.count:
            self._begin(Columns.empty(Mark.of(change.before)))
        if self._mark == Mark.of(change.before):
            self._removed += change.removed
            labels, ids = (row.label for row in rows), (row.id for row in rows)
            self._new.append(change.added, labels, ids)
            self._behind += len(change.removed) + len(change.added)
            self._mark = Mark.of(change.after)

    def save(self, *, still_writing: bool = False) -> None:
        """Write the file if it is far enough behind; a failure to write does no harm."""
        if self._mark is not None:
            if worth_writing(self._behind, self._mark.count, still_writing=still_writing):
                with contextlib.suppress(OSError):
                    write_names(self._directory, self._now())
                    self._behind = 0
        elif self._changed and not still_writing and (mark := read_mark(self._directory)):
            with self._store.reading() as state:
                if worth_writing(distance(mark, state), state.count) and self.known(state):
                    self.save()

    def forget(self) -> None:
        """Drop what was read."""
        self._columns = self._mark = None
        self._new, self._removed, self._changed = Gathered(), [], False

    # ------------------------------------------------------------ inside

    @cached_property
    def _file(self) -> Columns | None:
        return read_names(self._directory)

    def _begin(self, columns: Columns | None) -> None:
        self.forget()
        self._columns, self._behind = columns, 0
        self._mark = None if columns is None else columns.mark

    def _now(self) -> Columns:
        """The columns with all changes that were noted."""
        assert self._columns is not None
        assert self._mark is not None
        if self._new.slots or self._removed:
            self._columns = self._columns.changed(self._removed, self._new, self._mark)
            self._new, self._removed = Gathered(), []
        return self._columns

    def _follow(self, state: State) -> bool:
        """Note the changes up to a snapshot; False if they are not known."""
        mark = self._mark
        assert mark is not None
        if mark == Mark.of(state):
            return True
        removed = removed_since(mark, self._store, state)
        if removed is None:
            return False
        self._removed += [slot for slot, _ in removed]
        self._behind += len(removed)
        self._mark = mark.lost(removed, state)
        self._gather(self._store.rows(after=mark.last_slot))
        return self._mark == Mark.of(state)

    def _gather(self, rows: Iterator[Row]) -> None:
        """Note stored rows that are new."""
        while batch := list(islice(rows, _AT_ONCE)):
            assert self._mark is not None
            _append(self._new, batch)
            self._behind += len(batch)
            self._mark = self._mark.gained(batch)


def _append(new: Gathered, rows: Sequence[Row]) -> None:
    new.append([row.slot for row in rows], [row.label for row in rows], [row.id for row in rows])
