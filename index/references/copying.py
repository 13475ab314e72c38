"""Copy all references of a store into empty tables: rows, slots, log and state stay the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from index.references.connection import Connection
from index.references.reads import Reads
from index.references.rows import State
from index.references.schema import COLUMNS
from index.references.state import write_state


def copy_references(
    source: Reads, target: Connection, progress: Callable[[int], object] = lambda done: None
) -> State:
    """Copy one snapshot; every row and picture is verified on the way.

    Args:
        source: The references, within a snapshot or not.
        target: Empty tables, within a change.
        progress: Called with the number of further rows that are copied.

    Returns:
        The state of both.

    Raises:
        StoreError: If a row of the source is altered.
    """

    def rows() -> Iterator[Sequence[Any]]:
        for row, picture in source.whole_rows():
            yield (*row, picture)
            progress(1)

    with source.reading() as state:
        target.insert("reference", f"{COLUMNS}, picture", rows())
        target.insert("removal", "sequence, slot, checksum", source.removed())
        write_state(target, state)
    return state
