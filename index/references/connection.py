"""What a store of references needs of its engine: one connection to the tables of one gallery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, Self

from index.errors import StoreError


class Cursor(Protocol):
    """The rows that a statement gave."""

    def __iter__(self) -> Iterator[tuple[Any, ...]]: ...

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row; None after the last."""

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows that are left."""


class Connection(Protocol):
    """One connection to the tables of `schema`, in whatever engine; used by one thread at a time.

    Statements are SQL that all engines know, with a question mark for each value. Every error
    of the engine comes as a `StoreError` that names the gallery, from the two blocks.

    Attributes:
        proven_sound: Whether an id that is not found is known to be absent.
    """

    proven_sound: bool

    @property
    def writable(self) -> bool:
        """Whether this user may change the tables."""

    def another(self) -> Self:
        """Open a second connection: while it waits to write, this one can read."""

    def close(self) -> None:
        """Close it; a second call does nothing."""

    def require_in_place(self) -> None:
        """Refuse a gallery that was moved, removed or replaced."""

    def snapshot(self) -> AbstractContextManager[None]:
        """All reads in the block see the same transactions."""

    def change(self) -> AbstractContextManager[None]:
        """Become the only writer; the block is committed completely or not at all."""

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Cursor:
        """Run one statement.

        Args:
            statement: SQL, with a question mark for each value.
            values: The values.
        """

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of values.

        Args:
            statement: SQL, with a question mark for each value.
            rows: Values of each run.
        """

    def insert(self, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows, by the engine's fastest way.

        Args:
            table: One of the tables.
            columns: Their names, separated by commas.
            rows: Values in that order.
        """

    def stream(self, statement: str, values: Sequence[Any] = ()) -> Iterable[tuple[Any, ...]]:
        """Run a statement of many rows, which need not be held all at once.

        Args:
            statement: SQL, with a question mark for each value.
            values: The values.
        """

    def rows_with(self, statement: str, values: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
        """Run a statement for values of any number, in its `IN ?`.

        Args:
            statement: SQL.
            values: Numbers, texts or bytes.
        """

    def prove_sound(self, *, again: bool = False) -> None:
        """Check the engine's indexes against the rows, where it does not do so itself."""

    def altered(self, problem: str) -> StoreError:
        """The error for tables that another hand altered."""
