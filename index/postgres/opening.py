"""Open galleries in PostgreSQL, each with a local cache of its own."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from index.address import Address, cache_folder
from index.postgres.connection import PostgresConnection
from index.postgres.documents import PostgresDocuments
from index.postgres.local_cache import writing_cache
from index.postgres.seen import Seen
from index.postgres.store import PostgresStore
from index.references.rows import State
from index.search.derived import drop_derived
from index.storage.directory import STORE


def opened(
    address: Address, *, timeout: float, fingerprint: str | None = None
) -> tuple[PostgresDocuments, PostgresStore]:
    """Open a gallery.

    Args:
        address: The database, and the gallery's name in it.
        timeout: Seconds to wait for another writer.
        fingerprint: Fingerprint of the embedder that will make the queries; None skips the check.

    Raises:
        GalleryError: If there is none of this name.
        OlderStateError: If it is older than this machine has seen it.
        UnreachableError: If the server does not let us in.
        GalleryError: If the local cache cannot be made.
    """
    store, directory = _store(address, timeout, accept_older=False)
    try:
        documents = PostgresDocuments(store, directory)
        if fingerprint is not None:
            documents.require_fingerprint(fingerprint)
    except BaseException:
        store.close()
        raise
    return documents, store


def accept_older(address: Address, timeout: float) -> State:
    """Continue from the state that the server has, although a later one was seen.

    Args:
        address: The database, and the gallery's name in it.
        timeout: Seconds to wait for another writer.

    Returns:
        The state from which the gallery goes on; unchanged where it is not older.
    """
    store, directory = _store(address, timeout, accept_older=True)
    try:
        state, seen = store.state(), store.high_water.read()
        if seen is None or seen == state or seen.generation < state.generation:
            return state
        drop_derived(directory)
        after = replace(
            state,
            generation=seen.generation + 1,
            last_slot=max(state.last_slot, seen.last_slot),
        )
        store.accept(after)
        return after
    finally:
        store.close()


# ------------------------------------------------------------ inside


def _store(address: Address, timeout: float, *, accept_older: bool) -> tuple[PostgresStore, Path]:
    """The references, and the local cache of this very gallery."""
    database = PostgresConnection(address, timeout)
    try:
        directory = cache_folder() / _cache_name(address, database)
        with writing_cache(directory):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            seen = Seen(directory / STORE)
        return PostgresStore(database, seen, accept_older=accept_older), directory
    except BaseException:
        database.close()
        raise


def _cache_name(address: Address, database: PostgresConnection) -> str:
    """A name for the cache of this gallery on a server and its replicas, with no password in it.

    A gallery of that name that is made later has another one, and so has a restored dump.
    """
    place = f"{database.server()}\0{database.gallery}"
    return f"{address.name}-{blake2b(place.encode(), digest_size=8).hexdigest()}"
