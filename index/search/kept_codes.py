"""The approximate search of a gallery on disk, `vectors.codes`: codes, and what they promise.

Derived like `vectors.faiss`, and valid only beside the one with the same mark.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from index.search.approximate import Approximation
from index.search.headed import is_of, read_headed, write_headed
from index.search.mark import Mark
from index.search.promise import Promise
from index.search.quantised import Quantised
from index.search.setting import CODES
from index.storage.files import open_plain


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
    write_headed(directory / CODES, mark, {"promise": kept.promise.to_json()}, content)


def read_promise(directory: Path) -> Promise | None:
    """Read what is promised; None if the file is missing or damaged, or of another format.

    Args:
        directory: The gallery's directory.
    """
    try:
        with open_plain(directory / CODES) as file:
            head = json.loads(file.readline())
        return Promise.from_json(head["promise"]) if is_of(head, None) else None
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
        read = read_headed(directory / CODES, mark)
        if read is None:
            return None
        head, content = read
        promise, coded = Promise.from_json(head["promise"]), None
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


def _is_ours(lists: Any, dim: int) -> bool:
    """Whether it is an index as we write it: of the type, the metric and the length of vectors."""
    fits = isinstance(lists, faiss.IndexIVFPQFastScan) and lists.metric_type == faiss.METRIC_L2
    return fits and bool(lists.by_residual) and lists.d == dim
