"""The references in SQLite: the truth of a gallery.

Every change is one transaction, on disk when it returns. Every row has a checksum, which is
verified whenever the row is read; one state row, with its own checksum, counts the rows and sums
their checksums, so that changes by another program are noticed.

A slot is a row's number, which only grows and is never reused. Replacing an id removes one slot and
adds another. So a derived index catches up by reading the rows after its last slot and the entries
after its last place in the removal log.

Does not search and does not know what a vector means.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from index.errors import inside_snapshot
from index.references import changes, selection
from index.references.high_water import HighWater, require_reached
from index.references.idle import Idle
from index.references.rows import Change, NewRow, Row, State, wrap
from index.references.schema import FORMAT, TABLES
from index.references.state import first_statement, read_state, write_state
from index.storage.database import Database
from index.storage.drafts import sweep_files

_QUIET = 2.0  # seconds without a change, after which the log is brought into the file
Choose = Callable[[Sequence[Row]], Iterable[str]]


class Store:
    """An open SQLite file. Threads may share it: one reads at a time, and one more may change it.

    Attributes:
        path: The file.
        lock: Held during reads, never while a change waits for another process. Also guards
            what is derived from the rows.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "references.sqlite")
        >>> Store.create(path)
        >>> store = Store(path)
        >>> change = store.add([NewRow("a", "cat", None, None, b"1234", None)])
        >>> store.state().count, [row.label for row in store.rows()]
        (1, ['cat'])
        >>> store.close()
    """

    def __init__(self, path: Path, *, timeout: float = 10.0, accept_older: bool = False) -> None:
        self.path = path
        self.high_water = HighWater(path)
        self._guarded = not accept_older
        self.lock = threading.RLock()
        self._held: State | None = None  # the snapshot being read
        self._changing = threading.Lock()
        self._writer: Store | None = None  # the connection for changes
        self._reader: int | None = None  # the thread that holds a snapshot
        self.before_first_change: Callable[[], object] = lambda: sweep_files(path.parent)
        self.proves_absent: Callable[[Database, State, list[str]], bool] = lambda *_: False
        self._idle = Idle(_QUIET, self._checkpoint_if_free)
        acknowledged = self._acknowledged()
        self._database = Database(path, TABLES, FORMAT, timeout)
        try:
            with self.reading() as state:
                if acknowledged is not None:
                    require_reached(path, state, acknowledged)
                [(count,)] = self._database.execute("SELECT count(*) FROM reference")
                if count != state.count:
                    raise self._database.altered("another program added or removed rows")
        except BaseException:
            self._database.close()
            raise

    @classmethod
    def create(cls, path: Path) -> None:
        """Create an empty store at an unused path."""
        Database.create(path, [*TABLES, first_statement()], FORMAT)
        HighWater(path).replace(State())

    def another(self) -> Store:
        """Open a second connection: while it waits to write, this one can read."""
        other = copy.copy(self)
        other._database, other._held = self._database.another(), None
        other.lock = threading.RLock()
        return other

    def require_in_place(self) -> None:
        """Refuse a store that is no longer at its path, as every read and change does.

        Raises:
            ReplacedError: If the file is no longer at its path.
        """
        self._database.require_in_place()

    @property
    def writable(self) -> bool:
        """Whether this user may change the file."""
        return self._database.writable

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._idle.stop()
        if self._writer is not None:
            self._checkpoint()
            self._writer.close()
            self._writer = None
        self._database.close()

    @contextmanager
    def reading(self) -> Iterator[State]:
        """Hold a snapshot: all reads inside see the same transactions."""
        with self.lock:
            if self._held is not None:
                yield self._held
                return
            acknowledged = None if self._database.locked else self._acknowledged()
            with self._database.snapshot():
                try:
                    self._held, self._reader = read_state(self._database), threading.get_ident()
                    if acknowledged is not None:
                        require_reached(self.path, self._held, acknowledged)
                    yield self._held
                finally:
                    self._held = self._reader = None

    @contextmanager
    def changing(self) -> Iterator[Store]:
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
            self._idle.touch()

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
        """Become the only writer; the block is committed completely or not at all."""
        with self._database.change():
            before, self.before_first_change = self.before_first_change, lambda: None
            before()
            yield read_state(self._database)

    def state(self) -> State:
        """The current state."""
        with self.reading() as state:
            return state

    def labels(self, most: int = -1) -> list[str]:
        """Up to `most` different labels of groups, all for -1, without verifying the rows."""
        return selection.labels(self._database, most)

    def count_unlabelled(self) -> int:
        """Count the references without a group, without verifying the rows."""
        return selection.count_unlabelled(self._database)

    def copy_to(self, path: Path) -> None:
        """Write a copy of the snapshot held by `reading` to an unused path."""
        with self.reading() as state:
            self._database.copy_to(path)
            HighWater(path).replace(state)

    def add(self, rows: Sequence[NewRow], choose: Choose | None = None) -> Change:
        """Store rows in one transaction; an existing id is replaced.

        Args:
            rows: Each id once.
            choose: Called in the transaction with the stored rows of these ids; names those to add.

        Raises:
            StoreError: If the file is altered, read-only, full, or another process keeps writing.
            OSError: If the change was stored, but the high-water mark could not be written.
        """
        ids = [row.id for row in rows]

        def make(was: State, old: Sequence[Row]) -> Change:
            wanted = set(ids if choose is None else choose(old))
            replaced = [row for row in old if row.id in wanted]
            new = [row for row in rows if row.id in wanted]
            return changes.add(self._database, was, replaced, new)

        return self._change(ids, make)

    def remove(self, ids: Sequence[str]) -> Change:
        """Remove all rows with these ids in one transaction; an unknown id is no error."""
        return self._change(ids, lambda was, old: changes.remove(self._database, was, old))

    def accept(self, state: State) -> None:
        """Continue from `state`, ignoring the high-water mark; for `recovery`."""
        with self.writing():
            write_state(self._database, state)
        self.high_water.replace(state)

    def rows(self, after: int = 0) -> Iterator[Row]:
        """Every row whose slot is beyond `after`, by slot, verified."""
        with self.reading():
            yield from selection.rows_after(self._database, after)

    def named(self, ids: Sequence[str]) -> list[Row]:
        """The rows with these ids, in no order; absences are verified."""
        with self.reading() as state:
            return self._named(state, ids)

    def at(self, slots: Sequence[int]) -> list[Row]:
        """The rows at these distinct slots, which must all exist, in no order."""
        with self.reading():
            return selection.rows_at(self._database, slots)

    def with_contents(self, contents: Sequence[bytes]) -> list[Row]:
        """The rows with these contents, in no order."""
        with self.reading():
            return selection.rows_with_contents(self._database, contents)

    def picture(self, row: Row) -> bytes | None:
        """The encoded picture of a row, verified."""
        with self.reading():
            return selection.picture_of(self._database, row)

    def removals(self, after: int) -> list[tuple[int, int]] | None:
        """Slot and checksum of every removal beyond `after`; None if the log was cut since."""
        with self.reading() as state:
            return changes.removals(self._database, state, after)

    def verify(self) -> None:
        """Verify the file: its pages, every row, every picture, and the state.

        Raises:
            StoreError: If something is altered; the text names it.
        """
        with self.reading() as state:
            self._database.prove_sound(again=True)
            count = total = 0
            for row in self.rows():
                self.picture(row)
                count, total = count + 1, total + row.checksum
            if (count, wrap(total)) != (state.count, state.total):
                raise self._database.altered("another program added, removed or changed rows")

    def _change(self, ids: Sequence[str], make: Callable[[State, Sequence[Row]], Change]) -> Change:
        """Do one change, given the state before it and the rows that have these ids."""
        with self.writing() as before:
            change = make(before, self._named(before, ids))
            if change.after != before:
                self.high_water.begin(before)
                write_state(self._database, change.after)
        if change.after != before:
            self.high_water.write(change.after)
        return change

    def _named(self, state: State, ids: Sequence[str]) -> list[Row]:
        absent = partial(self.proves_absent, self._database, state)
        return selection.rows_with_ids(self._database, ids, absent)

    def _acknowledged(self) -> State | None:
        """The last acknowledged state, to be read before the snapshot that is compared with it."""
        return self.high_water.read() if self._guarded else None

    def _checkpoint(self) -> None:
        """Bring the log into the file, and the high-water mark to the disk."""
        if self._writer is not None:
            self._writer._database.checkpoint()
            self.high_water.sync()

    def _checkpoint_if_free(self) -> None:
        if self._changing.acquire(blocking=False):  # else a change is under way, which touches anew
            try:
                self._checkpoint()
            finally:
                self._changing.release()

    def _require_no_snapshot(self, done: str) -> None:
        """Refuse to wait for writers while holding a snapshot: they may wait for its end."""
        if self._reader == threading.get_ident():
            raise inside_snapshot(self.path.parent, done)
