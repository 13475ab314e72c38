"""One connection to the tables of one gallery: snapshots, and changes of which the end is known.

A snapshot is a transaction of REPEATABLE READ, READ ONLY. A writer holds the lock of the state's
row from its first statement on: a reader's role cannot take it, and it goes with the transaction.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Self

from index.address import Address
from index.errors import BusyError, ReadOnlyError, ReplacedError, StoreError, UnreachableError
from index.postgres.driver import psycopg
from index.postgres.failures import failure, missing, named, said, unreachable
from index.postgres.schema import FORMAT, MIGRATIONS, schema_of
from index.postgres.session import Session

_AGAIN = 0.2  # seconds between two attempts to reach a server that is starting
# Never weaker than this; a server that waits for more, such as a standby's replay, goes on to.
DURABLE = (
    "SELECT set_config('synchronous_commit', 'on', true)"
    " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
)


class PostgresConnection(Session):
    """One connection; the contract `index.references.connection.Connection`.

    Args:
        address: The gallery.
        timeout: Seconds to wait for another writer, and for a lost server after a commit.

    Attributes:
        gallery: The gallery's own id, which another one of its name does not have.
        writable: Whether this role may change it on this server.
    """

    proven_sound = True  # the server answers for its indexes

    def __init__(self, address: Address, timeout: float) -> None:
        self.gallery: str | None = None
        self.writable = False
        self._done = "read"
        self._timeout = timeout
        self._schema = schema_of(address.name)
        super().__init__(address)
        try:
            self._look()
        except BaseException:
            self.close()
            raise

    def server(self) -> str:
        """What tells the database from others: replicas have it in common, a restored dump not."""
        try:
            found = self._raw.execute(
                "SELECT system_identifier || ' ' || current_database() FROM pg_control_system()"
            ).fetchone()
        except psycopg().errors.InsufficientPrivilege:  # only where an administrator says so
            return self.address.place
        return str(found[0])

    def another(self) -> Self:
        """Open a second connection."""
        other = type(self)(self.address, self._timeout)
        if other.gallery != self.gallery:
            other.close()
            raise self._replaced()
        return other

    def require_in_place(self) -> None:
        """Every transaction looks whether it is the same gallery, so nothing is left to do."""

    def prove_sound(self, *, again: bool = False) -> None:
        """The server answers for its pages and indexes."""

    def altered(self, problem: str) -> StoreError:
        """The error for tables that another hand altered."""
        return StoreError(
            f"'{self.address}' was altered: {problem}. Restore it from a backup, or build the "
            "gallery again."
        )

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """Run one statement; its failure is ours at once, for those who catch it in the block.

        Args:
            statement: SQL, with a question mark for each value.
            values: The values.
        """
        with named(self.address, done=self._done):
            return super().execute(statement, values)

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of values.

        Args:
            statement: SQL, with a question mark for each value.
            rows: Values of each run.
        """
        with named(self.address, done=self._done):
            super().execute_many(statement, rows)

    def insert(self, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows by COPY.

        Args:
            table: Name of the table.
            columns: Names of its columns, separated by commas.
            rows: Values in that order.
        """
        with named(self.address, done=self._done):
            super().insert(table, columns, rows)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads in the block see the same transactions.

        Raises:
            ReplacedError: If the gallery was removed, or another one has its name.
            UnreachableError: If the connection is lost within the block.
        """
        self._done = "read"
        with named(self.address, done=self._done):
            try:
                self._begin("REPEATABLE READ, READ ONLY", "")
                yield
            finally:
                self.end()

    @contextmanager
    def change(self) -> Iterator[None]:
        """Become the only writer; the block is committed completely or not at all.

        Raises:
            ReadOnlyError: If this role may not change the gallery, or the server only reads.
            BusyError: If another writer does not finish in time.
            UnreachableError: If the connection is lost; it says whether the change was stored.
        """
        if not self.writable and not self._closed:
            self.renew()  # rights may have been granted, or a standby promoted
        if not self.writable:
            raise ReadOnlyError(
                f"Cannot change '{self.address}': this role may only read it, or this server is a "
                "standby."
            )
        self._done = "changed"
        with named(self.address, done=self._done):
            generation, transaction = self._begin_change()
            try:
                yield
                self._commit(generation, transaction)
            finally:
                self.end()

    # ------------------------------------------------------------ inside

    def _begin(self, mode: str, settings: str) -> None:
        """Begin a transaction in the gallery's schema, and refuse another gallery in its place."""
        found = self.begin(
            f"BEGIN ISOLATION LEVEL {mode}; "
            f"SET LOCAL search_path = {self._schema}, pg_catalog, pg_temp; {settings}"
            "SELECT version, gallery FROM format"
        ).fetchone()
        version, gallery = found or (None, None)
        if version != FORMAT:
            raise self._of_another_format(version)
        if self.gallery not in (None, gallery):
            raise self._replaced()
        self.gallery = gallery

    def _begin_change(self) -> tuple[int, str]:
        """Begin a change; returns the generation before it, and the transaction's number."""
        wait = f"SET LOCAL lock_timeout = {max(1, int(1000 * self._timeout))}; {DURABLE}; "
        try:
            self._begin("READ COMMITTED, READ WRITE", wait)
            locked = "SELECT generation, pg_current_xact_id()::text FROM state FOR UPDATE"
            found = self.execute(locked).fetchone()
        except BusyError as error:
            self.end()
            raise BusyError(
                f"Another process is changing '{self.address}' and did not finish within"
                f" {self._timeout:g} s: try again when it has finished."
            ) from error.__cause__
        except BaseException:
            self.end()
            raise
        if found is None:
            raise self.altered("its state is missing")
        return int(found[0]), str(found[1])

    def _commit(self, generation: int, transaction: str) -> None:
        """Commit; where the connection is lost meanwhile, find out what became of the change."""
        driver = psycopg()
        try:
            self._raw.execute("COMMIT")
        except driver.OperationalError as error:
            if not self._was_stored(generation, transaction, error):
                raise failure(self.address, error, "changed") from error

    def _was_stored(self, generation: int, transaction: str, lost: Exception) -> bool:
        """Ask the server, once it is there again, whether a transaction was committed."""
        until = time.monotonic() + self._timeout
        while True:
            with suppress(psycopg().Error, StoreError):
                self.renew()
                now, _ = self._begin_change()  # so the lost transaction has ended
                asked = "SELECT pg_xact_status(?::xid8)"
                status = self.execute(asked, (transaction,)).fetchone()
                if status in (("committed",), ("aborted",)):
                    return now >= generation and status == ("committed",)
            self.end()
            if time.monotonic() > until:
                raise UnreachableError(
                    f"The connection to '{self.address}' was lost while a change was committed, and"
                    f" it is unknown whether it was stored: {said(self.address, lost)}. Look before"
                    " you repeat it: likewise info"
                ) from lost
            time.sleep(_AGAIN)

    def _connected(self) -> Any:
        """Connect, and see what this role may do there."""
        raw = super()._connected()
        asked = (
            "SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only')"
            " = 'off' AND coalesce((SELECT bool_and(has_table_privilege(oid, 'INSERT, DELETE') OR"
            " (relname = 'state' AND has_table_privilege(oid, 'UPDATE'))) FROM pg_class"
            " WHERE relname IN ('reference', 'removal', 'state')"
            " AND relnamespace = to_regnamespace(%s)), false)"
        )
        try:
            [(may,)] = raw.execute(asked, (schema_of(self.address.name),)).fetchall()
        except psycopg().Error as error:
            raw.close()
            raise unreachable(self.address, error) from error
        self.writable = bool(may)
        return raw

    def _look(self) -> None:
        """See, at opening, that there is a gallery of a format that we read."""
        with self._missing_named():
            try:
                with self.snapshot():
                    pass
            except _OlderFormatError as error:
                if not self.writable:
                    raise StoreError(str(error)) from None
                self._migrate()
                with self.snapshot():
                    pass

    @contextmanager
    def _missing_named(self) -> Iterator[None]:
        try:
            yield
        except ReplacedError as error:
            raise missing(self.address) from error

    def _migrate(self) -> None:
        """Bring an older format to ours, in one transaction."""
        with named(self.address, done="changed"):
            self.begin(
                "BEGIN; SET LOCAL search_path = "
                f"{self._schema}, pg_catalog, pg_temp; LOCK TABLE format IN EXCLUSIVE MODE"
            )
            try:
                [(version,)] = self.execute("SELECT version FROM format").fetchall()
                for step in range(version, FORMAT):
                    for statement in MIGRATIONS[step]:
                        self.execute(statement)
                self.execute("UPDATE format SET version = ?", (max(version, FORMAT),))
                self.execute("COMMIT")
            finally:
                self.end()

    def _of_another_format(self, version: int | None) -> StoreError:
        if version is not None and version < FORMAT:
            return _OlderFormatError(
                f"'{self.address}' is of format {version}, older than this version's {FORMAT}: "
                "open it once with a role that may change it."
            )
        return StoreError(
            f"'{self.address}' is of format {version}, but this version reads format {FORMAT}: use"
            " the version that wrote it."
        )

    def _replaced(self) -> ReplacedError:
        return ReplacedError(
            f"'{self.address}' is no longer the gallery that was opened: it was removed or "
            "replaced. Open it again."
        )


class _OlderFormatError(StoreError):
    """The tables are of a format that can be migrated."""
