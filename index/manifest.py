"""A gallery's documents in its directory: `gallery.json`, the evidence, `model/`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from index.documents import Documents, require_fields
from index.errors import GalleryError, ReplacedError
from index.references.contract import ReferenceStore
from index.storage.directory import MANIFEST, MODEL, STORE, left_aside, sync, unfinished
from index.storage.files import read_sealed, write_sealed

Identity = tuple[int, int, int] | None  # of a file or a directory; None if there is none


def read_manifest(path: Path) -> dict[str, Any]:
    """Read the fields of `gallery.json`.

    Raises:
        GalleryError: If `path` is not a gallery.
        StoreError: If the file is missing, altered or of another format; the text names it.
    """
    if not path.is_dir():
        raise GalleryError(_missing(path))
    if not (path / MANIFEST).exists() and not (path / STORE).exists():
        raise GalleryError(
            f"'{path}' is not a gallery: it has no {MANIFEST}. Make one: likewise build GALLERY "
            "DATA"
        )
    manifest = read_sealed(path / MANIFEST)
    require_fields(path / MANIFEST, manifest)
    return manifest


def _missing(path: Path) -> str:
    if (aside := left_aside(path)) is not None:
        return f"An upgrade of '{path}' was cut off: rename '{aside}' to '{path}' to go on."
    if unfinished(path).is_dir():
        return f"A copy to '{path}' was cut off: begin it again, and it goes on."
    return f"Expected a gallery at '{path}', but there is no such directory."


class Manifest(Documents):
    """The documents in a directory; a changed stat reveals a replaced `gallery.json`."""

    directory: Path
    name: Path

    def __init__(self, path: Path) -> None:
        self.directory = self.gallery = path
        self.name = path / MANIFEST
        self._seen = identity(self.name)
        self._fields = read_manifest(path)

    def current(self) -> dict[str, Any]:
        """The fields, read again only if the file was replaced.

        Raises:
            ReplacedError: If the file belongs to another gallery.
        """
        seen = identity(self.name)
        if seen != self._seen:
            fields = self.read()
            for name in ("dim", "fingerprint"):
                if fields.get(name) != self._fields[name]:
                    raise ReplacedError(
                        f"'{self.gallery}' is no longer the gallery that was opened: its {name}"
                        f" is now {fields.get(name)}. Open it again."
                    )
            self._seen, self._fields = seen, fields
        return self._fields

    def read(self, store: ReferenceStore | None = None) -> dict[str, Any]:
        """The fields, read from the file."""
        return read_manifest(self.directory)

    @property
    def model_path(self) -> Path:
        """Directory of the model."""
        return self.directory / MODEL

    def discard(self) -> None:
        """Remove the directory."""
        import shutil  # seldom needed, so not paid for at every start

        shutil.rmtree(self.directory, ignore_errors=True)

    def _write(self, store: ReferenceStore, fields: Mapping[str, Any]) -> None:
        write_sealed(self.name, fields)
        sync(self.directory)


def identity(path: Path) -> Identity:
    """A value that changes when a file or a directory is replaced; None if there is none."""
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
