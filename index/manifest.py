"""A gallery's manifest, `gallery.json`: format, dim, fingerprint, operating points.

Every field is checked for its type before anything uses it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from index.errors import FingerprintError, GalleryError, ReplacedError, StoreError
from index.operating_point import OperatingPoint
from index.search.setting import SearchSetting
from index.storage.directory import FORMAT, MANIFEST, STORE, sync
from index.storage.files import read_sealed, write_sealed

DEFAULT_POINT = "default_point"  # in the manifest, optional: name of the operating point
NOTES = "notes"  # in the manifest, optional: sentences about the gallery by name
SEARCH = "search"  # in the manifest, optional: how it is searched
_LARGEST_DIM = 2**31 - 1  # FAISS counts in 32 bits


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
    if manifest.get("format") != FORMAT:
        raise StoreError(
            f"'{path / MANIFEST}' is of format {manifest.get('format')}, but this version reads"
            f" format {FORMAT}: use the version that wrote it."
        )
    _require_types(path, manifest)
    return manifest


def _missing(path: Path) -> str:
    from index.storage.exchange import left_aside

    if (aside := left_aside(path)) is not None:
        return f"An upgrade of '{path}' was cut off: rename '{aside}' to '{path}' to go on."
    return f"Expected a gallery at '{path}', but there is no such directory."


def _require_types(path: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse fields of other types than those that are written."""
    dim, default = manifest.get("dim"), manifest.get(DEFAULT_POINT, "")
    if type(dim) is not int or not 0 < dim <= _LARGEST_DIM:
        raise _foreign(path, f"`dim` must be a whole number >= 1. Received: {dim!r}")
    if not isinstance(manifest.get("fingerprint"), str):
        received = manifest.get("fingerprint")
        raise _foreign(path, f"`fingerprint` must be a text. Received: {received!r}")
    if not isinstance(default, str):
        raise _foreign(path, f"`{DEFAULT_POINT}` must be a text. Received: {default!r}")
    notes = manifest.get(NOTES, {})
    if not isinstance(notes, dict) or not all(isinstance(note, str) for note in notes.values()):
        raise _foreign(path, f"`{NOTES}` must be an object of texts. Received: {notes!r}")
    operating_points(path, manifest)
    search_setting(path, manifest)


def search_setting(path: Path, manifest: Mapping[str, Any]) -> SearchSetting:
    """How the gallery is searched, by its owner's choice.

    Args:
        path: Directory of the gallery.
        manifest: The fields of its `gallery.json`.

    Raises:
        StoreError: If it is not as likewise writes it; the text says what is not.
    """
    try:
        return SearchSetting.from_json(manifest.get(SEARCH))
    except ValueError as error:
        raise _foreign(path, f"Field `{SEARCH}`: {error}".rstrip(".")) from error


def operating_points(path: Path, manifest: Mapping[str, Any]) -> dict[str, OperatingPoint]:
    """The operating points by name, oldest first.

    Args:
        path: Directory of the gallery.
        manifest: The fields of its `gallery.json`.

    Raises:
        StoreError: If a point is not of the types that are written; the text names it.
    """
    stored = manifest.get("operating_points")
    if not isinstance(stored, dict):
        raise _foreign(path, f"`operating_points` must be an object. Received: {stored!r}")
    points = {}
    for name, point in stored.items():
        try:
            points[name] = OperatingPoint.from_json(point)
        except ValueError as error:
            raise _foreign(path, f"Operating point '{name}': {error}".rstrip(".")) from error
    return points


def _foreign(path: Path, what: str) -> StoreError:
    return StoreError(
        f"'{path / MANIFEST}' is not as likewise writes it. {what}. Restore it from a backup, or "
        "build the gallery again."
    )


class Manifest:
    """The `gallery.json` in a directory; a changed stat reveals a replaced file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = identity(path / MANIFEST)
        self._fields = read_manifest(path)

    def current(self) -> dict[str, Any]:
        """The fields, read again only if the file was replaced.

        Raises:
            ReplacedError: If the file belongs to another gallery.
        """
        seen = identity(self._path / MANIFEST)
        if seen != self._seen:
            fields = read_manifest(self._path)
            for name in ("dim", "fingerprint"):
                if fields.get(name) != self._fields[name]:
                    raise ReplacedError(
                        f"'{self._path}' is no longer the gallery that was opened: its {name}"
                        f" is now {fields.get(name)}. Open it again."
                    )
            self._seen, self._fields = seen, fields
        return self._fields

    def require_fingerprint(self, fingerprint: str) -> None:
        """Refuse any embedder but the one that made the vectors.

        Raises:
            FingerprintError: Naming both.
        """
        built_with = self.current()["fingerprint"]
        if fingerprint != built_with:
            raise FingerprintError(
                f"Gallery '{self._path}' was built with model {built_with}, but this model"
                f" is {fingerprint}: use the gallery's own model or build the gallery again."
            )

    def store_point(self, name: str, point: Mapping[str, Any], *, default: bool) -> None:
        """Add or replace an operating point in the file; call it as the only writer.

        A kill at any moment leaves either the old or the new file.

        Args:
            name: Name of the point.
            point: The point, JSON.
            default: Whether it becomes the gallery's default.

        Raises:
            ValueError: If the point is not plain JSON.
            OSError: If the file cannot be written.
        """
        fields = read_manifest(self._path)
        points = {**fields["operating_points"], name: point}
        chosen = {DEFAULT_POINT: name} if default else {}
        write_sealed(self._path / MANIFEST, {**fields, "operating_points": points, **chosen})
        sync(self._path)

    def store_note(self, name: str, sentence: str) -> None:
        """Add or replace a sentence about the gallery; call it as the only writer.

        Args:
            name: What it is about.
            sentence: The sentence.

        Raises:
            OSError: If the file cannot be written.
        """
        fields = read_manifest(self._path)
        notes = {**fields.get(NOTES, {}), name: sentence}
        write_sealed(self._path / MANIFEST, {**fields, NOTES: notes})
        sync(self._path)

    def store_search(self, setting: SearchSetting) -> None:
        """Set how the gallery is searched; call it as the only writer.

        Args:
            setting: How from now on.

        Raises:
            OSError: If the file cannot be written.
        """
        fields = read_manifest(self._path)
        write_sealed(self._path / MANIFEST, {**fields, SEARCH: setting.to_json()})
        sync(self._path)


def identity(path: Path) -> tuple[int, int, int] | None:
    """A value that changes when a file is replaced; None if there is no file."""
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
