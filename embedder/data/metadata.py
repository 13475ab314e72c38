"""Convert further columns of a list, of any type, to plain JSON."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from enum import Enum
from typing import Any

import numpy as np

from embedder.data.records import as_text

_DEEPEST = 32  # levels of lists and objects within each other
_SHORT = 256  # bytes that are kept as base64
_LARGEST = 2**63  # what JSON's readers take for a whole number


def plain_metadata(metadata: Mapping[Any, Any]) -> dict[str, Any]:
    """Convert the metadata of a picture to what JSON can hold.

    Dates and times become ISO 8601, other values text, NaN null. Long bytes, such as a second
    picture, are left out for their number.

    Example:
        >>> plain_metadata({"taken": date(2024, 5, 1), "grade": float("nan"), 7: {1}})
        {'taken': '2024-05-01', 'grade': None, '7': [1]}
    """
    return {_key(name): _plain(value, _DEEPEST) for name, value in metadata.items()}


def _plain(value: Any, levels: int) -> Any:
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return as_text(value)
    if isinstance(value, int):
        return int(value) if -_LARGEST <= value < _LARGEST else str(value)
    if isinstance(value, float):
        return _number(float(value))
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist(), levels)
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _nested(value, levels - 1) if levels else as_text(str(value)[:_SHORT])
    return _single(value)


def _nested(value: Any, levels: int) -> Any:
    if isinstance(value, Mapping):
        return {_key(name): _plain(item, levels) for name, item in value.items()}
    items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
    return [_plain(item, levels) for item in items]


def _number(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)


def _single(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        content = bytes(value)
        return base64.b64encode(content).decode() if len(content) <= _SHORT else _left_out(content)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return as_text(str(value))


def _left_out(content: bytes) -> str:
    return f"{len(content)} bytes"


def _key(name: Any) -> str:
    return as_text(name if isinstance(name, str) else str(_plain(name, 1)))
