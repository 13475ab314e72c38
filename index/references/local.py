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
import struct
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from index.errors import GalleryError
from index.references import changes
from index.references.rows import Change, NewRow, Row, State, picture_digest, wrap
from index.references.schema import COLUMNS, FORMAT, TABLES
from index.storage.database import Database

_AT_ONCE = 500  # parameters in one statement


class Store:
    """An open SQLite file. Threads may share it: one reads at a time, and one more may change it.

    Attributes:
        path: The file.
        lock: Held during reads, never while a change waits for another process. Also guards
            what is derived from the rows.

    Example:
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> path = Path(folder.name, "references.sqlite")
        >>> Store.create(path)
        >>> store = Store(path)
        >>> change = store.add([NewRow("a", "cat", None, None, b"1234", None)])
        >>> store.state().count, [row.label for row in store.rows()]
        (1, ['cat'])
        >>> store.close()
        >>> folder.cleanup()
    """

    def __init__(self, path: Path, *, timeout: float = 10.0) -> None:
        self.path = path
        self.lock = threading.RLock()
        self._held: State | None = None  # the snapshot being read
        self._changing = threading.Lock()
        self._writer: Store | None = None  # the connection for changes
        self._reader: int | None = None  # the thread that holds a snapshot
        self._database = Database(path, TABLES, FORMAT, timeout)
        try:
            with self.reading() as state:
                [(count,)] = self._database.execute("SELECT count(*) FROM reference")
                if count != state.count:
                    raise self._database.altered("another program added or removed rows")
        except BaseException:
            self._database.close()
            raise

    @classmethod
    def create(cls, path: Path) -> None:
        """Create an empty store at an unused path."""
        *values, seal = _sealed(State())
        first = f"INSERT INTO state VALUES (1, {', '.join(map(str, values))}, x'{seal.hex()}')"
        Database.create(path, [*TABLES, first], FORMAT)

    def another(self) -> Store:
        """Open a second connection: while it waits to write, this one can read.

        Raises:
            ReplacedError: If the file is no longer at its path.
        """
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
        if self._writer is not None:
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
            with self._database.snapshot():
                try:
                    self._held, self._reader = self._state(), threading.get_ident()
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
            yield self._state()

    def state(self) -> State:
        """The current state."""
        with self.reading() as state:
            return state

    def count_labels(self) -> int:
        """Count the labels, without verifying the rows."""
        [(count,)] = self._database.execute("SELECT count(DISTINCT label) FROM reference")
        return int(count)

    def copy_to(self, path: Path) -> None:
        """Write a copy of the snapshot held by `reading` to an unused path."""
        with self.reading():
            self._database.copy_to(path)

    def add(self, rows: Sequence[NewRow]) -> Change:
        """Store all rows in one transaction; an existing id is replaced.

        Raises:
            StoreError: If the file is altered, read-only, full, or another process keeps writing.
        """
        with self.writing() as state:
            old = self._found([row.id for row in rows])
            return self._written(changes.add(self._database, state, old, rows))

    def remove(self, ids: Sequence[str]) -> Change:
        """Remove all rows with these ids in one transaction; an unknown id is no error."""
        with self.writing() as state:
            return self._written(changes.remove(self._database, state, self._found(ids)))

    def rows(self, after: int = 0) -> Iterator[Row]:
        """Every row whose slot is beyond `after`, by slot, verified."""
        with self.reading():
            query = f"SELECT {COLUMNS} FROM reference WHERE slot > ? ORDER BY slot"
            yield from self._proven(self._database.execute(query, (after,)))

    def named(self, ids: Sequence[str]) -> list[Row]:
        """The rows with these ids, in no order; absences are verified."""
        with self.reading():
            return self._found(ids)

    def at(self, slots: Sequence[int]) -> list[Row]:
        """The rows at these distinct slots, which must all exist, in no order."""
        query = f"SELECT {COLUMNS} FROM reference WHERE slot IN (SELECT value FROM json_each(?))"
        with self.reading():
            wanted = "[" + ",".join(map(str, slots)) + "]"
            rows = list(self._proven(self._database.execute(query, (wanted,))))
        if len(rows) != len(slots):
            raise self._database.altered("a row is missing")
        return rows

    def with_contents(self, contents: Sequence[bytes]) -> list[Row]:
        """The rows with these contents, in no order."""
        with self.reading():
            return list(self._chosen("content", contents))

    def picture(self, row: Row) -> bytes | None:
        """The encoded picture of a row, verified."""
        if row.picture_digest is None:
            return None
        query = "SELECT picture FROM reference WHERE slot = ?"
        with self.reading():
            stored = self._database.execute(query, (row.slot,)).fetchone()
        picture = stored[0] if stored else None
        if not isinstance(picture, bytes) or picture_digest(picture) != row.picture_digest:
            raise self._database.altered(f"the picture of '{row.id}' does not match its checksum")
        return picture

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

    def _state(self) -> State:
        query = "SELECT generation, count, total, last_slot, last_removal, checksum FROM state"
        stored = self._database.execute(query).fetchone()
        try:
            *values, seal = stored
            state = State(*values)
            intact = _sealed(state)[-1] == seal
        except (TypeError, ValueError, struct.error):
            intact = False
        if not intact:
            raise self._database.altered("its state does not match its checksum")
        return state

    def _written(self, change: Change) -> Change:
        """Write the state after a change, if it differs."""
        if change.after != change.before:
            self._database.execute(
                "INSERT OR REPLACE INTO state VALUES (1, ?, ?, ?, ?, ?, ?)",
                _sealed(change.after),
            )
        return change

    def _found(self, ids: Sequence[str]) -> list[Row]:
        """The rows by id. An absence is believed only once SQLite's index is verified."""
        unique = list(dict.fromkeys(ids))
        rows = list(self._chosen("id", unique))
        if len(rows) < len(unique):
            self._database.prove_sound()
        return rows

    def _chosen(self, column: str, values: Sequence[str] | Sequence[bytes]) -> Iterator[Row]:
        for start in range(0, len(values), _AT_ONCE):
            batch = values[start : start + _AT_ONCE]
            marks = ",".join("?" * len(batch))
            query = f"SELECT {COLUMNS} FROM reference WHERE {column} IN ({marks})"
            yield from self._proven(self._database.execute(query, batch))

    def _proven(self, stored: Iterable[tuple[object, ...]]) -> Iterator[Row]:
        for row in map(Row._make, stored):
            if not row.intact():
                raise self._database.altered(f"row {row.slot} does not match its checksum")
            yield row

    def _require_no_snapshot(self, done: str) -> None:
        """Refuse to wait for writers while holding a snapshot: they may wait for its end."""
        if self._reader == threading.get_ident():
            raise GalleryError(
                f"Gallery '{self.path.parent}' cannot be {done} inside a snapshot of it: leave the "
                "snapshot first."
            )


def _sealed(state: State) -> tuple[int, int, int, int, int, bytes]:
    """The fields in the order of the columns, and 8 bytes over all of them."""
    values = (state.generation, state.count, state.total, state.last_slot, state.last_removal)
    return *values, blake2b(struct.pack("<5q", *values), digest_size=8).digest()
