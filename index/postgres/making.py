"""Make and remove galleries in PostgreSQL, each in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from index.address import Address
from index.errors import BusyError, GalleryError, UnreachableError
from index.postgres.connection import DURABLE, PostgresConnection
from index.postgres.driver import psycopg
from index.postgres.failures import named, said
from index.postgres.schema import FORMAT, TABLES, schema_of
from index.postgres.session import Session
from index.postgres.store import keep_files
from index.references.state import first_statement
from index.storage.directory import MODEL
from index.storage.files import sealed_text


def create(
    address: Address,
    fields: Mapping[str, Any],
    files: Mapping[str, bytes],
    shown: Address | None = None,
) -> None:
    """Make an empty gallery, in one transaction.

    Args:
        address: The database, and the gallery's name in it.
        fields: Its manifest.
        files: Its model, and evidence of calibrations, by name.
        shown: What messages call it, where that is another address.

    Raises:
        GalleryError: If there is one of this name, or this role may not make schemas.
        ValueError: If the manifest is not plain JSON.
    """
    text = sealed_text("manifest", fields)
    told = shown or address
    with _session(address) as session, named(told, done="made"), _refusals_named(told):
        schema = schema_of(address.name)
        session.begin(f"BEGIN; {DURABLE}; CREATE SCHEMA {schema}")
        try:
            session.execute(f"SET LOCAL search_path = {schema}, pg_catalog, pg_temp")
            for statement in (*TABLES, first_statement("'\\x{}'")):
                session.execute(statement)
            session.execute("INSERT INTO format VALUES (1, ?, ?)", (FORMAT, str(uuid.uuid4())))
            session.execute("INSERT INTO manifest VALUES (1, 1, ?)", (text,))
            keep_files(session, files)
            session.execute("COMMIT")
        finally:
            session.end()


def begun(address: Address, fields: Mapping[str, Any], timeout: float) -> Address:
    """Make the place where a copy of a gallery grows, or take over the one that is there.

    Args:
        address: The gallery that it will be.
        fields: Its manifest.
        timeout: Seconds to wait for another writer.

    Returns:
        The place. Whoever made it before can no longer write to it.

    Raises:
        GalleryError: If this role may not make schemas.
    """
    part = replace(address, name=f"{address.name}.part")  # a name that no user can give
    if not exists(part):
        create(part, fields, {}, shown=address)
        return part
    try:
        connection = PostgresConnection(part, timeout)
        try:
            with connection.change():
                connection.execute("UPDATE format SET gallery = ?", (str(uuid.uuid4()),))
        finally:
            connection.close()
    except (BusyError, UnreachableError):
        raise
    except GalleryError as error:
        raise GalleryError(
            f"A copy to '{address}' was cut off, and what there is of it belongs to another role: "
            f"let that role go on with it, or drop the schema {schema_of(part.name)}."
        ) from error
    return part


def rename(session: Session, address: Address, to: Address) -> None:
    """Give a gallery another name, within a change.

    Args:
        session: Within the change.
        address: The gallery.
        to: The same database, and the new name.

    Raises:
        GalleryError: If there is one of this name, or this role may not make schemas.
    """
    with _refusals_named(to):
        schemas = f"{schema_of(address.name)} RENAME TO {schema_of(to.name)}"
        session.execute(f"ALTER SCHEMA {schemas}")


def taken(address: Address) -> GalleryError:
    """The refusal to make a gallery where there is one."""
    return GalleryError(
        f"'{address}' exists already: add to it, choose another name, or remove it first."
    )


def exists(address: Address) -> bool:
    """Whether there is a gallery of this name.

    Raises:
        UnreachableError: If the server does not let us in.
    """
    with _session(address) as session, named(address, done="read"):
        asked = "SELECT to_regnamespace(?) IS NOT NULL"
        return bool(session.execute(asked, (schema_of(address.name),)).fetchone()[0])


def drop(address: Address) -> None:
    """Remove a gallery from its database; one that cannot be removed is left."""
    with suppress(GalleryError), _session(address) as session, named(address, done="removed"):
        session.execute(f"DROP SCHEMA IF EXISTS {schema_of(address.name)} CASCADE")


def model_files(model: Path) -> dict[str, bytes]:
    """Content of each file of a model, by the name that it has in a gallery.

    Args:
        model: The model's directory; there is none where a gallery has no model.
    """
    paths = sorted(path for path in model.rglob("*") if path.is_file())
    return {f"{MODEL}/{path.relative_to(model).as_posix()}": path.read_bytes() for path in paths}


# ------------------------------------------------------------ inside


@contextmanager
def _session(address: Address) -> Iterator[Session]:
    """A session for the block."""
    session = Session(address)
    try:
        yield session
    finally:
        session.close()


@contextmanager
def _refusals_named(address: Address) -> Iterator[None]:
    """Say why a gallery cannot be made."""
    driver = psycopg()
    try:
        yield
    except (driver.errors.DuplicateSchema, driver.errors.UniqueViolation) as error:
        raise taken(address) from error
    except driver.errors.InsufficientPrivilege as error:
        raise GalleryError(
            f"'{address}' cannot be made: {said(address, error)}. The role needs the right CREATE "
            "on the database."
        ) from error
