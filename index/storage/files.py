"""Atomic files, checksummed JSON, and errors of the disk that name the file."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from index.errors import StoreError
from index.storage.drafts import draft

_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
_SEAL = "checksum"
_SMALL = 1 << 17  # bytes: what SQLite's locks and a short log need


@contextmanager
def written(path: Path | str) -> Iterator[None]:
    """Make the error of a full or failing disk name `path`.

    By itself Python's error names nothing or, for a copy, the source.

    Raises:
        OSError: The block's own error, with the name.

    Example:
        >>> with written("rows.csv"):
        ...     raise OSError(errno.ENOSPC, "No space left on device")
        Traceback (most recent call last):
        OSError: [Errno 28] No space left on device: 'rows.csv'
    """
    try:
        yield
    except OSError as error:
        if error.errno in _OF_THE_DISK:
            error.filename = str(path)
        raise


def is_full(path: Path) -> bool:
    """Whether the disk that `path` lies on has no room for another small file."""
    import shutil  # seldom needed, so not paid for at every start

    try:
        return shutil.disk_usage(path.parent).free < _SMALL
    except OSError:
        return False


def open_plain(path: Path, buffering: int = -1) -> IO[bytes]:
    """Open a plain file for reading; anything else, as a pipe, might keep us waiting for ever.

    Args:
        path: The file.
        buffering: As for `open`.

    Raises:
        OSError: If it is missing, cannot be read, or is no plain file.
    """
    ways = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, ways)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
    return open(descriptor, "rb", buffering=buffering)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file atomically and durably, replacing an older one.

    Args:
        path: Path of the file. A kill may leave a hidden temporary file beside it.
        content: The whole content.

    Raises:
        OSError: If it cannot be written; an older file stays.
    """
    with written(path), draft(path) as beside, open(beside, "r+b") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_sealed(path: Path, fields: Mapping[str, Any]) -> None:
    """Write `fields` with their checksum to `path`, atomically and durably.

    Args:
        path: The file to write.
        fields: A JSON object.

    Raises:
        ValueError: If `fields` cannot be written as JSON.
        OSError: If the file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_sealed(Path(folder, "a.json"), {"format": 1})
        ...     read_sealed(Path(folder, "a.json"))
        {'format': 1}
    """
    write_whole(path, sealed_text(path.name, fields).encode())


def read_sealed(path: Path) -> dict[str, Any]:
    """Read the fields that `write_sealed` wrote.

    Raises:
        StoreError: If the file is missing, of another kind, or altered.
    """
    try:
        with open_plain(path) as file:
            text = file.read().decode()
    except OSError as error:
        raise StoreError(f"Cannot read '{path}': {error.strerror or error}.") from error
    except ValueError as error:
        raise StoreError(f"'{path}' was altered: it is not the JSON that was written.") from error
    return unsealed(path, text)


def sealed_text(name: object, fields: Mapping[str, Any]) -> str:
    """`fields` with their checksum, as JSON.

    Args:
        name: What messages call it.
        fields: A JSON object.

    Raises:
        ValueError: If `fields` cannot be written as JSON.
    """
    try:
        text = json.dumps({**fields, _SEAL: _seal(fields)}, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        message = f"`{name}` must hold plain JSON values. Received: {error}."
        raise ValueError(message) from error
    return f"{text}\n"


def unsealed(name: object, text: str) -> dict[str, Any]:
    """Read the fields that `sealed_text` wrote.

    Args:
        name: What messages call it.
        text: What was written.

    Raises:
        StoreError: If it is of another kind, or altered.
    """
    try:
        fields = json.loads(text)
        seal = fields.pop(_SEAL)
        intact = seal == _seal(fields)
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise StoreError(f"'{name}' was altered: it is not the JSON that was written.") from error
    if not intact:
        raise StoreError(f"'{name}' was altered: its content does not match its checksum.")
    return dict(fields)


def _seal(fields: Mapping[str, Any]) -> str:
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()
