"""The references in SQLite: the truth of a gallery.

Every change is one transaction, on disk when it returns. Every row carries a checksum that is
proven whenever the row is read; one state row, with its own checksum, counts the rows and sums
their checksums, so that rows which came, went or changed by another hand are noticed.

A slot is a row's number: never used twice, growing with time. Replacing an id is a removal and a
new slot. So a derived index catches up with the rows after its last slot and the entries after its
last place in the removal log.

Does not search and does not know what a vector means.
"""

from __future__ import annotations

import copy
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

from index.storage.database import Database
from index.storage.reference import Row, picture_digest, row_checksum, wrap

_FORMAT = 1
_SCHEMA = (
    "CREATE TABLE reference (slot INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " label TEXT NOT NULL, content BLOB, metadata TEXT, vector BLOB NOT NULL,"
    " picture_digest BLOB, checksum INTEGER NOT NULL, picture BLOB)",
    "CREATE INDEX reference_content ON reference (content) WHERE content IS NOT NULL",
    "CREATE TABLE removal (sequence INTEGER PRIMARY KEY, slot INTEGER NOT NULL,"
    " checksum INTEGER NOT NULL)",
    "CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), generation INTEGER NOT NULL,"
    " count INTEGER NOT NULL, total INTEGER NOT NULL, last_slot INTEGER NOT NULL,"
    " last_removal INTEGER NOT NULL, checksum BLOB NOT NULL)",
)
_COLUMNS = "slot, id, label, content, metadata, vector, picture_digest, checksum"
_AT_ONCE = 500  # parameters in one statement
_LEAST_LOG = 10_000  # removals kept at least; an index that is farther behind is rebuilt


@dataclass(frozen=True, slots=True)
class State:
    """Where the store stands.

    Attributes:
        generation: Number of changes so far.
        count: Number of rows.
        total: Sum of the rows' checksums, as signed 64 bits.
        last_slot: The largest slot ever given.
        last_removal: The last place in the removal log.
    """

    generation: int = 0
    count: int = 0
    total: int = 0
    last_slot: int = 0
    last_removal: int = 0

    def values(self) -> tuple[int, int, int, int, int]:
        """The fields in the order of the columns."""
        return (self.generation, self.count, self.total, self.last_slot, self.last_removal)

    def seal(self) -> bytes:
        """8 bytes over all fields."""
        return blake2b(struct.pack("<5q", *self.values()), digest_size=8).digest()


@dataclass(frozen=True, slots=True)
class NewRow:
    """A reference to be stored: the fields of `Row` that a caller gives, and the picture."""

    id: str
    label: str
    content: bytes | None
    metadata: str | None
    vector: bytes
    picture: bytes | None


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction did: the states around it, the slots that went and the rows' slots."""

    before: State
    after: State
    removed: list[int]
    added: range


