"""Copy all references of a store into other tables: rows, slots, log and state stay the same.

`copy_rows` may be cut off and goes on where it was; `copy_state` completes what it has done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple

from index.errors import StoreError
from index.references.connection import Connection
from index.references.reads import Reads
from index.references.rows import State, wrap
from index.references.schema import COLUMNS
from index.references.selection import places, whole_rows
from index.references.state import write_state

_STEP = 1000  # rows in one change: so many pictures are held at a time

Progress = Callable[[int], object]


def copy_references(source: Reads, target: Connection) -> State:
    """Copy one snapshot into empty tables, within a change; every row and picture is verified.

    Args:
        source: The references.
        target: Empty tables.

    Returns:
        The state of both.

    Raises:
        StoreError: If a row of the source is altered.
    """
    with source.reading():
        rows = ((*row, picture) for row, picture in source.whole_rows())
        target.insert("reference", f"{COLUMNS}, picture", rows)
        return copy_state(source, target)


def copy_rows(source: Reads, target: Connection, progress: Progress) -> None:
    """Copy the rows of one snapshot in many changes; what an earlier attempt copied stays.

    Args:
        source: The references, within a snapshot.
        target: Empty tables, or those of an attempt that was cut off.
        progress: Called with the number of further rows that are there.

    Raises:
        StoreError: If a row of the source is altered.
    """
    with target.change():
        begun = _kept(source, target)
    progress(begun.rows)
    rows = source.whole_rows(begun.last)
    while batch := list(islice(rows, _STEP)):
        with target.change():
            values = ((*row, picture) for row, picture in batch)
            target.insert("reference", f"{COLUMNS}, picture", values)
        progress(len(batch))


def copy_state(source: Reads, target: Connection) -> State:
    """Copy the log of removals and the state, within a change.

    Args:
        source: The references, within the snapshot of which all rows were copied.
        target: Tables that hold these rows.

    Returns:
        The state of both.
    """
    state = source.state()
    target.execute("DELETE FROM removal")
    target.insert("removal", "sequence, slot, checksum", source.removed())
    write_state(target, state)
    return state


def prove_rows(target: Connection, state: State) -> None:
    """Read all rows that were copied, with their pictures, and see that they are those of a state.

    Args:
        target: The copied rows.
        state: The source's state.

    Raises:
        DamagedCopyError: If a row is altered, or they are not those of the state.
    """
    count = total = 0
    with damage_named(), target.snapshot():
        for row, _ in whole_rows(target):
            count, total = count + 1, total + row.checksum
    if (count, wrap(total)) != (state.count, state.total):
        raise DamagedCopyError("it is not the state that was copied")


class DamagedCopyError(StoreError):
    """What was copied is not what it should be, so that nobody can go on with it."""


@contextmanager
def damage_named() -> Iterator[None]:
    """Tell what is altered in a copy from what only cannot be read now, which is left as it is.

    Raises:
        DamagedCopyError: If the block finds something altered.
    """
    try:
        yield
    except StoreError as error:
        if type(error) is not StoreError:  # busy, unreachable, full: the copy may be good
            raise
        raise DamagedCopyError(str(error)) from error


def damaged_copy(gallery: object, error: Exception) -> StoreError:
    """The error that says that a copy was removed.

    Args:
        gallery: What was copied.
        error: What is wrong with the copy.
    """
    return StoreError(
        f"The copy of '{gallery}' is incomplete ({error}) and was removed. Check the gallery "
        f"itself: likewise doctor {gallery}"
    )


class _Begun(NamedTuple):
    """What stays of an earlier attempt: the number of rows, and the last slot."""

    rows: int
    last: int


def _kept(source: Reads, target: Connection) -> _Begun:
    """Remove from the target what the source does not have, or has no longer.

    A slot is never used twice. So a row that is missing before others means that they are copies
    of another gallery, which all go.
    """
    others = source.places()
    wanted = next(others, None)
    rows = last = 0
    gone: list[tuple[int]] = []
    for slot, checksum in places(target):
        if wanted is not None and wanted[0] <= slot and wanted != (slot, checksum):
            target.execute("DELETE FROM reference WHERE slot >= ?", (slot,))
            break
        if wanted == (slot, checksum):
            rows, last, wanted = rows + 1, slot, next(others, None)
        else:
            gone.append((slot,))
    target.execute_many("DELETE FROM reference WHERE slot = ?", gone)
    return _Begun(rows, last)
