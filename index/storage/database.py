"""One SQLite file: opening, whole transactions, and errors that name the file.

Independent of the tables, which callers define.
"""

from __future__ import annotations

import copy
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from index.errors import BusyError, FullDiskError, ReadOnlyError, ReplacedError, StoreError
from index.storage.access import Access
from index.storage.files import is_full

_OF_THE_DISK = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
_APPLICATION = 0x6C696B65  # "like"
_AT_ONCE = 500  # parameters in one statement


class Database:
    """An SQLite file in WAL mode with durable commits.

    Args:
        path: The file; must exist.
        schema: The statements that made its tables and indexes, word for word.
        version: Its format number.
        timeout: Seconds to wait for another process's change.
    """

    def __init__(self, path: Path, schema: Sequence[str], version: int, timeout: float) -> None:
        self.path = path
        self.writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
        self._timeout = timeout
        self.proven_sound = False  # its pages, in this opening
        if not path.is_file():
            raise StoreError(
                f"'{path}', which holds the gallery's references, is missing: restore it from a "
                "backup."
            )
        with self.errors_named():
            self._place = path.absolute()
            self._file = _identity(self._place)
            self._access = self._accessed()
        try:
            self._check_format(schema, version)
        except BaseException:
            self._access.close()
            raise

    def another(self) -> Database:
        """Open a second connection: while it waits to write, this one can read.

        Raises:
            ReplacedError: If the file is no longer at its path.
            StoreError: If this one is closed, or the file cannot be opened.
        """
        other = copy.copy(self)
        with self.errors_named():
            self.execute("SELECT 1")  # closed for good
            self.require_in_place()
            other._access = self._accessed()
        try:
            self.require_in_place()  # so it is the same file
        except BaseException:
            other.close()
            raise
        return other

    @classmethod
    def create(cls, path: Path, statements: Sequence[str], version: int) -> None:
        """Create a file with these statements at an unused path.

        Args:
            path: The file to make.
            statements: SQL that makes the tables.
            version: Format number of the tables.
        """
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA page_size = 8192")
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("PRAGMA journal_mode = WAL")
            for statement in statements:
                connection.execute(statement)
        finally:
            connection.close()

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._access.close()

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement.

        Args:
            statement: SQL, with a question mark for each value.
            values: The values.
        """
        return self._access.connection.execute(statement, values)

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of values.

        Args:
            statement: SQL, with a question mark for each value.
            rows: Values of each run.
        """
        self._access.connection.executemany(statement, rows)

    def insert(self, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows.

        Args:
            table: Name of the table.
            columns: Names of its columns, separated by commas.
            rows: Values in that order.
        """
        marks = ", ".join("?" * len(columns.split(",")))
        self.execute_many(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)

    def stream(self, statement: str, values: Sequence[Any] = ()) -> Iterable[tuple[Any, ...]]:
        """Run a statement of many rows, which SQLite reads one by one anyway.

        Args:
            statement: SQL, with a question mark for each value.
            values: The values.
        """
        return self.execute(statement, values)

    def rows_with(self, statement: str, values: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
        """Run a statement for values of any number, in its `IN ?`.

        Args:
            statement: SQL.
            values: Numbers, texts or bytes.
        """
        for start in range(0, len(values), _AT_ONCE):
            batch = values[start : start + _AT_ONCE]
            marks = ",".join("?" * len(batch))
            yield from self.execute(statement.replace("IN ?", f"IN ({marks})"), batch).fetchall()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads in the block see the same transactions.

        Raises:
            ReplacedError: If the file is no longer at its path.
            BusyError: If a writer changed the file under a reader that can have no locks.
        """
        with self.errors_named():
            self._access.begin()
            try:
                self.require_in_place()
                yield
            finally:
                self._roll_back()
                self._access.require_unchanged()

    @contextmanager
    def change(self) -> Iterator[None]:
        """Become the only writer; the block is committed completely or not at all.

        Raises:
            ReadOnlyError: If this user may not write the file.
            BusyError: If another process keeps writing.
            ReplacedError: If the file is no longer at its path.
            StoreError: If it is full or damaged.
        """
        if not self.writable:
            raise ReadOnlyError(f"Cannot change '{self.path}': it or its directory is read-only.")
        with self.errors_named():
            self._access.lock()
            if self._access.refusal is not None and not self._access.locked:
                raise self._access.refusal
            self._access.connection.execute("BEGIN IMMEDIATE")
            try:
                self.require_in_place()
                yield
                self._access.connection.execute("COMMIT")
            finally:
                self._roll_back()

    def checkpoint(self) -> None:
        """Write the log into the file as far as readers allow; the rest stays in the log."""
        with suppress(sqlite3.Error):
            self._access.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    @property
    def locked(self) -> bool:
        """Whether SQLite's locks hold, so that each snapshot is of the newest state."""
        return self._access.locked

    def copy_to(self, path: Path) -> None:
        """Write the state that this connection sees to a new file."""
        copy = sqlite3.connect(path)
        try:
            self._access.connection.backup(copy)  # in one step, because it is one snapshot
        except sqlite3.Error as error:
            raise StoreError(f"Cannot copy '{self.path}': {error}.") from error
        finally:
            copy.close()

    def require_in_place(self) -> None:
        """Refuse a file that was moved or removed, which SQLite would still read and write.

        Raises:
            ReplacedError: If the file is no longer at its path.
        """
        if _identity(self._place) != self._file:
            raise ReplacedError(
                f"'{self.path}' is no longer the file that was opened: the gallery was moved,"
                " removed or replaced. Open it again."
            )

    def prove_sound(self, *, again: bool = False) -> None:
        """Let SQLite check its indexes against the rows, once per opening unless `again`."""
        if self.proven_sound and not again:
            return
        answer = self._access.connection.execute("PRAGMA integrity_check(1)").fetchone()
        if answer != ("ok",):
            raise self.altered(str(answer[0] if answer else "SQLite cannot check it"))
        self.proven_sound = True

    def altered(self, problem: str) -> StoreError:
        """The error for an altered file."""
        return StoreError(
            f"'{self.path}' was altered: {problem}. Restore it from a backup, or build the gallery "
            "again."
        )

    @contextmanager
    def errors_named(self) -> Iterator[None]:
        """Turn SQLite's errors in the block into ours."""
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter from SQLite's own text
            raise self._named(error) from error

    def _accessed(self) -> Access:
        return Access(self._place, writable=self.writable, timeout=self._timeout)

    def _check_format(self, schema: Sequence[str], version: int) -> None:
        with self.errors_named():
            if self.execute("PRAGMA user_version").fetchone() != (version,):
                raise self.altered(f"its format is not {version}")
            statements = self.execute("SELECT sql FROM sqlite_schema WHERE sql NOT NULL")
            if sorted(str(text) for (text,) in statements) != sorted(schema):
                raise self.altered("its tables are not those of a gallery")

    def _roll_back(self) -> None:
        if self._access.connection.in_transaction:
            self._access.connection.execute("ROLLBACK")

    def _named(self, error: Exception) -> StoreError:
        if isinstance(error, sqlite3.ProgrammingError):
            return StoreError(f"'{self.path}' is closed: open the gallery again.")
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return BusyError(
                f"Another process is changing '{self.path}' and did not finish within"
                f" {self._timeout:g} s: try again when it has finished."
            )
        if code == sqlite3.SQLITE_FULL or (code in _OF_THE_DISK and is_full(self.path)):
            return FullDiskError(
                f"Cannot change '{self.path}': the disk is full. Nothing was changed; make room and"
                " try again."
            )
        if code in _OF_THE_DISK:
            return StoreError(f"Cannot read or write '{self.path}': {error}.")
        return self.altered(str(error))


def _identity(path: Path) -> tuple[int, int] | None:
    """Identity of the file at a path; None if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
