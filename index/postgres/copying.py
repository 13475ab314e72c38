"""Copy whole galleries into a database and out of it, as of one moment."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from index.address import Address
from index.documents import Documents, operating_points
from index.evidence import evidence_path
from index.postgres.making import create, model_files
from index.postgres.opening import opened
from index.references.contract import ReferenceStore
from index.references.copying import copy_references
from index.references.rows import State
from index.storage.directory import MANIFEST, MODEL, STORE, copy_directory
from index.storage.files import write_sealed

Progress = Callable[[int], object]


def fill_directory_from(address: Address, directory: Path, timeout: float) -> State:
    """Write all files of a gallery into an empty directory, but for what is derived.

    Args:
        address: The gallery.
        directory: The directory to fill.
        timeout: Seconds to wait for another writer.

    Returns:
        The state that was copied.

    Raises:
        GalleryError: If there is none of this name, or a part of it is altered.
        OSError: If a file cannot be written.
    """
    documents, store = opened(address, timeout=timeout)
    try:
        with store.reading() as state:
            fields = documents.current()
            if documents.model_path.is_dir():
                copy_directory(documents.model_path, directory / MODEL)
            for name, path in evidence_files(documents, fields).items():
                shutil.copyfile(path, directory / name)
            store.copy_to(directory / STORE)
            write_sealed(directory / MANIFEST, fields)
            return state
    finally:
        store.close()


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
    documents: Documents, store: ReferenceStore, address: Address, progress: Progress
) -> State:
    """Make a gallery in a database that is the same as another one, in one transaction.

    Args:
        documents: Documents of the other gallery.
        store: Its references.
        address: The gallery to make.
        progress: Called with the number of further references that are copied.

    Returns:
        The state that was copied.

    Raises:
        GalleryError: If there is one of this name, or a part of the other is altered.
    """
    with store.reading() as state:
        fields = documents.current()
        create(
            address,
            fields,
            files_of(documents, fields),
            partial(copy_references, store, progress=progress),
        )
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
