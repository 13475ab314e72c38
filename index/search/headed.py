"""Derived files of a line of JSON, the head, and binary content: cells, and approximate search.

The head says which rows the file is of, and has a digest of the content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from index.search.mark import Mark
from index.storage.files import open_plain, write_whole

_FORMAT = 1


def write_headed(path: Path, mark: Mark, fields: Mapping[str, Any], content: bytes) -> None:
    """Write a file, durably.

    Args:
        path: The file.
        mark: Which rows it is of.
        fields: What else the head says.
        content: What follows it.

    Raises:
        OSError: If it cannot be written.
    """
    head = {"format": _FORMAT, "mark": asdict(mark), **fields}
    head["sha256"] = hashlib.sha256(content).hexdigest()
    write_whole(path, json.dumps(head).encode() + b"\n" + content)


def read_headed(path: Path, mark: Mark | None = None) -> tuple[dict[str, Any], bytes] | None:
    """Read head and content; None if the content is damaged, or it is of others.

    Args:
        path: The file.
        mark: Which rows it must be of; None for any.

    Raises:
        OSError: If it cannot be read, or is no plain file.
        ValueError, TypeError, KeyError: If the head is damaged.
    """
    with open_plain(path) as file:
        first, _, content = file.read().partition(b"\n")
    head = json.loads(first)
    if not is_of(head, mark) or hashlib.sha256(content).hexdigest() != head["sha256"]:
        return None
    return head, content


def is_of(head: Any, mark: Mark | None) -> bool:
    """Whether a head is of this format, and of certain rows.

    Args:
        head: The first line, read.
        mark: Which rows; None for any.
    """
    return head["format"] == _FORMAT and (mark is None or head["mark"] == asdict(mark))
