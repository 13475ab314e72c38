"""Reading with and without SQLite's locks: always the current file, or a refusal."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.errors import BusyError, ReadOnlyError
from index.storage.access import LOG, Access
from index.storage.database import Database

TABLE = "CREATE TABLE number (value INTEGER)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Database.create(tmp_path / "numbers.sqlite", [TABLE], 1)
    return tmp_path / "numbers.sqlite"


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a user who may not write: SQLite cannot make the file that its locks live in."""

    def refused(access: Access) -> bool:
        access.refusal = sqlite3.OperationalError("unable to open database file")
        return False

    monkeypatch.setattr(Access, "_open_locked", refused)


@pytest.fixture
def reader(path: Path, no_locks: None) -> Iterator[Database]:
    reader = opened(path)
    yield reader
    reader.close()


def opened(path: Path) -> Database:
    return Database(path, [TABLE], 1, timeout=0.05)


def numbers(database: Database) -> list[int]:
    with database.snapshot():
        rows = database.execute("SELECT value FROM number ORDER BY value").fetchall()
    return [value for (value,) in rows]


class Writer:
    """Another program that writes; as long as it is open its changes lie in the log."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)

    def insert(self, *values: int) -> None:
        self._connection.executemany("INSERT INTO number VALUES (?)", [(n,) for n in values])

    def checkpoint(self) -> None:
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        self._connection.close()


def test_a_reader_without_locks_sees_each_change_of_writers_that_come_and_go(
    path: Path, reader: Database
) -> None:
    assert numbers(reader) == []
    for round in range(3):
        writer = Writer(path)
        writer.insert(2 * round)
        assert numbers(reader) == list(range(2 * round + 1))  # it lies in the log
        writer.insert(2 * round + 1)
        assert numbers(reader) == list(range(2 * round + 2))
        writer.close()
        assert numbers(reader) == list(range(2 * round + 2))  # it lies in the file


def test_a_reader_without_locks_sees_each_checkpoint_as_a_whole(
    path: Path, reader: Database
) -> None:
    writer = Writer(path)
    for n in range(5):
        writer.insert(n)
        writer.checkpoint()
        assert numbers(reader) == list(range(n + 1))
    writer.close()


def overwritten(path: Path, reader: Database) -> None:
    """Change the file while a snapshot of it is read."""
    with reader.snapshot():
        writer = Writer(path)
        writer.insert(1)
        writer.close()  # which brings it into the file
        rows = reader.execute("SELECT value FROM number").fetchall()
        if rows:
            raise reader.altered("rows of two moments do not fit together")


def test_what_was_overwritten_while_it_was_read_without_locks_is_refused(
    path: Path, reader: Database
) -> None:
    with pytest.raises(BusyError, match="changed while it was read"):
        overwritten(path, reader)  # it reads the new page, which nothing before contradicts
    assert numbers(reader) == [1]


def test_what_was_overwritten_after_it_was_read_is_refused_too(
    path: Path, reader: Database
) -> None:
    def read_before() -> None:
        with reader.snapshot():
            assert reader.execute("SELECT value FROM number").fetchall() == []
            writer = Writer(path)
            writer.insert(1)
            writer.close()

    with pytest.raises(BusyError):
        read_before()


def test_a_change_that_only_reached_the_log_does_not_disturb_a_read(
    path: Path, reader: Database
) -> None:
    writer = Writer(path)
    with reader.snapshot():
        writer.insert(1)
        assert reader.execute("SELECT count(*) FROM number").fetchone() == (0,)
    assert numbers(reader) == [1]
    writer.close()


def test_a_closed_reader_stays_closed_while_another_goes_on(path: Path, reader: Database) -> None:
    other = opened(path)
    reader.close()
    reader.close()
    with pytest.raises(Exception, match="is closed"), reader.snapshot():
        pass
    assert numbers(other) == []
    other.close()


def test_without_locks_nothing_is_changed(reader: Database) -> None:
    with pytest.raises(Exception, match=r"numbers\.sqlite"), reader.change():
        pass


def test_locks_are_taken_up_as_soon_as_they_can_be_had(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Access, "_open_locked", lambda access: False)
        database = opened(path)
    with database.change():
        database.execute("INSERT INTO number VALUES (1)")
    assert numbers(database) == [1]
    database.close()


def test_closing_a_reader_without_locks_leaves_the_locks_of_this_process(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another process would take itself for the last one, and remove the log under us."""
    locked = opened(path)
    with locked.change():
        locked.execute("INSERT INTO number VALUES (1)")
    with monkeypatch.context() as patch:
        patch.setattr(Access, "_open_locked", lambda access: False)
        for _ in range(2):  # the second reads a private copy, as there is a log
            reader = opened(path)
            assert numbers(reader) == [1]
            reader.close()
    insert = f"import sqlite3; c = sqlite3.connect({str(path)!r}); c.execute('INSERT INTO number "
    code = f"{insert}VALUES (2)'); c.commit(); c.close()"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert Path(f"{path}{LOG}").exists()
    assert numbers(locked) == [1, 2]
    locked.close()


def test_a_user_who_may_not_write_is_refused(path: Path) -> None:
    database = opened(path)
    database.writable = False
    with pytest.raises(ReadOnlyError), database.change():
        pass
    database.close()
