"""Keep a model's directory in the user's cache, or in a temporary folder where there is none."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

_NAME = "likewise"


def cache_folder() -> Path | None:
    """The folder for caches of likewise; None for a user without a home.

    Example:
        >>> import os
        >>> os.environ["XDG_CACHE_HOME"] = "/var/cache/me"
        >>> cache_folder().as_posix()
        '/var/cache/me/likewise'
        >>> del os.environ["XDG_CACHE_HOME"]
    """
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(chosen):  # its specification says to ignore a relative one
        return Path(chosen) / _NAME
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / _NAME
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / _NAME / "Cache"
    return home / ".cache" / _NAME


def kept(name: str, is_whole: Callable[[Path], bool], write: Callable[[Path], None]) -> Path:
    """A directory in the cache, written at first use and again when its files were altered.

    Processes that write it at once replace each other's files by equal ones.

    Args:
        name: The directory's name; equal names have equal files.
        is_whole: Tells whether a directory holds what `write` writes.
        write: Writes the files into an empty directory.

    Returns:
        The directory; where the cache cannot be written, a temporary one of this process.
    """
    folder = cache_folder()
    place = folder / name if folder else None
    if place is not None and is_whole(place):
        return place
    staging = Path(tempfile.mkdtemp(prefix="likewise-"))
    atexit.register(shutil.rmtree, staging, ignore_errors=True)
    write(staging)
    if place is not None and _put(staging, place) and is_whole(place):
        return place
    return staging


def _put(files: Path, place: Path) -> bool:
    """Copy files into the cache, each atomically; False where that is impossible."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        for file in files.iterdir():
            part = place / f".part-{secrets.token_hex(8)}"  # with the modes of the user's files
            try:
                part.write_bytes(file.read_bytes())
                part.replace(place / file.name)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
    except OSError:
        return False
    return True
