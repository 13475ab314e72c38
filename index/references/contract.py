"""The references of a gallery, in whatever engine: the truth that everything else is derived from.

`ReferenceStore` is the contract: what it says here holds for SQLite (`local`) and for PostgreSQL
(`index.postgres`), and the same tests run on both. Every change is one transaction, durable when it
returns. Every row has a checksum, which is verified whenever the row is read; one state row, with
its own checksum, counts the rows and sums their checksums, so that changes by another program are
noticed.

A slot is a row's number, which only grows and is never reused. Replacing an id removes one slot and
adds another. So a derived index catches up by reading the rows after its last slot and the entries
after its last place in the removal log.

Does not search and does not know what a vector means.
"""

from __future__ import annotations

import copy
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Self

from index.errors import OlderStateError, inside_snapshot
from index.references import changes
from index.references.connection import Connection
from index.references.high_water import HighWater
from index.references.reads import Reads
from index.references.rows import Change, NewRow, Row, State
from index.references.state import read_state, write_state

Choose = Callable[[Sequence[Row]], Iterable[str]]


class ReferenceStore(Reads):
    """An open store. Threads may share it: one reads at a time, and one more may change it.

    Args:
        database: The first connection; the store closes it.
        high_water: Where the last acknowledged state is recorded.

    Attributes:
        lock: Held during reads, never while a change waits for another process. Also guards
            what is derived from the rows.
        before_first_change: Called within the first change, with the store that makes it.
    """

    def __init__(self, database: Connection, high_water: HighWater) -> None:
        self.high_water = high_water
        self.lock = threading.RLock()
        self.before_first_change: Callable[[ReferenceStore], object] = lambda store: None
        self._database = database
        self._held: State | None = None  # the snapshot being read
        self._reader: int | None = None  # the thread that holds a snapshot
        self._changing = threading.Lock()
        self._writer: Self | None = None  # the connection for changes

    def another(self) -> Self:
        """Open a second connection: while it waits to write, this one can read."""
        other = copy.copy(self)
        other._database, other._held = self._database.another(), None
        other.lock = threading.RLock()
        return other

    def require_in_place(self) -> None:
        """Refuse a store that is no longer where it was, as every read and change does.

        A thread that holds a snapshot was refused when that began, if it had to be.

        Raises:
            ReplacedError: If the gallery was moved, removed or replaced.
        """
        if not self._is_reading:
            self._database.require_in_place()

    @property
    def writable(self) -> bool:
        """Whether this user may change the store."""
        return self._database.writable

    @property
    @abstractmethod
    def keeps_derived(self) -> bool:
        """Whether this user may write what is derived from the store."""

    def close(self) -> None:
        """Close the connections; a second call does nothing."""
        if self._writer is not None:
            self._settle()
            self._writer.close()
            self._writer = None
        self._database.close()

    def reading(self) -> AbstractContextManager[State]:
        """Hold a snapshot: all reads inside see the same transactions.

        Raises:
            OlderStateError: If it is older than a state that was acknowledged.
        """
        if (held := self._held) is not None and self._is_reading:
            return nullcontext(held)  # this thread has the lock, and a question reads often
        return self._snapshot()

    @property
    def _is_reading(self) -> bool:
        """Whether this thread holds a snapshot."""
        return self._reader == threading.get_ident()

    @contextmanager
    def _snapshot(self) -> Iterator[State]:
        with self.lock:
            if self._held is not None:
                yield self._held
                return
            seen = self._acknowledged()
            with self._database.snapshot():
                try:
                    self._held, self._reader = read_state(self._database), threading.get_ident()
                    if seen is not None:
                        self._require_reached(self._held, seen)
                    self._saw(self._held)
                    yield self._held
                finally:
                    self._held = self._reader = None

    @contextmanager
    def changing(self) -> Iterator[Self]:
        """Become the only thread that changes the store; others may read, even while it waits.

        Yields:
            The store on the connection for changes.

        Raises:
            GalleryError: If this thread holds a snapshot.
        """
        self._require_no_snapshot("changed")
        with self._changing:
            if self._writer is None:
                with self.lock:
                    self._writer = self.another()
            yield self._writer
            self._changed()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Become the only thread that uses the store, in order to close it.

        Raises:
            GalleryError: If this thread holds a snapshot.
        """
        self._require_no_snapshot("closed")
        with self._changing, self.lock:
            yield

    @contextmanager
    def writing(self) -> Iterator[State]:
        """Become the only writer; the block is committed completely or not at all.

        Raises:
            OlderStateError: If the state is older than one that was acknowledged.
        """
        seen = self._acknowledged()
        with self._database.change():
            self._held = read_state(self._database)
            try:
                if seen is not None:
                    self._require_reached(self._held, seen)
                before, self.before_first_change = self.before_first_change, lambda store: None
                before(self)
                yield self._held
            finally:
                self._held = None

    def add(
        self, rows: Sequence[NewRow], choose: Choose | None = None, also: Sequence[str] = ()
    ) -> Change:
        """Store rows in one transaction; an existing id is replaced.

        Args:
            rows: Each id once.
            choose: Called in the transaction with the stored rows of these ids; names those to add.
            also: Further ids whose stored rows `choose` is called with.

        Raises:
            StoreError: If the store is altered, read-only, full, or another process keeps writing.
            OSError: If the change was stored, but the high-water mark could not be written.
        """
        ids = [row.id for row in rows]

        def make(was: State, old: Sequence[Row]) -> Change:
            wanted = set(ids if choose is None else choose(old))
            replaced = [row for row in old if row.id in wanted]
            new = [row for row in rows if row.id in wanted]
            return changes.add(self._database, was, replaced, new)

        return self._change(list(dict.fromkeys([*ids, *also])), make)

    def remove(self, ids: Sequence[str]) -> Change:
        """Remove all rows with these ids in one transaction; an unknown id is no error."""
        return self._change(ids, lambda was, old: changes.remove(self._database, was, old))

    def accept(self, state: State) -> None:
        """Continue from `state`, ignoring the high-water mark; for `recovery`."""
        with self.writing():
            write_state(self._database, state)
        self.high_water.replace(state)

    # ------------------------------------------------------------ what engines do differently

    @abstractmethod
    def older_state(self, state: State, proof: str) -> OlderStateError:
        """The error that says that the store is older than what was acknowledged.

        Args:
            state: Its state.
            proof: What shows that there was a later state.
        """

    @abstractmethod
    def _acknowledged(self) -> State | None:
        """The last acknowledged state, to be read before the snapshot that is compared with it."""

    def _saw(self, state: State) -> None:
        """Note a state that was read."""

    def _changed(self) -> None:
        """Note that a change was made."""

    def _settle(self) -> None:
        """Leave what was written as the next one should find it."""

    # ------------------------------------------------------------ inside

    def _require_reached(self, state: State, acknowledged: State) -> None:
        """Refuse a state that is older than an acknowledged one, or another of its generation."""
        if state.generation < acknowledged.generation:
            seen = f"generation {acknowledged.generation} with {acknowledged.count}"
            raise self.older_state(state, f"{seen} was acknowledged")
        if state.generation == acknowledged.generation and state != acknowledged:
            raise self.older_state(state, "another change of that number was acknowledged")

    def _require_sound_count(self, state: State) -> None:
        """Refuse, at opening, a store that holds another number of rows than it says."""
        [(count,)] = self._database.execute("SELECT count(*) FROM reference")
        if count != state.count:
            raise self.altered("another program added or removed rows")

    def _change(self, ids: Sequence[str], make: Callable[[State, Sequence[Row]], Change]) -> Change:
        """Do one change, given the state before it and the rows that have these ids."""
        with self.writing() as before:
            change = make(before, self.named(ids))
            if change.after != before:
                self.high_water.begin(before)
                write_state(self._database, change.after)
        if change.after != before:
            self.high_water.write(change.after)
        return change

    def _require_no_snapshot(self, done: str) -> None:
        """Refuse to wait for writers while holding a snapshot: they may wait for its end."""
        if self._is_reading:
            raise inside_snapshot(self.gallery, done)
