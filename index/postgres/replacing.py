"""Replace a gallery in a database by another one, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from index.documents import Documents
from index.manifest import Manifest
from index.postgres.copying import files_of
from index.postgres.store import PostgresStore
from index.references.contract import ReferenceStore
from index.references.local import Store
from index.storage.directory import MANIFEST, STORE
from index.storage.drafts import draft_directory, sweep_directories
from index.storage.files import sealed_text


@contextmanager
def replaced_in_database(documents: Documents, store: ReferenceStore) -> Iterator[Path]:
    """An empty local directory; the gallery that is made in it takes the place of another one.

    Nobody else can change the older gallery in the block. Others read it until the end, and then
    get a `ReplacedError`. Whoever was granted rights on its tables keeps them.

    Args:
        documents: Documents of the older gallery.
        store: Its references, in PostgreSQL.

    Yields:
        The directory, to hold a whole gallery at the end; it is removed.

    Raises:
        GalleryError: If the older gallery cannot be changed.
        OSError: If the directory cannot be written.
    """
    sweep_directories(documents.directory)
    with (
        store.changing() as writer,
        writer.writing(),
        draft_directory(documents.directory / "new") as staging,
    ):
        yield staging
        _take_over(cast(PostgresStore, writer), staging)


def _take_over(writer: PostgresStore, directory: Path) -> None:
    """Put the gallery of a directory in place of the one that is being changed."""
    manifest, references = Manifest(directory), Store(directory / STORE)
    try:
        fields = manifest.current()
        text = sealed_text(str(directory / MANIFEST), fields)
        writer.replace_all(references, text, files_of(manifest, fields))
    finally:
        references.close()
