"""The approximate search of a gallery on disk, `vectors.codes`: codes, and what they promise.

Derived like `vectors.faiss`, and valid only beside the one with the same mark.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from index.search.approximate import Approximation
from index.search.note import Mark
from index.search.promise import Promise
from index.search.quantised import Quantised
from index.search.setting import CODES
from index.storage.files import write_whole

_FORMAT = 1


def write_codes(directory: Path, mark: Mark, kept: Approximation) -> None:
    """Write the approximate search of a gallery, durably.

    Args:
        directory: The gallery's directory.
        mark: Which rows it is of.
        kept: What to write.

    Raises:
        OSError: If it cannot be written.
    """
    content = b"" if kept.coded is None else faiss.serialize_index(kept.coded.lists).tobytes()
    head = {
        "format": _FORMAT,
        "mark": asdict(mark),
        "promise": kept.promise.to_json(),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    write_whole(directory / CODES, json.dumps(head).encode() + b"\n" + content)


def read_promise(directory: Path) -> Promise | None:
    """Read what is promised; None if the file is missing or damaged, or of another format.

    Args:
        directory: The gallery's directory.
    """
    try:
        with open(directory / CODES, "rb") as file:
            return _promise(json.loads(file.readline()), None)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def read_codes(directory: Path, mark: Mark, dim: int) -> Approximation | None:
    """Read the approximate search of a gallery; None if it is missing, damaged or another's.

    Args:
        directory: The gallery's directory.
        mark: Which rows it must be of.
        dim: Length of the vectors.
    """
    try:
        first, _, content = (directory / CODES).read_bytes().partition(b"\n")
        head = json.loads(first)
        promise = _promise(head, mark)
        if promise is None or hashlib.sha256(content).hexdigest() != head["sha256"]:
            return None
        coded = None
        if promise.effort is not None:
            lists: Any = faiss.deserialize_index(np.frombuffer(content, np.uint8))
            if not _is_ours(lists, dim) or lists.ntotal < mark.count:
                return None
            coded = Quantised(lists)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, MemoryError):
        return None
    kept = Approximation(promise, coded)
    kept.unsaved = False
    return kept


def _promise(head: Any, mark: Mark | None) -> Promise | None:
    """What a head promises; None if it is of another format, or of other rows."""
    if head["format"] != _FORMAT or (mark is not None and head["mark"] != asdict(mark)):
        return None
    return Promise.from_json(head["promise"])


def _is_ours(lists: Any, dim: int) -> bool:
    """Whether it is an index as we write it: of the type, the metric and the length of vectors."""
    fits = isinstance(lists, faiss.IndexIVFPQFastScan) and lists.metric_type == faiss.METRIC_L2
    return fits and bool(lists.by_residual) and lists.d == dim
