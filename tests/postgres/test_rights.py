"""Roles, passwords, names and formats: who may do what, and what is said to the others."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from typing import Any

import numpy as np
import pytest

from index.address import Address, place_of
from index.errors import GalleryError, ReadOnlyError, StoreError, UnreachableError
from index.gallery import Gallery
from index.postgres import connection, driver
from index.postgres.making import exists
from tests.postgres_server import PASSWORD, Server

ONE = np.eye(2, dtype=np.float32)
READER = (
    "GRANT USAGE ON SCHEMA likewise_pets TO reader;"
    "GRANT SELECT ON ALL TABLES IN SCHEMA likewise_pets TO reader"
)
WRITER = "GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA likewise_pets TO reader"


@pytest.fixture
def pets(postgres: Server) -> Server:
    """A server with a cat and a dog."""
    with Gallery.create(postgres.url("pets"), dim=2, fingerprint="3f9a1c") as gallery:
        gallery.add(["a", "b"], ONE, ["cat", "dog"])
    return postgres


def test_a_reader_reads_and_cannot_write(pets):
    pets.sql(READER)
    with Gallery.open(pets.url("pets", "reader")) as gallery:
        assert gallery.search(ONE[:1], 1).ids.tolist() == [["a"]]
        assert gallery.path.joinpath("vectors.json").exists() or len(gallery) == 2
        for change in (
            lambda: gallery.add(["c"], ONE[:1], ["cat"]),
            lambda: gallery.remove(["a"]),
            lambda: gallery.note("x", "y"),
        ):
            with pytest.raises(ReadOnlyError, match=r"Cannot change '.*': this role may only read"):
                change()
        assert len(gallery) == 2


def test_a_reader_cannot_stop_writers(pets):
    """The lock is on a row that it may not change."""
    pets.sql(READER)
    with Gallery.open(pets.url("pets", "reader")) as gallery:
        connection: Any = gallery._store._database
        connection.writable = True  # what the server says counts
        with pytest.raises(ReadOnlyError, match="permission denied"), gallery._store.writing():
            pass


def test_a_writer_needs_no_more_than_rows(pets):
    pets.sql(f"{READER}; {WRITER}")
    with Gallery.open(pets.url("pets", "reader")) as gallery:
        gallery.add(["c"], ONE[:1], ["cat"])
        gallery.remove(["a"])
        gallery.note("x", "y")
    with Gallery.open(pets.url("pets")) as gallery:
        assert sorted(gallery.ids()) == ["b", "c"]


def test_rights_that_were_granted_later_count_at_once(pets):
    pets.sql(READER)
    with Gallery.open(pets.url("pets", "reader")) as gallery:
        with pytest.raises(ReadOnlyError):
            gallery.remove(["a"])
        pets.sql(WRITER)
        gallery.remove(["a"])
        assert list(gallery.ids()) == ["b"]


def test_a_role_without_rights_is_told_so(pets):
    with pytest.raises(GalleryError, match="or this role may not see it"):
        Gallery.open(pets.url("pets", "reader"))
    with pytest.raises(GalleryError, match="The role needs the right CREATE on the database"):
        Gallery.create(pets.url("mine", "reader"), dim=2, fingerprint="3f9a1c")


def test_a_server_that_only_reads_is_told_apart(pets):
    options = "?options=-c%20default_transaction_read_only%3Don"
    with Gallery.open(pets.url("pets").replace("#", f"{options}#")) as gallery:
        assert len(gallery) == 2
        with pytest.raises(ReadOnlyError, match="or this server is a standby"):
            gallery.add(["c"], ONE[:1], ["cat"])


SECRETS = ["wr0ng", "wr0ng%23pass%40word", "wr0ng:pass", "wr0ng#x"]


@pytest.mark.parametrize("secret", SECRETS)
def test_no_error_shows_a_password(pets, secret, caplog):
    caplog.set_level(logging.DEBUG)
    addresses = [
        pets.url("pets", password=secret),
        pets.url("pets", password=secret).replace(str(pets.port), "1"),
        pets.url("pets", password=secret).replace("owner", "nobody"),
        pets.url("pets", password=secret).replace("/postgres", "/nowhere"),
        pets.url("pets", password=secret).replace("#pets", "?sslmode=strange#pets"),
        pets.url("pets", password=secret).replace("#pets", "?colour=red#pets"),
        pets.url("pets", password=secret).removesuffix("#pets"),
        pets.url("Pets!", password=secret),
        f"postgresql://127.0.0.1:{pets.port}/postgres?user=owner&password={secret}#pets",
    ]
    for address in addresses:
        with pytest.raises(GalleryError) as caught:
            Gallery.open(address)
        shown = "".join(traceback.format_exception(caught.value)) + caplog.text
        without_source = re.sub(r"(?m)^    .*$", "", shown)
        assert "wr0ng" not in without_source, address
        assert "\n" not in str(caught.value)


def test_a_password_is_in_no_text_and_in_no_file(pets, monkeypatch, tmp_path):
    monkeypatch.delenv("PGPASSWORD")
    secret = PASSWORD.replace("/", "%2F").replace(":", "%3A").replace("@", "%40")
    address = pets.url("pets", password=secret)
    with Gallery.open(address) as gallery:
        gallery.add(["c"], ONE[:1], ["cat"])
        shown = [str(gallery.place), repr(gallery.place), gallery.identity, repr(vars(gallery))]
        files = [path.read_bytes() for path in gallery.path.rglob("*") if path.is_file()]
        paths = [str(path) for path in gallery.path.rglob("*")]
    assert files
    for text in (*shown, *paths, *map(repr, files)):
        assert "s3cret" not in text
    environment = Address.of(address).environment()
    assert environment == {"PGPASSWORD": PASSWORD}


def test_the_passwords_of_a_file_are_libpqs(pets, monkeypatch, tmp_path):
    kept = tmp_path / "pgpass"
    secret = PASSWORD.replace(":", "\\:")
    kept.write_text(f"127.0.0.1:{pets.port}:postgres:owner:{secret}\n")
    kept.chmod(0o600)
    monkeypatch.delenv("PGPASSWORD")
    monkeypatch.setenv("PGPASSFILE", str(kept))
    with Gallery.open(pets.url("pets")) as gallery:
        assert len(gallery) == 2


def test_a_server_without_tls_is_refused_where_the_address_asks_for_it(pets):
    with pytest.raises(UnreachableError, match="SSL"):
        Gallery.open(pets.url("pets").replace("#", "?sslmode=require#"))


@pytest.mark.parametrize(
    "address",
    [
        *("postgresql://h/db", "postgresql://h/db#", "postgresql://h/db#A", "postgres://h/db#a.b"),
        *("postgresql://h/db#" + "a" * 49, "postgresql:/h/db#ä", 'postgresql://h/db#a"b'),
    ],
)
def test_a_name_that_cannot_be_is_refused(address):
    with pytest.raises(GalleryError, match=r"ends in # and its name: .* as in postgresql://host"):
        place_of(address)


def test_an_address_is_read_however_a_path_library_spelled_it():
    for text in ("postgresql://h/db#a", "postgresql:/h/db#a", "postgres://h/db#a"):
        assert str(place_of(text)) == "postgresql://h/db#a"


def test_galleries_with_any_allowed_name_lie_side_by_side(pets):
    names = ["a", "0", "a-b", "a_b", "select", "x" * 48]
    for name in names:
        Gallery.create(pets.url(name), dim=2, fingerprint="3f9a1c").close()
    assert all(exists(Address.of(pets.url(name))) for name in [*names, "pets"])
    assert not exists(Address.of(pets.url("ab")))


def test_a_newer_format_is_refused_by_name(pets):
    pets.sql("UPDATE likewise_pets.format SET version = 2")
    with pytest.raises(StoreError, match="is of format 2, but this version reads format 1"):
        Gallery.open(pets.url("pets"))


def test_an_older_format_is_brought_to_ours_by_who_may(pets, monkeypatch):
    pets.sql(READER)
    monkeypatch.setattr(connection, "FORMAT", 3)
    steps = {1: ("CREATE TABLE extra (a integer)",), 2: ("INSERT INTO extra VALUES (7)",)}
    monkeypatch.setattr(connection, "MIGRATIONS", steps)
    older = "is of format 1, older than this version's 3: open it once with a role that may"
    with pytest.raises(StoreError, match=older):
        Gallery.open(pets.url("pets", "reader"))
    for _ in range(2):  # the second time there is nothing left to do
        with Gallery.open(pets.url("pets")) as gallery:
            assert len(gallery) == 2
    assert pets.sql("SELECT a FROM likewise_pets.extra") == [(7,)]
    assert pets.sql("SELECT version FROM likewise_pets.format") == [(3,)]


def test_a_migration_that_fails_changes_nothing(pets, monkeypatch):
    monkeypatch.setattr(connection, "FORMAT", 2)
    steps = {1: ("CREATE TABLE extra (a integer)", "SELECT 1/0")}
    monkeypatch.setattr(connection, "MIGRATIONS", steps)
    with pytest.raises(StoreError, match="division by zero"):
        Gallery.open(pets.url("pets"))
    assert pets.sql("SELECT version FROM likewise_pets.format") == [(1,)]
    assert pets.sql("SELECT to_regclass('likewise_pets.extra')") == [(None,)]


def test_a_missing_driver_is_named_with_what_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(GalleryError, match=r"pip install 'likewise\[postgres\]'"):
        driver.psycopg()
    with pytest.raises(GalleryError, match=r"pip install 'likewise\[postgres\]'"):
        Gallery.open("postgresql://h/db#a")


def test_a_gallery_in_a_directory_needs_no_driver(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with Gallery.create(tmp_path / "g", dim=2, fingerprint="3f9a1c") as gallery:
        assert len(gallery) == 0
