"""Drafts: files and directories that are written beside their place and then take it.

A draft has the name of its place between a dot and eight hex digits, at least one of them a letter,
so that a copy that somebody hid with its date, as .shoes.gallery.20261130, is not taken for one. It
is locked while its writer lives. What a killed writer left is therefore recognised, and removed by
the next one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # on Windows, where a file that is open cannot be removed
    LOCKS = False
else:
    LOCKS = True

_ENDING = r"\.(?=[0-9]*[a-f])[0-9a-f]{8}"
_FILES = (
    r"\.(gallery\.json|vectors\.(faiss|json|cells|bounds|codes|names)|references\.mark"
    rf"|(evidence|pictures)-[0-9a-f]{{32}}\.npy){_ENDING}"
)
_DIRECTORY = rf"\..+{_ENDING}"
_IN_A_GALLERY = (
    r"model|gallery\.json|references\.(mark|sqlite(-wal|-shm|-journal)?)"
    rf"|vectors\.(faiss|json|cells|bounds|codes|names)|(evidence|pictures)-[0-9a-f]{{32}}\.npy|{_FILES}"
)


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """An empty file beside `path` that takes its place at the end, or is removed.

    Args:
        path: The file to write; an older one is replaced.

    Yields:
        The path to write to.

    Raises:
        OSError: If the file cannot be made or put in place; an older one stays.
    """
    beside = _beside(path)
    with _naming(path):
        # Closed early where a file that is open cannot be renamed.
        file = open(beside, "xb")  # noqa: SIM115
    try:
        if not LOCKS or not _lock(file.fileno()):
            file.close()
        yield beside
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    finally:
        file.close()


@contextmanager
def draft_directory(path: Path) -> Iterator[Path]:
    """A directory beside `path`, to be renamed by the caller; else it is removed.

    Args:
        path: The directory to make.
    """
    import shutil  # rarely needed, so imported here

    with ExitStack() as lock:
        beside = _made(path, lock)
        try:
            yield beside
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _made(path: Path, lock: ExitStack) -> Path:
    """Make a directory and lock it; another one where a sweep came in between, and removed it."""
    while True:
        beside = _beside(path)
        with _naming(path):
            beside.mkdir()
        with suppress(FileNotFoundError):
            if lock.enter_context(held(beside)) and beside.exists():
                return beside


def sweep_files(directory: Path) -> None:
    """Remove what killed writers left in a gallery; a file that cannot be removed does no harm."""
    for name in os.listdir(directory):
        if re.fullmatch(_FILES, name):
            with suppress(OSError), open(directory / name, "rb") as file:
                if _lock(file.fileno()):
                    os.unlink(directory / name)


def sweep_drafts(path: Path) -> None:
    """Remove what killed writers left of one file.

    Args:
        path: The file's place.
    """
    left = re.compile(rf"\.{re.escape(path.name)}{_ENDING}")
    for name in filter(left.fullmatch, os.listdir(path.parent)):
        with suppress(OSError), open(path.parent / name, "rb") as file:
            if _lock(file.fileno()):
                os.unlink(path.parent / name)


def sweep_directories(parent: Path) -> None:
    """Remove galleries that killed writers left unfinished beside their place, empty ones too."""
    import shutil

    if not LOCKS:
        return
    for name in os.listdir(parent):
        left = parent / name
        if re.fullmatch(_DIRECTORY, name) and is_unfinished(left):
            with suppress(OSError), held(left) as alone:
                if alone:
                    shutil.rmtree(left, ignore_errors=True)


def is_unfinished(directory: Path) -> bool:
    """Whether it holds nothing, or only what likewise writes into a gallery.

    Args:
        directory: Any path.
    """
    try:
        names = os.listdir(directory)
    except OSError:  # not a directory, or another user's
        return False
    return all(re.fullmatch(_IN_A_GALLERY, name) for name in names)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Make an error name the place that is known to the user, not the draft."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def _beside(path: Path) -> Path:
    while (digits := os.urandom(4).hex()).isdecimal():
        pass
    return path.with_name(f".{path.name}.{digits}")


@contextmanager
def held(directory: Path) -> Iterator[bool]:
    """Lock a directory for the block; yields False if another process has.

    Args:
        directory: Must exist.
    """
    if not LOCKS:
        yield True
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        yield _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock an open file until it is closed; False if another process has."""
    if not LOCKS:
        return True
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
    except OSError:
        return False
    return True
