"""Write a model's directory: to a new path or over an earlier model, nothing else.

The destination is checked before a training or an import begins, so that no hour of work ends in a
refusal.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from embedder.data.bundled import is_bundled
from embedder.errors import ModelError
from embedder.manifest import write_manifest
from likewise.exchange import exchange

_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
_IN_HDF5 = re.compile(r"\berrno = (\d+)")


def check_destination(out: Path, *data: str) -> None:
    """Refuse a destination where anything but a model would be lost.

    Args:
        out: Directory of the model to be.
        data: What the training or the import reads: labelled pictures, or a model.

    Raises:
        ModelError: If `out` has no name of its own, is there and is neither an earlier model nor
            an empty directory, lies below a file, or holds some of the data.

    Example:
        >>> check_destination(Path("pyproject.toml"))
        Traceback (most recent call last):
        ...
        embedder.errors.ModelError: Expected a new directory or an earlier model at ...
    """
    if out.name in ("", ".."):
        raise ModelError(
            f"Expected a directory with a name of its own for the model, not '{out}': "
            "choose one with --out, such as models/new."
        )
    if out.is_symlink() or (out.exists() and not _is_replaceable(out)):
        raise ModelError(
            f"Expected a new directory or an earlier model at '{out}', but something else is "
            "there: choose another path with --out."
        )
    if is_below_file(out):
        raise ModelError(
            f"No directory can be made at '{out}': a part of that path is no directory. Choose "
            "another with --out."
        )
    for source in data:
        if not is_bundled(source) and Path(source).resolve().is_relative_to(out.resolve()):
            raise ModelError(
                f"The model at '{out}' would be replaced, but it contains '{source}', from "
                "which it is made: choose another path with --out."
            )


def is_below_file(out: Path) -> bool:
    """Whether a path leads through what is there and is no directory.

    Args:
        out: A path, there or not.

    Example:
        >>> is_below_file(Path("pyproject.toml/models/new")), is_below_file(Path("models/new"))
        (True, False)
    """
    return any(os.path.lexists(each) and not each.is_dir() for each in out.parents)


def _is_replaceable(out: Path) -> bool:
    return out.is_dir() and ((out / "model.json").is_file() or not any(out.iterdir()))


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Make the error of a full or failing disk name `path`, as the user knows it.

    By itself it names nothing or a temporary file, and HDF5 hides it among its own addresses.

    Args:
        path: What is written.

    Raises:
        OSError: The block's own error, with the name.
    """
    try:
        yield
    except OSError as error:
        hidden = _IN_HDF5.search(str(error))
        number = int(hidden[1]) if hidden else error.errno
        if number not in _OF_THE_DISK:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error


@contextmanager
def new_model(out: Path) -> Iterator[Path]:
    """Make a directory for a model's files that becomes `out` when all of it is written.

    Args:
        out: Directory of the model; an earlier model is replaced once the new one is whole, in one
            step where the system can.

    Yields:
        The directory to write into; it is removed if anything fails.

    Raises:
        ModelError: If `out` is there and is no model.
        OSError: If it cannot be written; its `filename` is `out`.
    """
    check_destination(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        with written(out):
            yield staging
            staging.chmod(0o755)
            _put(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def describe(staging: Path, entries: Mapping[str, Any]) -> dict[str, Any]:
    """Write `model.json` beside the files of a model, with the hash of each.

    Args:
        staging: The directory, with all other files in it.
        entries: Entries of `model.json`; `files` is added.

    Returns:
        The contents of `model.json`.
    """
    files = {file.name: _sha256(file) for file in sorted(staging.iterdir())}
    manifest = {**entries, "files": files}
    write_manifest(staging, manifest)
    return manifest


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _put(staging: Path, out: Path) -> None:
    """Rename `staging` to `out`; an older model is then at `staging`."""
    old = out.with_name(f".{out.name}-old")
    if out.exists():
        shutil.rmtree(old, ignore_errors=True)  # what a kill left beside the model
        exchange(staging, out, old)
    else:
        staging.rename(out)
        shutil.rmtree(old, ignore_errors=True)
