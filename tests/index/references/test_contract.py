"""What holds for every store of references, in SQLite and in PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.address import Address, cache_folder
from index.errors import BusyError, GalleryError, StoreError
from index.postgres.connection import PostgresConnection
from index.postgres.making import create, drop
from index.postgres.seen import Seen
from index.postgres.store import PostgresStore
from index.references import changes
from index.references.contract import ReferenceStore
from index.references.local import Store
from index.references.rows import NewRow
from index.storage.directory import first_manifest


class Engine(Protocol):
    """One store, opened as often as a test likes."""

    hex: str

    def create(self) -> None: ...
    def open(self) -> ReferenceStore: ...
    def by_hand(self, statement: str) -> None: ...


class InSqlite:
    hex = "x'{}'"

    def __init__(self, path: Path) -> None:
        self.path = path / "references.sqlite"

    def create(self) -> None:
        for left in self.path.parent.glob("references.*"):
            left.unlink()
        Store.create(self.path)

    def open(self) -> ReferenceStore:
        return Store(self.path, timeout=0.05)

    def by_hand(self, statement: str) -> None:
        connection = sqlite3.connect(self.path)
        with connection:
            connection.execute(statement)
        connection.close()


class InPostgres:
    hex = "'\\x{}'"

    def __init__(self, server: Any) -> None:
        self._server = server
        self.address = Address.of(server.url("shoes"))

    def create(self) -> None:
        drop(self.address)
        create(self.address, first_manifest(1, "3f9a1c", {}), {})

    def open(self) -> ReferenceStore:
        connection = PostgresConnection(self.address, timeout=0.05)
        place = cache_folder() / str(connection.gallery)
        place.mkdir(parents=True, exist_ok=True)
        try:
            return PostgresStore(connection, Seen(place / "references.sqlite"))
        except BaseException:
            connection.close()
            raise

    def by_hand(self, statement: str) -> None:
        self._server.sql(f"SET search_path = likewise_shoes; {statement}")


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    engine: Engine = (
        InSqlite(tmp_path)
        if request.param == "sqlite"
        else InPostgres(request.getfixturevalue("postgres"))
    )
    engine.create()
    return engine


@pytest.fixture
def store(engine: Engine) -> Iterator[ReferenceStore]:
    store = engine.open()
    yield store
    store.close()


def new(id: str, label: str = "x", *, picture: bytes | None = b"p") -> NewRow:
    return NewRow(id, label, id.encode(), '{"a": 1}', b"1234", picture)


def test_rows_come_back_in_the_order_of_slots(store: ReferenceStore) -> None:
    store.add([new("b"), new("a")])
    store.add([new("c")])
    assert [(row.slot, row.id) for row in store.rows()] == [(1, "b"), (2, "a"), (3, "c")]


def test_a_replaced_id_gets_a_new_slot_and_leaves_a_removal(store: ReferenceStore) -> None:
    store.add([new("a"), new("b")])
    change = store.add([new("a", "y")])
    assert (change.removed, list(change.added)) == ([1], [3])
    assert [slot for slot, _ in store.removals(after=0) or []] == [1]
    assert [(row.slot, row.label) for row in store.rows()] == [(2, "x"), (3, "y")]


def test_a_slot_is_never_used_twice(store: ReferenceStore) -> None:
    store.add([new("a")])
    store.remove(["a"])
    assert list(store.add([new("a")]).added) == [2]


def test_removing_what_is_not_there_changes_nothing(store: ReferenceStore) -> None:
    store.add([new("a")])
    change = store.remove(["b", "c\0"])
    assert change.before == change.after == store.state()


def test_every_change_grows_the_generation(store: ReferenceStore) -> None:
    generations = [store.state().generation]
    for change in (store.add([new("a")]), store.add([new("a")]), store.remove(["a"])):
        generations.append(change.after.generation)
    assert generations == [0, 1, 2, 3]


def test_a_failed_change_leaves_nothing(store: ReferenceStore) -> None:
    before = store.state()
    with pytest.raises(StoreError):
        store.add([new("a"), new("a")])  # the caller's duty is to give an id once
    assert store.state() == before
    assert list(store.rows()) == []


def test_what_the_caller_raises_within_a_change_leaves_nothing(store: ReferenceStore) -> None:
    def refuse(old: object) -> list[str]:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.add([new("a")], refuse)
    assert store.state().generation == 0
    assert store.add([new("a")]).after.count == 1  # and it goes on


def test_the_caller_chooses_by_what_is_stored(store: ReferenceStore) -> None:
    store.add([new("a", "old")])
    store.add([new("a"), new("b")], lambda old: {"a", "b"} - {row.id for row in old})
    assert {row.id: row.label for row in store.rows()} == {"a": "old", "b": "x"}


def test_a_removal_log_that_was_cut_says_so(
    store: ReferenceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MIN_KEPT", 2)
    store.add([new(id) for id in "abcde"])
    for id in "abcde":
        store.remove([id])
    assert store.removals(after=0) is None
    assert [slot for slot, _ in store.removals(after=3) or []] == [4, 5]


def test_a_snapshot_does_not_see_what_is_written_meanwhile(
    store: ReferenceStore, engine: Engine
) -> None:
    writer = engine.open()
    with store.reading() as state:
        writer.add([new("a")])
        assert store.state() == state
        assert list(store.rows()) == []
    assert store.state().count == 1
    writer.close()


def test_a_snapshot_can_be_read_while_its_rows_are_passed(store: ReferenceStore) -> None:
    store.add([new(f"{i:05}", picture=str(i).encode()) for i in range(5000)])
    with store.reading():
        pictures = [store.picture(row) for row in store.rows()]
    assert pictures == [str(i).encode() for i in range(5000)]


def test_rows_are_found_by_id_content_and_slot(store: ReferenceStore) -> None:
    store.add([new("a"), new("b"), new("c")])
    assert {row.id for row in store.named(["a", "c", "z"])} == {"a", "c"}
    assert {row.id for row in store.with_contents([b"b", b"z"])} == {"b"}
    assert {row.id for row in store.at([1, 3])} == {"a", "c"}
    assert {row.id for row in store.left_at([3, 9])} == {"c"}
    assert store.named([]) == store.at([]) == store.with_contents([]) == []
    with pytest.raises(StoreError, match="a row is missing"):
        store.at([9])


def test_labels_are_listed_once_and_those_without_a_group_are_counted(
    store: ReferenceStore,
) -> None:
    store.add([new("a", "cat"), new("b", "cat"), new("c", "dog"), new("d", "")])
    assert sorted(store.labels()) == ["cat", "dog"]
    assert len(store.labels(1)) == 1
    assert store.count_unlabelled() == 1


def test_a_change_inside_a_snapshot_is_refused(store: ReferenceStore) -> None:
    refused = pytest.raises(GalleryError, match="cannot be changed inside a snapshot")
    with store.reading(), refused, store.changing():
        pass


def test_a_second_writer_gets_a_plain_error_when_waiting_does_not_help(
    store: ReferenceStore, engine: Engine
) -> None:
    other = engine.open()
    busy = r"Another process is changing '.*' and did not finish within 0\.05 s"
    with other.writing(), pytest.raises(BusyError, match=busy):
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
    ],
)
def test_what_another_hand_did_is_noticed_at_opening(engine: Engine, statement: str) -> None:
    store = engine.open()
    store.add([new("a"), new("b")])
    store.close()
    engine.by_hand(statement)
    with pytest.raises(StoreError, match="was altered"):
        engine.open()


@pytest.mark.parametrize(
    "change",
    ["label = 'y'", "vector = {}", "metadata = NULL", "slot = 7", "checksum = 0"],
)
def test_a_changed_row_is_noticed_when_it_is_read(engine: Engine, change: str) -> None:
    store = engine.open()
    store.add([new("a"), new("b")])
    store.close()
    wrong = change.format(engine.hex.format("00000000"))
    engine.by_hand(f"UPDATE reference SET {wrong} WHERE id = 'a'")
    store = engine.open()
    reads: list[Callable[[], object]] = [
        lambda: list(store.rows()),
        lambda: store.named(["a"]),
        store.verify,
    ]
    for read in reads:
        with pytest.raises(StoreError, match="was altered"):
            read()
    store.close()


def test_a_changed_picture_is_noticed_when_it_is_read(
    store: ReferenceStore, engine: Engine
) -> None:
    store.add([new("a")])
    engine.by_hand(f"UPDATE reference SET picture = {engine.hex.format('00')}")
    [row] = store.rows()  # reading the row alone does not read the picture
    with pytest.raises(StoreError, match="picture of 'a'"):
        store.picture(row)
    with pytest.raises(StoreError, match="picture of 'a'"):
        list(store.whole_rows())


def test_a_closed_store_says_so(engine: Engine) -> None:
    store = engine.open()
    store.close()
    store.close()  # a second call does nothing
    with pytest.raises(StoreError, match="is closed: open the gallery again"):
        store.state()


def test_a_copy_is_the_same_to_the_bit(store: ReferenceStore, tmp_path: Path) -> None:
    store.add([new(id) for id in "abc"])
    store.remove(["b"])
    with store.reading():
        Store.copy_of(store, tmp_path / "copy.sqlite", lambda done: None)
    copy = Store(tmp_path / "copy.sqlite")
    assert (copy.state(), copy.removals(0)) == (store.state(), store.removals(0))
    assert list(copy.whole_rows()) == list(store.whole_rows())
    copy.close()


IDS = st.sampled_from(["a", "b", "ä", "A", "a ", "_", "%", "\U0001f45f"])
STEPS = st.lists(st.tuples(st.booleans(), st.lists(IDS, unique=True, max_size=4)), max_size=8)


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(steps=STEPS)
def test_any_changes_leave_what_a_dictionary_would_hold(
    engine: Engine, steps: list[tuple[bool, list[str]]]
) -> None:
    engine.create()
    store, held, slot = engine.open(), dict[str, int](), 0
    for adds, ids in steps:
        if adds:
            store.add([new(id) for id in ids])
            for id in ids:
                slot += 1
                held.pop(id, None)
                held[id] = slot
        else:
            store.remove(ids)
            for id in ids:
                held.pop(id, None)
    assert {row.id: row.slot for row in store.rows()} == held
    store.verify()
    store.close()
