"""A connection to the server that is made again when it was lost, and that knows no tables.

It keeps nothing on the server between two transactions, no prepared statements and no settings, so
it works behind pgbouncer's transaction pooling.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from index.address import Address
from index.errors import GalleryError, StoreError
from index.postgres.driver import psycopg
from index.postgres.failures import unreachable
from index.postgres.schema import TYPES

_FETCHED = 4096  # rows at a time
# What an address may set otherwise. A peer that falls silent is noticed within a minute.
_DEFAULTS = {
    "connect_timeout": "10",
    "application_name": "likewise",
    "keepalives_idle": "20",
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": "40000",
}


class Session:
    """One connection.

    Args:
        address: The gallery; its password is passed on to libpq alone.

    Raises:
        UnreachableError: If the server does not let us in.
        GalleryError: If the driver is missing, or the address cannot be read.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._closed = False
        self._cursors = 0
        self._raw: Any = self._connected()

    def close(self) -> None:
        """Close it; a second call does nothing."""
        self._closed = True
        self._raw.close()

    def begin(self, statements: str) -> Any:
        """Begin a transaction, on a new connection where the old one was lost.

        Args:
            statements: `BEGIN …` and what follows it, separated by semicolons: one message.

        Returns:
            The last statement's cursor.
        """
        if self._closed:
            raise StoreError(f"'{self.address}' is closed: open the gallery again.")
        lost = self._raw.closed
        try:
            if not lost:
                self.end()  # of an earlier one that an interrupt cut off
                return self._last(statements)
        except psycopg().OperationalError:
            if not self._raw.closed:
                raise
        self.renew()
        return self._last(statements)

    def renew(self) -> None:
        """Connect again."""
        self._raw.close()
        self._raw = self._connected()

    def end(self) -> None:
        """Roll back what is under way; a lost connection has done so."""
        with contextlib.suppress(psycopg().Error):
            if self._raw.info.transaction_status != psycopg().pq.TransactionStatus.IDLE:
                self._raw.execute("ROLLBACK")

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """Run one statement.

        Args:
            statement: SQL, with a question mark for each value.
            values: The values.
        """
        return self._raw.execute(statement.replace("?", "%s"), values or None, binary=True)

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of values.

        Args:
            statement: SQL, with a question mark for each value.
            rows: Values of each run.
        """
        self._raw.cursor().executemany(statement.replace("?", "%s"), list(rows))

    def insert(self, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows by COPY.

        Args:
            table: Name of the table.
            columns: Names of its columns, separated by commas.
            rows: Values in that order.
        """
        copying = f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)"
        with self._raw.cursor().copy(copying) as copy:
            copy.set_types([TYPES[name.strip()] for name in columns.split(",")])
            for row in rows:
                copy.write_row(row)

    def stream(self, statement: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Run a statement of many rows, which are fetched some thousand at a time.

        Args:
            statement: SQL, with a question mark for each value.
            values: The values.
        """
        self._cursors += 1
        name = f"rows_{self._cursors}"  # ends with the transaction
        self.execute(f"DECLARE {name} NO SCROLL CURSOR FOR {statement}", values)
        while batch := self.execute(f"FETCH {_FETCHED} FROM {name}").fetchall():
            yield from batch
            if len(batch) < _FETCHED:
                return

    def rows_with(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run a statement for values of any number, in its `IN ?`.

        Args:
            statement: SQL.
            values: Numbers, texts or bytes. A text with a NUL, which no row can have, finds none.
        """
        wanted = [value for value in values if not (isinstance(value, str) and "\0" in value)]
        if not wanted:
            return []
        rows: list[tuple[Any, ...]] = self.execute(
            statement.replace("IN ?", "= ANY(?)"), (wanted,)
        ).fetchall()
        return rows

    def _last(self, statements: str) -> Any:
        """Run several statements in one message; returns the cursor at the last one's rows."""
        cursor = self._raw.execute(statements)
        while cursor.nextset():
            pass
        return cursor

    def _connected(self) -> Any:
        driver = psycopg()
        try:
            given = driver.conninfo.conninfo_to_dict(self.address.url)
        except driver.Error:  # its text may hold the password
            raise GalleryError(
                f"'{self.address}' is no address that PostgreSQL's library can read: see "
                "https://www.postgresql.org/docs/current/libpq-connect.html"
            ) from None
        try:
            return driver.connect(
                **_DEFAULTS | given | {"client_encoding": "utf8"},
                autocommit=True,
                prepare_threshold=None,
            )
        except driver.Error as error:
            raise unreachable(self.address, error) from error
