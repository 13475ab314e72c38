"""The directory of a gallery: made whole or not at all, and its manifest `gallery.json`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from index.errors import FingerprintError, GalleryError, ReplacedError, StoreError
from index.references.local import Store
from index.storage.files import written
from index.storage.sealed import read_sealed, write_sealed

FORMAT = 1
MANIFEST, MODEL, STORE = "gallery.json", "model", "references.sqlite"
DEFAULT_POINT = "default_point"  # in the manifest, optional: the operating point's name


def create_directory(
    path: Path,
    dim: int,
    fingerprint: str,
    operating_points: Mapping[str, Mapping[str, Any]],
    model: Path | None,
) -> None:
    """Make an empty gallery; a kill at any moment leaves all of it or nothing under its name.

    Raises:
        GalleryError: If `path` exists already.
        ValueError: If `dim` is less than 1, or an operating point no plain JSON.
        OSError: If the directory cannot be written.
    """
    if isinstance(dim, bool) or not isinstance(dim, int) or dim < 1:
        raise ValueError(f"`dim` must be a whole number >= 1. Received: {dim!r}.")
    manifest = {"format": FORMAT, "dim": dim, "fingerprint": fingerprint}
    _refuse_existing(path)
    with staged(path) as staging:
        if model is not None:
            copy_directory(model, staging / MODEL)
        Store.create(staging / STORE)
        write_sealed(staging / MANIFEST, {**manifest, "operating_points": operating_points})
        _refuse_existing(path)


def read_manifest(path: Path) -> dict[str, Any]:
    """What `gallery.json` says.

    Raises:
        GalleryError: If `path` is no gallery.
        StoreError: If the file is missing, altered or of another format; the text names it.
    """
    if not path.is_dir():
        raise GalleryError(f"Expected a gallery at '{path}', but there is no such directory.")
    manifest = read_sealed(path / MANIFEST)
    if manifest.get("format") != FORMAT:
        raise StoreError(
            f"'{path / MANIFEST}' is of format {manifest.get('format')}, but this version reads"
            f" format {FORMAT}: use the version that wrote it."
        )
    return manifest


class Manifest:
    """What `gallery.json` says now; that another process has replaced it is seen by its stat.

    Args:
        path: The gallery's directory.

    Raises:
        GalleryError: If `path` is no gallery.
        StoreError: If the file is missing, altered or of another format.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = identity(path / MANIFEST)
        self._fields = read_manifest(path)

    def current(self) -> dict[str, Any]:
        """The fields; read anew only when the file is another one.

        Raises:
            ReplacedError: If the file is that of another gallery.
            StoreError: If it is missing or altered.
        """
        seen = identity(self._path / MANIFEST)
        if seen != self._seen:
            fields = read_manifest(self._path)
            for name in ("dim", "fingerprint"):
                if fields.get(name) != self._fields[name]:
                    raise ReplacedError(
                        f"'{self._path}' is another gallery than when it was opened, with the"
                        f" {name} {fields.get(name)}: open it again."
                    )
            self._seen, self._fields = seen, fields
        return self._fields

    def require_fingerprint(self, fingerprint: str) -> None:
        """Refuse another embedder than the one that made the vectors.

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
        """Rewrite the file with one more, or another, operating point; for the one writer.

        A kill at any moment leaves the old file or the new one, both whole.

        Raises:
            ValueError: If the point is no plain JSON.
            OSError: If the file cannot be written.
        """
        fields = read_manifest(self._path)
        points = {**fields["operating_points"], name: point}
        chosen = {DEFAULT_POINT: name} if default else {}
        write_sealed(self._path / MANIFEST, {**fields, "operating_points": points, **chosen})
        _sync(self._path)


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """A directory beside `path` that becomes `path` at the end, or goes away."""
    import shutil  # seldom needed, so not paid for at every start

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise GalleryError(
            f"'{path}' cannot be made, for '{path.parent}' is no folder: name another place."
        ) from error
    staging = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    staging.mkdir()
    try:
        with written(path):
            yield staging
            for made in [staging, *staging.rglob("*")]:
                _sync(made)
        os.rename(staging, path)
        _sync(path.parent)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def copy_directory(source: Path, target: Path) -> None:
    """Copy a directory to where nothing is yet; `copytree` would go on after a failure.

    Raises:
        OSError: If a file cannot be read or written.
    """
    import shutil

    target.mkdir()
    for path in source.iterdir():
        if path.is_dir():
            copy_directory(path, target / path.name)
        else:
            shutil.copy2(path, target / path.name)


def _sync(path: Path) -> None:
    """Bring a file's content, or a directory's list of names, to the disk."""
    if os.name == "posix":
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def identity(path: Path) -> tuple[int, int, int] | None:
    """What differs between a file and the one that replaced it; None where there is none."""
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _refuse_existing(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise GalleryError(
            f"'{path}' exists already: add to it, choose another path, or remove it first."
        )
