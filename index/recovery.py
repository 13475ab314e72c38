"""An older state than the last acknowledged one: noticed at opening, accepted on demand.

The references are compared with what lies beside them and may record a later state: the
high-water mark, and the note of the derived index. Neither costs time in proportion to the
gallery. Does not bring back what is lost: that is in a backup, if anywhere.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from index.address import Address, Place
from index.errors import StoreError
from index.manifest import read_manifest
from index.references.local import Store
from index.references.rows import State
from index.search.derived import drop_derived
from index.search.note import Note, read_note
from index.storage.directory import STORE


def open_store(path: Path, *, timeout: float) -> Store:
    """Open the references of a gallery, refusing an older state than one that was acknowledged.

    Args:
        path: The gallery's directory.
        timeout: Seconds to wait for another process's change.

    Raises:
        OlderStateError: If the high-water mark or the derived index's note records a later state.
        StoreError: If a file is missing or altered; the text names it.
    """
    note = read_note(path)  # before the references, which are never behind it
    store = Store(path / STORE, timeout=timeout)
    try:
        state = store.state()
        if note is not None and (
            note.mark.last_slot > state.last_slot or note.mark.last_removal > state.last_removal
        ):
            raise store.older_state(
                state, f"'{path / 'vectors.json'}' was written after later changes"
            )
    except BaseException:
        store.close()
        raise
    return store


def accept_older(place: Place, *, timeout: float = 10.0) -> State:
    """Continue from the present state of the references, although a later one was acknowledged.

    That is a change: its generation is beyond all that are known, so that what was derived from
    the lost state is not taken for derived from this one. The derived index is dropped.

    Args:
        place: The gallery's directory or address.
        timeout: Seconds to wait for another process's change.

    Returns:
        The state from which the gallery goes on; unchanged where none is older than it should be.

    Raises:
        GalleryError: If `place` is not a gallery.
        StoreError: If the references are altered or cannot be changed.
    """
    if isinstance(place, Address):
        from index.postgres.opening import accept_older as accept_in_database

        return accept_in_database(place, timeout)
    path = place
    read_manifest(path)
    with suppress(StoreError):
        store = open_store(path, timeout=timeout)
        try:
            return store.state()
        finally:
            store.close()
    store = Store(path / STORE, timeout=timeout, accept_older=True)
    try:
        after = _beyond_all(store, read_note(path))
        drop_derived(path)
        store.accept(after)
        return after
    finally:
        store.close()


def _beyond_all(store: Store, note: Note | None) -> State:
    """The state of the store, with a generation and a last slot that nothing lost has reached."""
    state = store.state()
    generations, slots = [state.generation], [state.last_slot]
    with suppress(StoreError):  # a damaged mark records nothing
        if (mark := store.high_water.read()) is not None:
            generations.append(mark.generation)
            slots.append(mark.last_slot)
    if note is not None:
        slots.append(note.mark.last_slot)
        removals = max(0, note.mark.last_removal - state.last_removal)
        # each change adds a reference or removes one
        generations.append(state.generation + max(slots) - state.last_slot + removals)
    return replace(state, generation=max(generations) + 1, last_slot=max(slots))
