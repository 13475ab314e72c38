"""Copy all references of a store into an empty one: rows, slots, log and state stay the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from index.errors import GalleryError
from index.references.contract import ReferenceStore
from index.references.reads import Reads
from index.references.rows import State


def copy_references(
    source: Reads, target: ReferenceStore, progress: Callable[[int], object] = lambda done: None
) -> State:
    """Copy one snapshot in one transaction; every row and picture is verified on the way.

    Args:
        source: Within a snapshot of its own, or not.
        target: Holds nothing and never did.
        progress: Called with the number of further rows that are copied.

    Returns:
        The state of both.

    Raises:
        GalleryError: If the target is not empty.
        StoreError: If a row of the source is altered, or the target cannot be written.
    """
    with source.reading() as state, target.changing() as store, store.writing() as before:
        if before != State():
            raise GalleryError(f"'{target.path}' must be empty to be copied into.")

        def rows() -> Iterator[tuple[object, ...]]:
            for row, picture in source.whole_rows():
                yield (*row, picture)
                progress(1)

        store.fill(rows(), source.removed(), state)
    target.high_water.replace(state)
    return state
