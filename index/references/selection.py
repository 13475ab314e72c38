"""Rows by slot, id or content, each verified by its checksum; the caller holds the snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from index.references.connection import Connection
from index.references.rows import Row, picture_digest
from index.references.schema import COLUMNS


def rows_after(database: Connection, slot: int) -> Iterator[Row]:
    """Every row whose slot is beyond `slot`, in the order of slots.

    Args:
        database: The references.
        slot: The last slot that is left out.
    """
    query = f"SELECT {COLUMNS} FROM reference WHERE slot > ? ORDER BY slot"
    return _verified(database, database.stream(query, (slot,)))


def rows_between(database: Connection, slot: int, last: int) -> list[Row]:
    """The rows of a short span of slots, in order, all read at once.

    Args:
        database: The references.
        slot: The last slot before the span.
        last: Its last slot.
    """
    query = f"SELECT {COLUMNS} FROM reference WHERE slot > ? AND slot <= ? ORDER BY slot"
    return list(_verified(database, database.execute(query, (slot, last))))


def whole_rows(database: Connection, slot: int = 0) -> Iterator[tuple[Row, bytes | None]]:
    """Every row beyond `slot` with its encoded picture, both verified, in the order of slots.

    Args:
        database: The references.
        slot: The last slot that is left out.

    Raises:
        StoreError: If one is altered.
    """
    query = f"SELECT {COLUMNS}, picture FROM reference WHERE slot > ? ORDER BY slot"
    for *fields, picture in database.stream(query, (slot,)):
        [row] = _verified(database, [tuple(fields)])
        if (None if picture is None else picture_digest(picture)) != row.picture_digest:
            raise database.altered(f"the picture of '{row.id}' does not match its checksum")
        yield row, picture


def places(database: Connection) -> Iterator[tuple[int, int]]:
    """Slot and checksum of every row, in the order of slots, without verifying the rows.

    Args:
        database: The references.
    """
    yield from database.stream("SELECT slot, checksum FROM reference ORDER BY slot")


def rows_at(database: Connection, slots: Sequence[int]) -> list[Row]:
    """The rows at these distinct slots, in no order.

    Args:
        database: The references.
        slots: Distinct slots.

    Raises:
        StoreError: If a row is missing or altered.
    """
    rows = rows_left_at(database, slots)
    if len(rows) != len(slots):
        raise database.altered("a row is missing")
    return rows


def rows_left_at(database: Connection, slots: Sequence[int]) -> list[Row]:
    """Those rows that are still at these distinct slots, in no order.

    Args:
        database: The references.
        slots: Distinct slots.

    Raises:
        StoreError: If a row is altered.
    """
    query = f"SELECT {COLUMNS} FROM reference WHERE slot IN ?"
    return list(_verified(database, database.rows_with(query, slots)))


def rows_with_ids(
    database: Connection, ids: Sequence[str], absent: Callable[[list[str]], bool]
) -> list[Row]:
    """The rows with these ids, in no order.

    Before an absence is reported, it is proven: by `absent`, or by verifying the file, once.

    Args:
        database: The references.
        ids: The names.
        absent: Decides whether ids are proven to be absent.
    """
    unique = list(dict.fromkeys(ids))
    rows = list(_chosen(database, "id", unique))
    if len(rows) < len(unique) and not database.proven_sound:
        found = {row.id for row in rows}
        if not absent([id for id in unique if id not in found]):
            database.prove_sound()
    return rows


def rows_with_contents(database: Connection, contents: Sequence[bytes]) -> list[Row]:
    """The rows with these contents, in no order.

    Args:
        database: The references.
        contents: Hashes of pictures.
    """
    return list(_chosen(database, "content", contents))


def picture_of(database: Connection, row: Row) -> bytes | None:
    """The encoded picture of a row, verified.

    Args:
        database: The references.
        row: A row of it.

    Raises:
        StoreError: If it is missing or altered.
    """
    if row.picture_digest is None:
        return None
    query = "SELECT picture FROM reference WHERE slot = ?"
    stored = database.execute(query, (row.slot,)).fetchone()
    picture = stored[0] if stored else None
    if not isinstance(picture, bytes) or picture_digest(picture) != row.picture_digest:
        raise database.altered(f"the picture of '{row.id}' does not match its checksum")
    return picture


def _chosen(
    database: Connection, column: str, values: Sequence[str] | Sequence[bytes]
) -> Iterator[Row]:
    query = f"SELECT {COLUMNS} FROM reference WHERE {column} IN ?"
    return _verified(database, database.rows_with(query, values))


def _verified(database: Connection, fetched: Iterable[tuple[object, ...]]) -> Iterator[Row]:
    for row in map(Row._make, fetched):
        if not row.intact():
            raise database.altered(f"row {row.slot} does not match its checksum")
        yield row


def labels(database: Connection, most: int | None = None, slot: int = 0) -> list[str]:
    """Different labels of groups, without verifying the rows.

    Args:
        database: The references.
        most: How many at most; None for all.
        slot: The last slot that is left out.
    """
    limit = "" if most is None else f" LIMIT {most:d}"
    after = f"slot > {slot:d} AND " if slot else ""  # else read from the index of labels alone
    query = f"SELECT DISTINCT label FROM reference WHERE {after}label <> ''{limit}"
    return [label for (label,) in database.execute(query)]


def count_unlabelled(database: Connection) -> int:
    """Count the references without a group, without verifying the rows."""
    [(count,)] = database.execute("SELECT count(*) FROM reference WHERE label = ''")
    return int(count)
