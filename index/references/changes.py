"""Changes of rows, inside a transaction of the caller, and the log of removals.

A derived index reads the log, which keeps at least the last `MIN_KEPT` removals; an index that is
farther behind is rebuilt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from index.references.connection import Connection
from index.references.rows import Change, NewRow, Row, State, wrap
from index.references.schema import COLUMNS

MIN_KEPT = 10_000
_CHECKSUM = Row._fields.index("checksum")


def add(database: Connection, before: State, old: Sequence[Row], rows: Sequence[NewRow]) -> Change:
    """Replace old rows by new ones; the caller writes the state.

    Args:
        database: Connection of the references.
        before: Its state before the change.
        old: The stored rows that `rows` replace.
        rows: Rows to store, each id once.
    """
    if not rows:
        return Change(before, before, [], range(0))
    state = _delete(database, before, old)
    slots = range(state.last_slot + 1, state.last_slot + 1 + len(rows))
    sealed = [row.at(slot) for slot, row in zip(slots, rows, strict=True)]
    database.insert("reference", f"{COLUMNS}, picture", sealed)
    after = replace(
        state,
        generation=before.generation + 1,
        count=state.count + len(rows),
        total=wrap(state.total + sum(row[_CHECKSUM] for row in sealed)),
        last_slot=state.last_slot + len(rows),
    )
    return Change(before, after, [row.slot for row in old], slots)


def remove(database: Connection, before: State, old: Sequence[Row]) -> Change:
    """Remove rows; the caller writes the state, which is unchanged if there are none.

    Args:
        database: Connection of the references.
        before: Its state before the change.
        old: The rows to remove.
    """
    after = before
    if old:
        after = replace(_delete(database, before, old), generation=before.generation + 1)
    return Change(before, after, [row.slot for row in old], range(0))


def removals(database: Connection, state: State, after: int) -> list[tuple[int, int]] | None:
    """Slot and checksum of every removal after a place in the log; None if the log was cut since.

    Args:
        database: Connection of the references.
        state: State of the caller's snapshot.
        after: A place in the log, 0 for all removals.
    """
    query = "SELECT slot, checksum FROM removal WHERE sequence > ? ORDER BY sequence"
    logged = database.execute(query, (after,)).fetchall()
    return logged if len(logged) == state.last_removal - after else None


def _delete(database: Connection, state: State, rows: Sequence[Row]) -> State:
    """Delete rows and log it; returns the state to write."""
    if not rows:
        return state
    database.execute_many("DELETE FROM reference WHERE slot = ?", ((row.slot,) for row in rows))
    first = state.last_removal + 1
    logged = ((first + place, row.slot, row.checksum) for place, row in enumerate(rows))
    database.insert("removal", "sequence, slot, checksum", logged)
    after = replace(
        state,
        count=state.count - len(rows),
        total=wrap(state.total - sum(row.checksum for row in rows)),
        last_removal=state.last_removal + len(rows),
    )
    oldest = after.last_removal - max(MIN_KEPT, after.count)
    database.execute("DELETE FROM removal WHERE sequence <= ?", (oldest,))
    return after
