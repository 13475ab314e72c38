"""Convert cells of a table, or values of an array, to labels.

Programs write a column of whole numbers with a missing one as floats: 7 becomes 7.0, and in text
it stays so. Such a column is read as numbers, whatever its type; any other is read as written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from likewise.names import WHOLE, normal

_SCIENTIFIC = re.compile(r"-?\d[.,]\d+[eE][+-]\d+")  # as numpy.savetxt writes all numbers
_MISSING = frozenset(("nan", "na", "n/a", "<na>", "none", "null"))  # in a column of numbers


def as_label(value: object) -> str | None:
    """Convert a value to a label; an empty text, NaN, NaT and NA mean no label.

    Example:
        >>> as_label("cat"), as_label(7), as_label(7.0), as_label(" "), as_label(float("nan"))
        ('cat', '7', '7', None, None)
        >>> as_label(b"cat")
        'cat'
    """
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if value is None or (not isinstance(value, str) and _is_no_value(value)):
        return None
    return normal(str(value)) or None


def _is_no_value(value: Any) -> bool:
    """Whether a value stands for none: unequal to itself, or pandas' NA, which is neither."""
    try:
        return bool(value != value)
    except TypeError:
        return True


def reader_of(column: Iterable[object]) -> Callable[[object], str | None]:
    """Choose how the labels of a column are read, by all of its values.

    Args:
        column: Every value of the column; read up to the first that is not a whole number.

    Returns:
        `as_label`, or for a column of whole numbers a function that reads 7.0 as 7 too.

    Example:
        >>> list(map(reader_of(["7.0", "", "nan"]), ["7.0", "", "nan"]))
        ['7', None, None]
        >>> list(map(reader_of(["7.0", "7.5"]), ["7.0", "7.5"]))  # versions, say
        ['7.0', '7.5']
        >>> list(map(reader_of(["007", "7.0"]), ["007", "7.0"]))
        ['007', '7.0']
    """
    numbers = 0
    for value in column:
        label = as_label(value)
        if label is not None and label.casefold() not in _MISSING:
            if _number(label) is None:
                return as_label
            numbers += 1
    return _numeric if numbers else as_label


def _numeric(value: object) -> str | None:
    label = as_label(value)
    if label is None or label.casefold() in _MISSING:
        return None
    number = _number(label)
    return label if number is None else number


def _number(label: str) -> str | None:
    """Spell a whole number without a point; None for any other text."""
    if whole := WHOLE.fullmatch(label):
        return "0" if whole[1] == "-0" else whole[1]
    if _SCIENTIFIC.fullmatch(label):
        value = float(label.replace(",", "."))
        if value.is_integer() and abs(value) < 2**53:
            return str(int(value))
    return None
