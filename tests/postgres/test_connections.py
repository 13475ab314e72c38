"""Connections that are lost, in every phase, and writers that wait for each other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from index.errors import BusyError, StoreError, UnreachableError
from index.gallery import Gallery
from tests.eventually import eventually
from tests.postgres_server import Server

ONE = np.eye(2, dtype=np.float32)
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'owner'"


@pytest.fixture
def gallery(postgres: Server):
    """A cat and a dog."""
    with Gallery.create(postgres.url("pets"), dim=2, fingerprint="3f9a1c") as gallery:
        gallery.add(["a", "b"], ONE, ["cat", "dog"])
        yield gallery


class Cut:
    """The driver's connection, cut off before or after it sends COMMIT for a change."""

    def __init__(self, raw: Any, *, stored: bool, then: Callable[[], object]) -> None:
        self._raw, self._stored, self._then = raw, stored, then

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def execute(self, statement: str, *values: Any, **options: Any) -> Any:
        import psycopg

        if statement != "COMMIT":
            return self._raw.execute(statement, *values, **options)
        if self._stored:
            self._raw.execute(statement)
        self._raw.close()
        self._then()
        raise psycopg.OperationalError("server closed the connection unexpectedly")


def cut_at_commit(
    gallery: Gallery, *, stored: bool, then: Callable[[], object] = lambda: None
) -> None:
    """Let the next COMMIT be cut off."""
    with gallery._store.changing() as writer:
        connection: Any = writer._database
        connection._raw = Cut(connection._raw, stored=stored, then=then)


def test_a_connection_that_was_lost_between_two_calls_is_made_again(gallery, postgres):
    postgres.sql(END_ALL)
    assert len(gallery) == 2
    postgres.sql(END_ALL)
    gallery.add(["c"], ONE[:1], ["cat"])
    assert gallery.search(ONE[:1], 1).ids.tolist() == [["a"]]


def test_a_connection_that_is_lost_in_a_snapshot_ends_in_one_sentence(gallery, postgres):
    lost = r"The connection to 'postgresql://owner@.*#pets' was lost: .*\. Try again\."

    with gallery.snapshot():
        gallery.get("a")
        postgres.sql(END_ALL)
        for _ in range(2):
            with pytest.raises(UnreachableError, match=lost):
                gallery.get("a")
    assert gallery.get("a").label == "cat"


def test_a_connection_that_is_lost_in_a_change_leaves_everything_as_it_was(gallery, postgres):
    def end(old: object) -> list[str]:
        postgres.sql(END_ALL)
        return ["c"]

    with pytest.raises(UnreachableError, match=r"was lost: .*\. Nothing was changed\. Try again\."):
        gallery.add(["c"], ONE[:1], ["cat"], choose=end)
    assert gallery.generation == 1
    gallery.add(["c"], ONE[:1], ["cat"])
    assert len(gallery) == 3


@pytest.mark.parametrize("stored", [False, True])
def test_a_connection_that_is_lost_at_commit_is_asked_what_became_of_it(gallery, stored):
    cut_at_commit(gallery, stored=stored)
    if stored:
        gallery.add(["c"], ONE[:1], ["cat"])  # it was acknowledged after all
    else:
        with pytest.raises(UnreachableError, match="Nothing was changed"):
            gallery.add(["c"], ONE[:1], ["cat"])
    assert ("c" in gallery) == stored
    assert gallery.generation == 1 + stored
    gallery.add(["d"], ONE[:1], ["cat"])  # and it goes on
    gallery.verify()


def test_other_writers_between_the_loss_and_the_question_do_not_confuse_it(gallery, postgres):
    def others() -> None:
        with Gallery.open(postgres.url("pets")) as other:
            other.add(["x"], ONE[:1], ["cat"])
            other.remove(["x"])

    for id, stored in (("c", True), ("d", False)):
        cut_at_commit(gallery, stored=stored, then=others)
        if stored:
            gallery.add([id], ONE[:1], ["cat"])
        else:
            with pytest.raises(UnreachableError, match="Nothing was changed"):
                gallery.add([id], ONE[:1], ["cat"])
    assert sorted(gallery.ids()) == ["a", "b", "c"]
    assert gallery.search(ONE[:1], 3).ids.tolist() == [["a", "c", "b"]]


@pytest.mark.costly
def test_what_cannot_be_asked_is_said_to_be_unknown(postgres):
    with Gallery.create(postgres.url("pets"), dim=2, fingerprint="3f9a1c") as made:
        made.add(["a"], ONE[:1], ["cat"])
    gallery = Gallery.open(postgres.url("pets"), timeout=0.3)
    cut_at_commit(gallery, stored=True, then=postgres.kill)
    unknown = r"it is unknown whether it was stored: .*\. Look before you repeat it: likewise info"
    with pytest.raises(UnreachableError, match=unknown):
        gallery.add(["b"], ONE[:1], ["cat"])
    with pytest.raises(UnreachableError, match="Cannot connect to"):
        len(gallery)
    postgres.start()
    assert sorted(gallery.ids()) == ["a", "b"]
    gallery.close()


def test_two_writers_at_once_queue(postgres, gallery):
    """Two threads with a gallery each: every reference gets a slot of its own."""
    errors: list[BaseException] = []

    def write(name: str) -> None:
        try:
            with Gallery.open(postgres.url("pets"), timeout=60) as mine:
                for place in range(20):
                    mine.add([f"{name}{place}"], ONE[:1], ["cat"])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in "xy"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert (len(gallery), gallery.generation) == (42, 41)
    gallery.verify()


def test_a_writer_that_waits_too_long_says_so_and_readers_go_on(gallery, postgres):
    with Gallery.open(postgres.url("pets"), timeout=0.05) as other, gallery.unchanged():
        with pytest.raises(BusyError, match=r"did not finish within 0\.05 s: try again"):
            other.add(["c"], ONE[:1], ["cat"])
        assert len(other) == 2


def test_a_waiting_writer_goes_on_when_the_one_before_it_was_killed(gallery, postgres):
    """Its connection ends, and its lock with it."""
    waiting = threading.Thread(target=lambda: gallery.add(["c"], ONE[:1], ["cat"]))
    locked = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'owner'"
    first = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'one'"
    one = postgres.url("pets").replace("#", "?application_name=one#")
    other = Gallery.open(one)

    def hold() -> None:
        with other.unchanged():
            waiting.start()
            eventually(lambda: postgres.sql(locked))
            postgres.sql(first)
            waiting.join()

    with pytest.raises(StoreError, match="was lost"):
        hold()
    other.close()
    assert "c" in gallery


def test_a_session_keeps_nothing_on_the_server_between_two_calls(gallery, postgres):
    """So that pgbouncer may give each transaction another connection."""
    gallery.search(ONE, 1)
    idle = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'owner' AND state <> 'idle'"
    assert postgres.sql(idle) == [(0,)]
    for connection in (gallery._store._database, gallery._store._writer._database):
        held = connection._raw.execute(
            "SELECT (SELECT count(*) FROM pg_prepared_statements) + (SELECT count(*) FROM"
            " pg_cursors WHERE name <> '') + (SELECT count(*) FROM pg_locks WHERE locktype ="
            " 'advisory'), current_setting('search_path')"
        ).fetchone()
        assert held == (0, '"$user", public')
