"""The row that holds the state of the references, with its own checksum."""

from __future__ import annotations

import struct
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from index.references.connection import Connection
from index.references.rows import State

_FIELDS = "generation, count, total, last_slot, last_removal"


def first_statement(literal: str = "x'{}'") -> str:
    """The statement that writes the state of an empty store.

    Args:
        literal: How the engine writes bytes, with braces for their hex digits.
    """
    *values, checksum = sealed(State())
    bytes_ = literal.format(checksum.hex())
    return f"INSERT INTO state VALUES (1, {', '.join(map(str, values))}, {bytes_})"


def read_state(database: Connection) -> State:
    """Read the state as the snapshot of `database` has it.

    Raises:
        StoreError: If it is not as it was written.
    """
    stored = database.execute(f"SELECT {_FIELDS}, checksum FROM state").fetchone()
    state = _unsealed(*stored) if stored else None
    if state is None:
        raise database.altered("its state does not match its checksum")
    return state


@lru_cache(maxsize=16, typed=True)  # each question reads it, and it seldom changes
def _unsealed(*stored: Any) -> State | None:
    """The state of the columns; None if they do not match their checksum."""
    *values, checksum = stored
    try:
        state = State(*values)
        return state if sealed(state)[-1] == checksum else None
    except (TypeError, ValueError, struct.error):
        return None


def write_state(database: Connection, state: State) -> None:
    """Write the state, within a transaction of the caller.

    Args:
        database: The references.
        state: What to write.
    """
    database.execute(f"UPDATE state SET ({_FIELDS}, checksum) = (?, ?, ?, ?, ?, ?)", sealed(state))


def sealed(state: State) -> tuple[int, int, int, int, int, bytes]:
    """The fields in the order of the columns, and 8 bytes over all of them."""
    values = (state.generation, state.count, state.total, state.last_slot, state.last_removal)
    return *values, blake2b(struct.pack("<5q", *values), digest_size=8).digest()
