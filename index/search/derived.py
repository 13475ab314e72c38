"""A gallery's FAISS file: derived from the store, never trusted, never required.

`vectors.faiss` is an `IndexIDMap` over an `IndexFlatL2` whose ids are slots. `vectors.json` says
up to which slot and removal it goes, the sum of its rows' checksums, and the file's own digest.
If it is missing, truncated, altered or foreign, it is rebuilt from the store; if it is behind, it
catches up. `vectors.cells` makes searches faster (`kept`), `vectors.bounds` lets a process answer a
few without this file (`unloaded`), `vectors.codes` makes them approximate where the owner chose
that (`chosen`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from index.errors import StoreError
from index.references.contract import ReferenceStore
from index.references.rows import Change, Row, State, stacked
from index.search import division
from index.search.chosen import ChosenSearch
from index.search.exact import ExactIndex
from index.search.faiss_file import read_index, write_index
from index.search.kept import CELLS, read_kept, write_kept
from index.search.mark import Mark, distance, removed_since
from index.search.names_file import NAMES
from index.search.note import Note, read_note, worth_writing, write_note
from index.search.setting import BOUNDS, CODES, EXACT, SearchSetting
from likewise.arrays import Floats, Indices

_FILES = ("vectors.faiss", "vectors.json", CELLS, BOUNDS, CODES, NAMES)
_ROWS_AT_ONCE = 4096


class DerivedIndex:
    """The vectors of a store in FAISS, kept up to date.

    Attributes:
        vectors: The search structure; its rows are in the order of slots.
        slots: Slot of each row, `(n,)`, int64, ascending.
        chosen: How the owner wants it searched.
    """

    def __init__(self, directory: Path, dim: int, setting: SearchSetting = EXACT) -> None:
        self.vectors: ExactIndex
        self.slots: Indices
        self.chosen = ChosenSearch(setting)
        self._directory = directory
        self._dim = dim
        self._index: Any
        self._mark = Mark()
        self._behind = 0  # rows that the file lacks or should not have
        if not self._load():
            self._clear()

    def catch_up(self, store: ReferenceStore, state: State) -> None:
        """Catch up with the caller's snapshot.

        Args:
            store: The references.
            state: State of the snapshot.

        Raises:
            StoreError: If the store's rows do not match its state.
        """
        if self._mark == Mark.of(state):
            return
        if not self._follow(store, state):
            self._clear()
            self._append_rows(store, store.rows())
            self._mark = Mark(
                len(self.slots), self._mark.total, state.last_slot, state.last_removal
            )
        if self._mark != Mark.of(state):
            self._clear()
            raise StoreError(
                f"'{store.path}' was altered: another program added, removed or changed rows. "
                "Restore it from a backup, or build the gallery again."
            )

    def apply(self, change: Change, vectors: Floats) -> None:
        """Apply the caller's own change, if that saves reading it back.

        Args:
            change: What a transaction did.
            vectors: Vectors of the rows that it added, `(n, dim)`, float32.
        """
        if self._mark != Mark.of(change.before):
            return  # the next `catch_up` reads it
        self._remove(change.removed)
        self._append(np.arange(change.added.start, change.added.stop, dtype=np.int64), vectors)
        self._mark = Mark.of(change.after)

    @property
    def is_due(self) -> bool:
        """Whether `save` writes the files."""
        made = self.vectors.divided().unsaved or self.chosen.unsaved
        return made or worth_writing(self._behind, len(self.slots))

    def save(self, *, still_writing: bool = False, renew_bounds: bool = False) -> None:
        """Write the files if they are far enough behind; a failure to write does no harm.

        Args:
            still_writing: Whether more changes are likely.
            renew_bounds: Whether `vectors.bounds` is of no use; a missing one is made anyway.
        """
        many = worth_writing(self._behind, len(self.slots), still_writing=True)
        with contextlib.suppress(OSError, RuntimeError):
            if many or (self.is_due and not still_writing):
                self.write()
            elif not still_writing and (renew_bounds or not (self._directory / BOUNDS).is_file()):
                self._write_bounds()

    def choose(self, setting: SearchSetting) -> None:
        """Search by another setting from now on; `write` keeps what it needs.

        Args:
            setting: How.
        """
        self.chosen = ChosenSearch(setting)
        cells = self.vectors.divided()
        cells.way = setting.way
        if setting.way == "cells" and len(self.slots):
            cells.make(self.vectors.stored)

    # ------------------------------------------------------------ inside

    @property
    def _file(self) -> Path:
        return self._directory / _FILES[0]

    def _load(self) -> bool:
        """Read the file; False if it is damaged, incomplete or foreign."""
        note = read_note(self._directory)
        index = read_index(self._file, self._dim, note) if note else None
        if note is None or index is None:
            return False
        self._mark = note.mark
        self._hold(index)
        many = note.mark.count >= division.FROM or self.chosen.setting.way == "cells"
        if many and (kept := read_kept(self._directory, note.mark)):
            self.vectors.divided().restore(kept)
        self.chosen.read(self._directory, note.mark, self._dim)
        return True

    def write(self) -> None:
        """Write all files.

        Raises:
            OSError: If one cannot be written.
        """
        size, digest = write_index(self._file, self._index)
        write_note(self._directory, Note(self._dim, size, digest, self._mark))
        if kept := self.vectors.divided().to_keep():
            write_kept(self._directory, self._mark, kept)
            self.vectors.divided().unsaved = False
        else:
            (self._directory / CELLS).unlink(missing_ok=True)
        self._write_bounds()
        self.chosen.write(self._directory, self._mark)
        self._behind = 0

    def _write_bounds(self) -> None:
        """Write what answers a few queries of a process that has not read all vectors."""
        divided = self.vectors.divided()
        if wanted := len(self.slots) >= division.BOUNDED and divided.way != "flat":
            divided.prepare(self.vectors.stored)
        if not wanted or divided.cells is None:
            (self._directory / BOUNDS).unlink(missing_ok=True)
            return
        from index.search.kept_bounds import write_bounds  # not for a cold query

        write_bounds(self._directory, self._mark, self.slots, divided.cells)

    def _clear(self) -> None:
        self._mark = Mark()
        self._hold(faiss.IndexIDMap(faiss.IndexFlatL2(self._dim)))

    def _hold(self, index: Any) -> None:
        self._index, self.chosen = index, ChosenSearch(self.chosen.setting)
        self.vectors = ExactIndex(faiss.downcast_index(index.index))
        self.vectors.divided().way = self.chosen.setting.way
        self.slots = faiss.vector_to_array(index.id_map)

    def _follow(self, store: ReferenceStore, state: State) -> bool:
        """Catch up with the changes since; False if they are not known."""
        mark = self._mark
        removed = removed_since(mark, store, state)
        if removed is None or not mark.count:
            return False
        self._remove([slot for slot, _ in removed])
        self._mark = mark.lost(removed, state)
        self._append_rows(store, store.rows(after=mark.last_slot))
        return self._mark == Mark.of(state) and len(self.slots) == state.count

    def _append_rows(self, store: ReferenceStore, rows: Iterator[Row]) -> None:
        """Append stored rows and update the mark."""
        while batch := list(islice(rows, _ROWS_AT_ONCE)):
            slots = np.array([row.slot for row in batch], np.int64)
            self._append(slots, stacked(batch, self._dim, store.path))
            self._mark = self._mark.gained(batch)

    def _append(self, slots: Indices, vectors: Floats) -> None:
        if len(slots):
            self._index.add_with_ids(np.ascontiguousarray(vectors, np.float32), slots)
            self.slots = np.concatenate([self.slots, slots])
            self.vectors.appended(vectors)
            self.chosen.appended(vectors, slots)
            self._behind += len(slots)

    def _remove(self, slots: Sequence[int]) -> None:
        if slots:
            self._index.remove_ids(np.array(slots, np.int64))
            kept = ~np.isin(self.slots, slots)
            self.slots = self.slots[kept]
            self.vectors.removed(kept)
            self._behind += len(slots)


def nearly_there(directory: Path, dim: int, state: State) -> bool:
    """Whether the file is so little behind that it need be neither read nor written now.

    Args:
        directory: The gallery's directory.
        dim: Length of its vectors.
        state: State of the references.
    """
    note = read_note(directory)
    if note is None or note.dim != dim or not note.mark.count:
        return False
    return not worth_writing(distance(note.mark, state), state.count)


def drop_derived(directory: Path) -> None:
    """Remove what is derived; it is made again from the references."""
    for name in _FILES:
        with contextlib.suppress(OSError):
            (directory / name).unlink()
