"""The references of a gallery in PostgreSQL, and the rows of its documents."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b

from index.address import Address
from index.errors import OlderStateError
from index.postgres.connection import PostgresConnection
from index.postgres.seen import Seen
from index.postgres.session import Session
from index.references.contract import ReferenceStore
from index.references.copying import copy_references
from index.references.reads import Reads
from index.references.rows import State
from index.references.state import write_state


class PostgresStore(ReferenceStore):
    """An open gallery's tables; the contract is `ReferenceStore`.

    Args:
        database: Connected to the gallery.
        seen: The newest state that was seen.
        accept_older: Whether to read an older one.
    """

    path: Address
    gallery: Address
    _database: PostgresConnection

    def __init__(
        self, database: PostgresConnection, seen: Seen, *, accept_older: bool = False
    ) -> None:
        super().__init__(database, seen)
        self.path = self.gallery = database.address
        self._guarded = not accept_older
        with self.reading() as state:
            self._require_sound_count(state)

    @property
    def keeps_derived(self) -> bool:
        """What is derived lies in the user's own cache."""
        return True

    def older_state(self, state: State, proof: str) -> OlderStateError:
        """The error that says that the server is behind what was seen before.

        Args:
            state: Its state.
            proof: What shows that there was a later state.
        """
        again = shlex.join(["likewise", "doctor", str(self.path), "--accept-older"])
        return OlderStateError(
            f"'{self.path}' holds generation {state.generation} with {state.count} references, but "
            f"{proof}: this server is a replica that lags behind, or was restored from an older "
            f"copy. Ask the primary, or accept the older state: {again}"
        )

    # ------------------------------------------------------------ documents

    def manifest(self) -> tuple[int, str]:
        """How often the manifest was changed, and its text."""
        with self.reading():
            found = self._database.execute("SELECT revision, fields FROM manifest").fetchone()
        if found is None:
            raise self.altered("its manifest is missing")
        return int(found[0]), str(found[1])

    def revision(self) -> int:
        """How often the manifest was changed."""
        with self.reading():
            found = self._database.execute("SELECT revision FROM manifest").fetchone()
        return int(found[0]) if found else 0

    def write_manifest(self, text: str) -> None:
        """Replace the manifest, within `writing`."""
        self._database.execute("UPDATE manifest SET fields = ?, revision = revision + 1", (text,))

    def files(self, beginning: str) -> dict[str, tuple[bytes, int]]:
        """Digest and size in bytes of each file whose name begins so."""
        asked = "SELECT name, digest, octet_length(content) FROM file WHERE starts_with(name, ?)"
        with self.reading():
            found = self._database.execute(f"{asked} ORDER BY name", (beginning,)).fetchall()
        return {name: (bytes(digest), size) for name, digest, size in found}

    def file(self, name: str) -> bytes | None:
        """The content of a file; None if there is none.

        Raises:
            StoreError: If it was altered.
        """
        with self.reading():
            asked = "SELECT content, digest FROM file WHERE name = ?"
            found = self._database.execute(asked, (name,)).fetchone()
        if found is not None and file_digest(found[0]) != found[1]:
            raise self.altered(f"its file '{name}' does not match its digest")
        return None if found is None else bytes(found[0])

    def keep_file(self, name: str, content: bytes) -> None:
        """Store a file that is not there yet, within `writing`.

        Args:
            name: Its name.
            content: Its content.
        """
        if name not in self.files(name):
            keep_files(self._database, {name: content})

    def drop_files(self, names: Iterable[str]) -> None:
        """Remove files, within `writing`."""
        self._database.execute_many("DELETE FROM file WHERE name = ?", ((name,) for name in names))

    def replace_all(self, source: Reads, manifest: str, files: Mapping[str, bytes]) -> None:
        """Become another gallery, within `writing`; its generation goes on growing.

        Args:
            source: The references of the other gallery.
            manifest: The text of its manifest.
            files: Its other files, by name.
        """
        before = self.state()
        for table in ("reference", "removal", "file"):
            self._database.execute(f"DELETE FROM {table}")
        state = copy_references(source, self._database)
        write_state(self._database, replace(state, generation=before.generation + 1))
        keep_files(self._database, files)
        self.write_manifest(manifest)
        self._database.execute("UPDATE format SET gallery = ?", (str(uuid.uuid4()),))

    def size(self) -> int:
        """Bytes of the references on the server, with their indexes."""
        with self.reading():
            asked = "SELECT pg_total_relation_size('reference')"
            [(size,)] = self._database.execute(asked)
        return int(size)

    # ------------------------------------------------------------ inside

    def _acknowledged(self) -> State | None:
        return self.high_water.read() if self._guarded else None

    def _saw(self, state: State) -> None:
        if self._guarded:
            self.high_water.write(state)


def keep_files(database: Session, contents: Mapping[str, bytes]) -> None:
    """Insert files, within a change.

    Args:
        database: Within the change.
        contents: Content of each by its name.
    """
    rows = ((name, file_digest(content), content) for name, content in contents.items())
    database.insert("file", "name, digest, content", rows)


def file_digest(content: bytes) -> bytes:
    """16 bytes over a file."""
    return blake2b(content, digest_size=16).digest()
