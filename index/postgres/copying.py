"""Copy whole galleries into a database and out of it, as of one moment."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from index.address import Address
from index.documents import Documents, operating_points
from index.errors import GalleryError, ReplacedError, StoreError
from index.evidence import drop_evidence, evidence_path
from index.postgres.connection import PostgresConnection
from index.postgres.making import begun, drop, exists, model_files, rename, taken
from index.postgres.opening import opened
from index.postgres.store import keep_files
from index.references.contract import ReferenceStore
from index.references.copying import (
    DamagedCopyError,
    Progress,
    copy_rows,
    copy_state,
    damaged_copy,
    prove_rows,
)
from index.references.local import Store
from index.references.rows import State
from index.storage.directory import MANIFEST, MODEL, STORE, copy_directory
from index.storage.files import read_sealed, sealed_text, write_sealed


def fill_directory_from(
    address: Address, directory: Path, timeout: float, progress: Progress
) -> State:
    """Write all files of a gallery into a directory, but for what is derived.

    Args:
        address: The gallery.
        directory: Empty, or what an attempt that was cut off left: its rows stay.
        timeout: Seconds to wait for another writer.
        progress: Called with the number of further references that are there.

    Returns:
        The state that was copied.

    Raises:
        GalleryError: If there is none of this name, a part of it is altered, or the directory
            holds another gallery.
        OSError: If a file cannot be written.
    """
    documents, store = opened(address, timeout=timeout)
    try:
        with store.reading() as state:
            fields = documents.current()
            _refuse_another(directory, fields, address)
            Store.copy_of(store, directory / STORE, progress)
            shutil.rmtree(directory / MODEL, ignore_errors=True)
            if documents.model_path.is_dir():
                copy_directory(documents.model_path, directory / MODEL)
            drop_evidence(directory, keep=())  # of an earlier attempt
            for name, path in evidence_files(documents, fields).items():
                shutil.copyfile(path, directory / name)
            write_sealed(directory / MANIFEST, fields)
            return state
    finally:
        store.close()


def _refuse_another(directory: Path, fields: Mapping[str, Any], address: Address) -> None:
    """Refuse a directory that somebody else's gallery is in, which the copy would overwrite.

    The manifest is written last: an attempt that was cut off left none, or one with these fields.
    """
    if not (directory / MANIFEST).exists():
        return
    with suppress(StoreError):
        if read_sealed(directory / MANIFEST) == fields:
            return
    raise GalleryError(
        f"'{directory}' holds a gallery that is no copy of '{address}' as it is now: move it "
        "elsewhere, or remove it."
    )


def evidence_files(documents: Documents, fields: Mapping[str, Any]) -> dict[str, Path]:
    """The local files of evidence that a manifest names, each verified, by name.

    Args:
        documents: The gallery's documents.
        fields: The manifest.
    """
    found = {}
    for point in operating_points(documents.name, fields).values():
        for kind, name in point.files:
            documents.evidence(kind, name)
            path = evidence_path(documents.directory, kind, name)
            found[path.name] = path
    return found


def fill_database_from(
    documents: Documents,
    store: ReferenceStore,
    address: Address,
    timeout: float,
    progress: Progress,
) -> State:
    """Make a gallery in a database that is the same as another one.

    It is made under another name, `NAME.part`, where a copy that is cut off stays and is gone on
    with. Of two that make it at once, the one that began later goes on.

    Args:
        documents: Documents of the other gallery.
        store: Its references.
        address: The gallery to make.
        timeout: Seconds to wait for another writer.
        progress: Called with the number of further references that are there.

    Returns:
        The state that was copied.

    Raises:
        GalleryError: If there is one of this name, or a part of the other is altered, or it was
            upgraded meanwhile.
    """
    if exists(address):
        raise taken(address)
    with store.reading() as state:
        fields = documents.current()
        files = files_of(documents, fields)
        documents.current()  # refuses files that an upgrade put there meanwhile
        part = begun(address, fields, timeout)
        target = PostgresConnection(part, timeout)
        try:
            copy_rows(store, target, progress)
            prove_rows(target, state)
            with target.change():
                copy_state(store, target)
                keep_files(target, files)
                target.execute("UPDATE manifest SET fields = ?", (sealed_text("manifest", fields),))
                rename(target, part, address)
        except ReplacedError as error:
            raise GalleryError(
                f"Another copy to '{address}' began later, and goes on in place of this one."
            ) from error
        except DamagedCopyError as error:
            drop(part)
            raise damaged_copy(documents.gallery, error) from error
        finally:
            target.close()
    return state


def files_of(documents: Documents, fields: Mapping[str, Any]) -> dict[str, bytes]:
    """The model and the evidence of a gallery, by the names of their files.

    Args:
        documents: The gallery's documents.
        fields: Its manifest.
    """
    paths = evidence_files(documents, fields)
    evidence = {name: path.read_bytes() for name, path in paths.items()}
    return {**model_files(documents.model_path), **evidence}
