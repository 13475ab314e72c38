"""The references in SQLite: transactions, the removal log, and altered files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.errors import BusyError, ReplacedError, StoreError
from index.references.local import Store
from index.references.rows import NewRow


def new(id: str, label: str = "x", *, picture: bytes | None = b"p") -> NewRow:
    return NewRow(id, label, id.encode(), '{"a": 1}', b"1234", picture)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Store.create(tmp_path / "references.sqlite")
    return tmp_path / "references.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store(path, timeout=0.05)
    yield store
    store.close()


def by_hand(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


def test_a_second_writer_gets_a_plain_error_when_waiting_does_not_help(
    store: Store, path: Path
) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(
        BusyError, match=r"Another process is changing '.*' and did not finish within 0\.05 s"
    ):
        store.add([new("a")])
    other.close()
    store.add([new("a")])  # and goes on when the other has finished


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM reference WHERE id = 'a'",
        "INSERT INTO reference SELECT 9, 'z', label, content, metadata, vector, picture_digest,"
        " checksum, picture FROM reference WHERE id = 'a'",
        "UPDATE state SET count = 1",
        "UPDATE state SET generation = generation + 1",
        "DELETE FROM state",
        "DROP INDEX reference_content",
        "DROP TABLE removal",
        "PRAGMA user_version = 2",
    ],
)
def test_what_another_hand_did_is_noticed_at_opening(path: Path, statement: str) -> None:
    store = Store(path)
    store.add([new("a"), new("b")])
    store.close()
    by_hand(path, statement)
    with pytest.raises(StoreError, match=r"references\.sqlite' was altered"):
        Store(path)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE reference SET label = 'y' WHERE id = 'a'",
        "UPDATE reference SET vector = x'00000000' WHERE id = 'a'",
        "UPDATE reference SET metadata = NULL WHERE id = 'a'",
        "UPDATE reference SET slot = 7 WHERE id = 'a'",
        "UPDATE reference SET checksum = 0 WHERE id = 'a'",
    ],
)
def test_a_changed_row_is_noticed_when_it_is_read(path: Path, statement: str) -> None:
    store = Store(path)
    store.add([new("a"), new("b")])
    store.close()
    by_hand(path, statement)
    store = Store(path)
    for read in (lambda: list(store.rows()), lambda: store.named(["a"]), store.verify):
        with pytest.raises(StoreError, match=r"references\.sqlite' was altered"):
            read()
    store.close()


def test_a_changed_picture_is_noticed_when_it_is_read(store: Store, path: Path) -> None:
    store.add([new("a")])
    by_hand(path, "UPDATE reference SET picture = x'00'")
    [row] = store.rows()  # reading the row alone does not read the picture
    with pytest.raises(StoreError, match="picture of 'a'"):
        store.picture(row)


def test_swapped_pictures_are_noticed(store: Store, path: Path) -> None:
    store.add([new("a", picture=b"p"), new("b", picture=b"q")])
    by_hand(path, "UPDATE reference SET picture = CASE id WHEN 'a' THEN x'71' ELSE x'70' END")
    with pytest.raises(StoreError, match="picture of 'a'"):
        store.verify()


def test_a_foreign_database_is_refused_by_name(tmp_path: Path) -> None:
    by_hand(tmp_path / "x.sqlite", "CREATE TABLE t (a)")
    with pytest.raises(StoreError, match=r"x\.sqlite"):
        Store(tmp_path / "x.sqlite")


@pytest.mark.parametrize("content", [b"", b"hello, this is no database" * 99])
def test_a_foreign_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.sqlite").write_bytes(content)
    with pytest.raises(StoreError, match=r"x\.sqlite"):
        Store(tmp_path / "x.sqlite")


def test_a_file_that_was_moved_away_is_neither_changed_nor_read_any_more(
    store: Store, path: Path
) -> None:
    path.rename(path.with_name("elsewhere.sqlite"))
    for question in (lambda: store.remove(["a"]), store.state, store.another):
        with pytest.raises(ReplacedError, match="no longer the file that was opened"):
            question()


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"x\.sqlite', .* is missing"):
        Store(tmp_path / "x.sqlite")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_truncated_file_is_refused_by_name(path: Path, share: float) -> None:
    store = Store(path)
    store.add([new(str(i), picture=bytes(200)) for i in range(2000)])
    store.close()
    with open(path, "r+b") as file:
        file.truncate(int(path.stat().st_size * share))
    with pytest.raises(StoreError, match=r"references\.sqlite"):
        Store(path).verify()
