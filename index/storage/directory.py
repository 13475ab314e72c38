"""A gallery's directory, created atomically."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from index.errors import BusyError, GalleryError
from index.references.local import Store
from index.storage.drafts import draft_directory, held, is_unfinished, sweep_directories
from index.storage.files import write_sealed, written

FORMAT = 1
MANIFEST, MODEL, STORE = "gallery.json", "model", "references.sqlite"


@contextmanager
def created(path: Path) -> Iterator[Path]:
    """A temporary directory that becomes `path` at the end, which must not exist.

    Args:
        path: The directory to make, atomically even if killed.

    Raises:
        GalleryError: If `path` exists already.
        OSError: If the directory cannot be written.
    """
    _refuse_existing(path)
    with staged(path) as staging:
        yield staging
        _refuse_existing(path)


def fill_directory(
    directory: Path,
    dim: int,
    fingerprint: str,
    operating_points: Mapping[str, Mapping[str, Any]],
    model: Path | None,
) -> None:
    """Write the files of an empty gallery into an empty directory.

    Args:
        directory: The directory to fill.
        dim: Length of the vectors, >= 1.
        fingerprint: Identifies the embedder that makes the vectors.
        operating_points: Named thresholds, each a JSON object.
        model: Directory of the model to copy in, or None.

    Raises:
        ValueError: If an operating point is not plain JSON.
        OSError: If a file cannot be written.
    """
    if model is not None:
        copy_directory(model, directory / MODEL)
    Store.create(directory / STORE)
    write_sealed(directory / MANIFEST, first_manifest(dim, fingerprint, operating_points))


def first_manifest(
    dim: int, fingerprint: str, operating_points: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The manifest of a new gallery.

    Args:
        dim: Length of the vectors, >= 1.
        fingerprint: Identifies the embedder that makes the vectors.
        operating_points: Named thresholds, each a JSON object.
    """
    fields = {"format": FORMAT, "dim": dim, "fingerprint": fingerprint}
    return {**fields, "operating_points": operating_points}


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """A temporary directory that becomes `path` at the end, or is removed."""
    _make_parent(path)
    with written(path), draft_directory(path) as staging:
        yield staging
        _take_place(staging, path)


@contextmanager
def continued(path: Path) -> Iterator[Path]:
    """The directory `path` with `.part` at its end, which becomes `path` at the end.

    It stays if the block is cut off, and is there again the next time.

    Args:
        path: The directory to make; must not exist.

    Raises:
        GalleryError: If `path` exists, or something else is at the other place.
        BusyError: If another process is making it.
    """
    _refuse_existing(path)
    _make_parent(path)
    part = unfinished(path)
    if part.exists() and not is_unfinished(part):
        raise GalleryError(f"'{part}' is in the way, and no unfinished copy: move it elsewhere.")
    with written(path):
        part.mkdir(exist_ok=True)
        with held(part) as alone:
            if not alone:
                raise BusyError(f"Another process is making '{path}': wait for its end.")
            yield part
            _refuse_existing(path)
            _take_place(part, path)


def unfinished(path: Path) -> Path:
    """Where `continued` makes a directory.

    Args:
        path: The directory that it will be.
    """
    return path.with_name(f"{path.name}.part")


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A temporary directory that takes the place of `path` at the end, or is removed.

    Args:
        path: An existing directory, and no link to one; removed once the new one has its place.

    Raises:
        OSError: If the new one cannot be written; the older one stays.
    """
    from likewise.exchange import exchange  # rarely needed, so imported here

    sweep_directories(path.parent)
    with written(path), draft_directory(path) as staging:
        yield staging
        _sync_all(staging)
        exchange(staging, path, _aside(path))
        sync(path.parent)


def left_aside(path: Path) -> Path | None:
    """The older directory of a replacement that was cut off, if there is one.

    Args:
        path: The directory that was to be replaced.
    """
    aside = _aside(path)
    return aside if aside.is_dir() and not path.exists() else None


def _aside(path: Path) -> Path:
    """Where the older directory is for a moment, where names cannot be exchanged in one step."""
    return path.with_name(f"{path.name}.before-upgrade")


def _make_parent(path: Path) -> None:
    """Make the folder of a directory, and remove what killed writers left there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise GalleryError(
            f"Cannot create '{path}': '{path.parent}' is not a folder. Choose another path."
        ) from error
    sweep_directories(path.parent)


def _take_place(staging: Path, path: Path) -> None:
    _sync_all(staging)
    try:
        os.rename(staging, path)
    except OSError:
        _refuse_existing(path)  # another writer was first
        raise
    sync(path.parent)


def _sync_all(directory: Path) -> None:
    for entry in [directory, *directory.rglob("*")]:
        sync(entry)


def copy_directory(source: Path, target: Path) -> None:
    """Copy a directory to an unused path; unlike `copytree`, stop at the first failure.

    Args:
        source: The directory to copy.
        target: The directory to make.

    Raises:
        OSError: If a file cannot be read or written.
    """
    import shutil

    target.mkdir()
    for path in source.iterdir():
        if path.is_dir():
            copy_directory(path, target / path.name)
        else:
            shutil.copyfile(path, target / path.name)  # a copy has the modes of new files


def sync(path: Path) -> None:
    """Sync a file's content, or a directory's entries, to the disk."""
    if os.name == "posix":
        handle = os.open(path, os.O_RDONLY)
        try:
            with written(path):
                os.fsync(handle)
        finally:
            os.close(handle)


def _refuse_existing(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise GalleryError(
            f"'{path}' exists already: add to it, choose another path, or remove it first."
        )
