"""Labels and ids of a gallery by column on disk, `vectors.names`, mapped into memory.

Derived from the references like `vectors.faiss`, with a mark of its own. A file that is missing,
truncated, damaged or of another format is made again. Lines of JSON and blanks, then the columns.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.search.columns import Columns
from index.search.label_table import LabelTable
from index.search.mark import Mark
from index.storage.drafts import draft
from index.storage.files import open_plain, written

NAMES = "vectors.names"
_FORMAT = 1
_HEAD = 512  # bytes
_TYPES = ("<i8", "<u8", "<i8", "<i4", "<u1")  # slots, hashes, offsets, codes, text: each aligned


def write_names(directory: Path, columns: Columns) -> None:
    """Write the names of a gallery, durably.

    Args:
        directory: The gallery's directory.
        columns: What to write.

    Raises:
        OSError: If it cannot be written; an older file stays.
    """
    labels = columns.labels
    every = (columns.slots, columns.hashes, labels.offsets, columns.codes, labels.text)
    stored = [
        np.ascontiguousarray(column, kind) for column, kind in zip(every, _TYPES, strict=True)
    ]
    head = {
        "format": _FORMAT,
        "mark": asdict(columns.mark),
        "sizes": [len(column) for column in stored],
        "sha256": _digest(stored),
    }
    path = directory / NAMES
    with written(path), draft(path) as beside, open(beside, "r+b") as file:
        file.write(json.dumps(head).encode().ljust(_HEAD - 1) + b"\n")
        for column in stored:
            file.write(column.data)
        file.flush()
        os.fsync(file.fileno())


def read_mark(directory: Path) -> Mark | None:
    """Which rows the file holds, by its head alone; None if that is missing or damaged."""
    try:
        with open_plain(directory / NAMES) as file:
            return _mark(json.loads(file.read(_HEAD)))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def read_names(directory: Path) -> Columns | None:
    """Map the names of a gallery; None if they are missing, damaged or of another format."""
    try:
        with open_plain(directory / NAMES) as file:
            memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        head = json.loads(memory[:_HEAD])
        mark = _mark(head)
        columns = _columns(memory, head["sizes"])
        if mark is None or _digest(columns) != head["sha256"]:
            return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    slots, hashes, offsets, codes, text = columns
    names = Columns(mark, slots, hashes, codes, LabelTable(offsets, text))
    return names if _fits(names) else None


def _mark(head: dict[str, Any]) -> Mark | None:
    mark = head["mark"]
    if head["format"] != _FORMAT or set(mark) != {field.name for field in fields(Mark)}:
        return None
    return Mark(**mark) if set(map(type, mark.values())) == {int} else None


def _columns(memory: mmap.mmap, sizes: list[int]) -> list[npt.NDArray[Any]]:
    columns, start = [], _HEAD
    for size, kind in zip(sizes, _TYPES, strict=True):
        columns.append(np.frombuffer(memory, kind, size, start))
        start += columns[-1].nbytes
    if start != len(memory):
        raise ValueError("the file has another size than its head says")
    return columns


def _digest(columns: list[npt.NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for column in columns:
        digest.update(column.data)
    return digest.hexdigest()


def _fits(names: Columns) -> bool:
    """Whether the columns fit each other, so that no use of them can fail."""
    count, offsets, codes = names.mark.count, names.labels.offsets, names.codes
    if not len(names.slots) == len(names.hashes) == len(codes) == count or not len(offsets):
        return False
    ascending = np.concatenate([[0], names.slots, [names.mark.last_slot + 1]])
    if not (np.diff(ascending) > 0).all() or offsets[0] or offsets[-1] != len(names.labels.text):
        return False
    in_range = not count or (codes.min() >= 0 and codes.max() <= len(names.labels))
    return bool(in_range and (np.diff(offsets) > 0).all() and (names.counts > 0).all())