class Store:
    """One SQLite file, open.

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
        self._held: State | None = None  # the snapshot being read
        self._database = Database(path, _SCHEMA, _FORMAT, timeout)
        try:
            with self.reading() as state:
                [(count,)] = self._database.execute("SELECT count(*) FROM reference")
                if count != state.count:
                    raise self._database.altered("rows came or went by another hand")
        except BaseException:
            self._database.close()
            raise

    @classmethod
    def create(cls, path: Path) -> None:
        """Write an empty store to a path where nothing is yet."""
        empty = State()
        seal = f"x'{empty.seal().hex()}'"
        first = f"INSERT INTO state VALUES (1, {', '.join(map(str, empty.values()))}, {seal})"
        Database.create(path, [*_SCHEMA, first], _FORMAT)

    def another(self) -> Store:
        """The same store by a connection of its own: while it waits to write, this one reads.

        Raises:
            ReplacedError: If the file is no longer at its path.
            StoreError: If this one is closed, or the file cannot be opened.
        """
        other = copy.copy(self)
        other._database, other._held = self._database.another(), None
        return other

    def require_in_place(self) -> None:
        """Refuse a store that others would not find any more, as all reads and changes do.

        Raises:
            ReplacedError: If the file is no longer at its path.
        """
        self._database.require_in_place()

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    @property
    def writable(self) -> bool:
        """Whether this user may change the file."""
        return self._database.writable

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._database.close()

    # ------------------------------------------------------------ transactions

    @contextmanager
    def reading(self) -> Iterator[State]:
        """Hold one snapshot: all reads inside see the same whole transactions."""
        if self._held is not None:
            yield self._held
            return
        with self._database.snapshot():
            try:
                self._held = self._state()
                yield self._held
            finally:
                self._held = None

    @contextmanager
    def writing(self) -> Iterator[State]:
        """Be the one writer; the block is committed as a whole or not at all."""
        with self._database.change():
            yield self._state()

    def state(self) -> State:
        """Where the store stands now."""
        with self.reading() as state:
            return state

    def count_labels(self) -> int:
        """How many different labels there are, without proving the rows."""
        [(count,)] = self._database.execute("SELECT count(DISTINCT label) FROM reference")
        return int(count)

    def copy_to(self, path: Path) -> None:
        """Write a copy, within `reading` of its snapshot, to a path where nothing is yet.

        Raises:
            StoreError: If the copy cannot be written.
        """
        with self.reading():
            self._database.copy_to(path)

    # ------------------------------------------------------------ changes

    def add(self, rows: Sequence[NewRow]) -> Change:
        """Store all rows in one transaction; an id that is there already is replaced.

        Raises:
            StoreError: If the file is altered, read-only, full, or another process keeps writing.
        """
        with self.writing() as state:
            old = self._found([row.id for row in rows])
            after = self._drop(state, old)
            added = range(after.last_slot + 1, after.last_slot + 1 + len(rows))
            sealed = [_sealed(slot, row) for slot, row in zip(added, rows, strict=True)]
            self._database.execute_many(
                f"INSERT INTO reference ({_COLUMNS}, picture) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                ((*row, new.picture) for row, new in zip(sealed, rows, strict=True)),
            )
            after = replace(
                after,
                generation=state.generation + 1,
                count=after.count + len(rows),
                total=wrap(after.total + sum(row.checksum for row in sealed)),
                last_slot=after.last_slot + len(rows),
            )
            self._write_state(after)
        return Change(state, after, [row.slot for row in old], added)

    def remove(self, ids: Sequence[str]) -> Change:
        """Remove all rows with these ids in one transaction; an unknown id is no error."""
        with self.writing() as state:
            old = self._found(ids)
            after = state
            if old:
                after = replace(self._drop(state, old), generation=state.generation + 1)
                self._write_state(after)
        return Change(state, after, [row.slot for row in old], range(0))

    # ------------------------------------------------------------ reads

    def rows(self, after: int = 0) -> Iterator[Row]:
        """Every row whose slot is beyond `after`, in the order of slots, each proven."""
        with self.reading():
            query = f"SELECT {_COLUMNS} FROM reference WHERE slot > ? ORDER BY slot"
            yield from self._proven(self._database.execute(query, (after,)))

    def named(self, ids: Sequence[str]) -> list[Row]:
        """The rows with these ids, in no order; an id that is absent is proven absent."""
        with self.reading():
            return self._found(ids)

    def at(self, slots: Sequence[int]) -> list[Row]:
        """The rows at these different slots, all of which must be there, in no order."""
        query = f"SELECT {_COLUMNS} FROM reference WHERE slot IN (SELECT value FROM json_each(?))"
        with self.reading():
            wanted = "[" + ",".join(map(str, slots)) + "]"
            found = list(self._proven(self._database.execute(query, (wanted,))))
        if len(found) != len(slots):
            raise self._database.altered("a row is missing")
        return found

    def with_contents(self, contents: Sequence[bytes]) -> list[Row]:
        """The rows with these contents, in no order."""
        with self.reading():
            return list(self._chosen("content", contents))

    def picture(self, row: Row) -> bytes | None:
        """The encoded picture of a row, proven."""
        if row.picture_digest is None:
            return None
        query = "SELECT picture FROM reference WHERE slot = ?"
        with self.reading():
            found = self._database.execute(query, (row.slot,)).fetchone()
        picture = found[0] if found else None
        if not isinstance(picture, bytes) or picture_digest(picture) != row.picture_digest:
            raise self._database.altered(f"the picture of '{row.id}' does not fit its checksum")
        return picture

    def removals(self, after: int) -> list[tuple[int, int]] | None:
        """Slot and checksum of every removal beyond `after`; None if the log was cut since."""
        with self.reading() as state:
            query = "SELECT slot, checksum FROM removal WHERE sequence > ? ORDER BY sequence"
            found = self._database.execute(query, (after,)).fetchall()
        return found if len(found) == state.last_removal - after else None

    def verify(self) -> None:
        """Prove the whole file: its pages, every row, every picture, and the state.

        Raises:
            StoreError: Naming what is wrong.
        """
        with self.reading() as state:
            self._database.prove_sound(again=True)
            count = total = 0
            for row in self.rows():
                self.picture(row)
                count, total = count + 1, total + row.checksum
            if (count, wrap(total)) != (state.count, state.total):
                raise self._database.altered("rows came, went or changed by another hand")

    # ------------------------------------------------------------ inside

    def _state(self) -> State:
        query = "SELECT generation, count, total, last_slot, last_removal, checksum FROM state"
        found = self._database.execute(query).fetchone()
        try:
            *values, seal = found
            state = State(*values)
            intact = state.seal() == seal
        except (TypeError, ValueError, struct.error):
            intact = False
        if not intact:
            raise self._database.altered("its state does not fit its checksum")
        return state

    def _drop(self, state: State, rows: Sequence[Row]) -> State:
        """Delete rows and log it; return the state that is to be written."""
        if not rows:
            return state
        first = state.last_removal + 1
        self._database.execute_many(
            "DELETE FROM reference WHERE slot = ?", ((row.slot,) for row in rows)
        )
        self._database.execute_many(
            "INSERT INTO removal (sequence, slot, checksum) VALUES (?, ?, ?)",
            ((first + i, row.slot, row.checksum) for i, row in enumerate(rows)),
        )
        after = replace(
            state,
            count=state.count - len(rows),
            total=wrap(state.total - sum(row.checksum for row in rows)),
            last_removal=state.last_removal + len(rows),
        )
        oldest = after.last_removal - max(_LEAST_LOG, after.count)
        self._database.execute("DELETE FROM removal WHERE sequence <= ?", (oldest,))
        return after

    def _found(self, ids: Sequence[str]) -> list[Row]:
        """Indices by id. Before an absence is believed, the index behind it is proven, once."""
        unique = list(dict.fromkeys(ids))
        found = list(self._chosen("id", unique))
        if len(found) < len(unique):
            self._database.prove_sound()
        return found

    def _chosen(self, column: str, values: Sequence[str] | Sequence[bytes]) -> Iterator[Row]:
        for start in range(0, len(values), _AT_ONCE):
            some = values[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            query = f"SELECT {_COLUMNS} FROM reference WHERE {column} IN ({marks})"
            yield from self._proven(self._database.execute(query, some))

    def _proven(self, found: Iterable[tuple[object, ...]]) -> Iterator[Row]:
        for row in map(Row._make, found):
            if not row.intact():
                raise self._database.altered(f"row {row.slot} does not fit its checksum")
            yield row

    def _write_state(self, state: State) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO state VALUES (1, ?, ?, ?, ?, ?, ?)",
            (*state.values(), state.seal()),
        )


def _sealed(slot: int, new: NewRow) -> Row:
    digest = None if new.picture is None else picture_digest(new.picture)
    fields = (slot, new.id, new.label, new.content, new.metadata, new.vector, digest)
    return Row(*fields, row_checksum(*fields))
