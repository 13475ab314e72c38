"""Back up a gallery while others may write to it: a complete, verified copy of one moment.

SQLite's online backup copies the references under one snapshot; the manifest, the files that it
names and the model are copied as they were when the snapshot was taken. The derived index is
rebuilt, which verifies it. Does not make incremental backups.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from index.address import Address, Place
from index.documents import operating_points, require_own_model
from index.errors import GalleryError, ReplacedError, StoreError
from index.evidence import drop_evidence, evidence_path
from index.gallery import Gallery
from index.manifest import Identity, identity, read_manifest
from index.recovery import open_store
from index.references.copying import DamagedCopyError, damage_named, damaged_copy
from index.references.rows import State
from index.storage.directory import (
    MANIFEST,
    MODEL,
    STORE,
    continued,
    copy_directory,
    staged,
)
from index.storage.files import write_sealed

_TRIES = 100  # calibrations and upgrades that may interrupt one backup


def copy_gallery(
    source: Place,
    target: Place,
    *,
    timeout: float = 10.0,
    progress: Callable[[int], object] = lambda done: None,
) -> State:
    """Copy a gallery from a directory or a database to another: whole, or not at all.

    From and to a database, a copy that was cut off goes on when it is begun again.

    Args:
        source: Its directory or address; others may write to it.
        target: The directory or address of the copy; must not exist.
        timeout: Seconds to wait for another process's lock.
        progress: Called with the number of further references that are copied, to a database
            or out of one.

    Returns:
        The copy's state, which is the gallery's own.

    Raises:
        GalleryError: If there is no gallery at `source`, or something at `target`.
        StoreError: If a part of the gallery is altered, or the copy is not what was copied.
        OSError: If the copy cannot be written.
    """
    if isinstance(target, Path):
        return back_up(source, target, timeout=timeout, progress=progress)
    from index.postgres.copying import fill_database_from

    with Gallery.open(source, timeout=timeout) as gallery:
        return fill_database_from(*gallery.parts(), target, timeout, progress)


def back_up(
    path: Place,
    target: Path,
    *,
    timeout: float = 10.0,
    progress: Callable[[int], object] = lambda done: None,
) -> State:
    """Copy a gallery; writers are not blocked, and the gallery may be read-only.

    Args:
        path: The gallery's directory or address.
        target: Path of the copy; must not exist. It appears once the copy is complete, verified
            and on the disk. A kill leaves at most a directory beside it whose name starts with
            a dot; of a gallery in a database one that ends in `.part`, which the next attempt
            goes on with.
        timeout: Seconds to wait for another process's lock.
        progress: Called with the number of further references that came from a database.

    Returns:
        The copy's state: its generation and number of references.

    Raises:
        GalleryError: If `path` is not a gallery, or `target` exists already or is inside it.
        StoreError: If a file of the gallery is missing or altered, or the copy is incomplete.
        OSError: If the copy cannot be written.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with Gallery.create(folder / "pets", dim=2, fingerprint="3f9a1c") as gallery:
        ...     gallery.add(["a", "b"], np.eye(2, dtype=np.float32), ["cat", "dog"])
        >>> back_up(folder / "pets", folder / "copy").count
        2
        >>> with Gallery.open(folder / "copy") as copy:
        ...     copy.labels
        {'cat': 1, 'dog': 1}
    """
    _refuse_existing(target)
    if isinstance(path, Address):
        from index.postgres.copying import fill_directory_from

        with continued(target) as copy:
            state = fill_directory_from(path, copy, timeout, progress)
            try:
                _prove(copy, state)
            except DamagedCopyError as error:
                shutil.rmtree(copy)
                raise damaged_copy(path, error) from error
        return state
    read_manifest(path)  # refuse what is not a gallery before anything is written
    if target.resolve().is_relative_to(path.resolve()):
        raise GalleryError(
            f"'{target}' is inside the gallery '{path}': choose a target outside it."
        )
    with staged(target) as copy:
        state = _copy_of_one_moment(path, copy, timeout)
        try:
            _prove(copy, state)
        except DamagedCopyError as error:
            raise damaged_copy(path, error) from error
        _refuse_existing(target)
    return state


def _copy_of_one_moment(path: Path, copy: Path, timeout: float) -> State:
    """Copy the store's snapshot with the manifest and the model that stood before and after it.

    A calibration replaces the manifest, an upgrade the whole directory: then it is done again.
    """
    model: Identity = None
    for _ in range(_TRIES):
        if identity(path / MODEL) != model:
            model = _copied_model(path / MODEL, copy / MODEL)
        before = identity(path / MANIFEST), model
        with (
            suppress(ReplacedError),
            closing(open_store(path, timeout=timeout)) as store,
            store.reading() as state,
        ):
            copied = _copied_manifest(path, copy)
            if copied and (identity(path / MANIFEST), identity(path / MODEL)) == before:
                store.copy_to(copy / STORE)
                return state
        read_manifest(path)  # it may be gone, or damaged
    raise StoreError(
        f"'{path}' was calibrated or upgraded {_TRIES} times during the copy: try again when "
        "nothing does that."
    )


def _copied_model(model: Path, copy: Path) -> Identity:
    """Copy the model, in place of an earlier one's copy; returns which one it is."""
    shutil.rmtree(copy, ignore_errors=True)
    before = identity(model)
    if before is not None:
        try:
            copy_directory(model, copy)
        except FileNotFoundError:
            if identity(model) == before:
                raise
    return before


def _copied_manifest(path: Path, copy: Path) -> bool:
    """Copy the manifest and the files that it names; False if it was replaced meanwhile."""
    fields = read_manifest(path)
    points = operating_points(path / MANIFEST, fields).values()
    files = {file for point in points for file in point.files}
    try:
        for kind, name in files:
            shutil.copyfile(evidence_path(path, kind, name), evidence_path(copy, kind, name))
    except FileNotFoundError:
        if read_manifest(path) == fields:
            raise
        return False
    drop_evidence(copy, keep=files)  # from an earlier attempt
    write_sealed(copy / MANIFEST, fields)
    return True


def _prove(copy: Path, state: State) -> None:
    """Open the copy and read all of it; closing it writes its derived index."""
    with damage_named(), Gallery.open(copy) as gallery:
        gallery.verify()
        require_own_model(gallery.model_path, gallery.fingerprint)
        if (gallery.generation, len(gallery)) != (state.generation, state.count):
            raise DamagedCopyError("it is not the state that was copied")


def _refuse_existing(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise GalleryError(
            f"'{target}' exists already: give the copy another name, or remove it first."
        )
