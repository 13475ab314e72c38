"""The file that FAISS reads and writes, with a size and a digest that a note proves it by."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from index.search.mark import Mark
from index.search.note import Note
from index.storage.drafts import draft

_BLOCK = 16 << 20  # bytes hashed at a time, so that other threads can run in between


def read_index(path: Path, dim: int, note: Note) -> Any | None:
    """Read the index; None if it is missing, damaged, or not what the note says.

    Args:
        path: The file.
        dim: Length of the vectors.
        note: What it must be.
    """
    try:
        before = os.stat(path)
        if (note.dim, note.size) != (dim, before.st_size) or note.sha256 != _digest(path):
            return None
        with _for_faiss(path, "rb") as source:
            index = faiss.read_index(source)
        if _identity(os.stat(path)) != _identity(before):
            return None  # replaced by a writer while we read
    except (OSError, RuntimeError, MemoryError):
        return None
    return index if _is_ours(index, dim, note.mark) else None


def write_index(path: Path, index: Any) -> tuple[int, str]:
    """Write an index in one step; its size in bytes, and its digest.

    Args:
        path: The file.
        index: A `faiss.IndexIDMap`.

    Raises:
        OSError: If it cannot be written; an older file stays.
    """
    with draft(path) as beside:
        with _for_faiss(beside, "wb") as target:
            faiss.write_index(index, target)
        return os.stat(beside).st_size, _digest(beside)


def _is_ours(index: Any, dim: int, mark: Mark) -> bool:
    """Whether it is an index as we write it: of the type, the metric and the rows of its note."""
    if not isinstance(index, faiss.IndexIDMap) or (index.d, index.ntotal) != (dim, mark.count):
        return False
    flat = faiss.downcast_index(index.index)
    if type(flat) is not faiss.IndexFlatL2 or flat.metric_type != faiss.METRIC_L2:
        return False
    slots = faiss.vector_to_array(index.id_map)
    if (flat.d, flat.ntotal, len(slots)) != (dim, mark.count, mark.count):
        return False
    ascending = np.concatenate([[0], slots, [mark.last_slot + 1]])
    return bool((np.diff(ascending) > 0).all())


@contextlib.contextmanager
def _for_faiss(path: Path, mode: str) -> Iterator[Any]:
    """A file for FAISS: its path if that is UTF-8, else an open file."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        callbacks: Any = faiss  # its stub lacks them
        with path.open(mode) as file:
            yield (
                callbacks.PyCallbackIOReader(file.read)
                if "r" in mode
                else callbacks.PyCallbackIOWriter(file.write)
            )
    else:
        yield str(path)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _identity(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
