"""Parse lines of a CSV of pixels into pictures, and damaged lines into the reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from embedder.data.value_range import SetRange
from embedder.errors import ImageError

R = TypeVar("R")

_AT_ONCE = 1000


def pictures_of_rows(
    path: Path,
    rows: Iterator[R],
    line_of: Callable[[R], str],
    side: int,
    separator: str | None = ",",
) -> Iterator[tuple[R, np.ndarray | ImageError]]:
    """Read the square picture of each row of a table, a thousand at once.

    Args:
        path: The table.
        rows: All its rows.
        line_of: Gives a row's numbers as text.
        side: Height and width of each picture.
        separator: Between two numbers; None for blanks.

    Yields:
        Each row with its picture, uint8 `(side, side)`, or why it is no picture.
    """
    within = SetRange(f"the pixels in {path}")
    before = 0
    while chunk := list(islice(rows, _AT_ONCE)):
        lines = [line_of(row) for row in chunk]
        images = pictures_of_lines(lines, side, before, within, separator)
        yield from zip(chunk, images, strict=True)
        before += len(chunk)


def side_of(count: int) -> int | None:
    """The side of a square of so many pixels; None where they make no square.

    Example:
        >>> side_of(784), side_of(785)
        (28, None)
    """
    side = math.isqrt(count)
    return side if side * side == count else None


def pictures_of_lines(
    lines: list[str], side: int, before: int, within: SetRange, separator: str | None = ","
) -> Iterable[np.ndarray | ImageError]:
    """Read each line of numbers as a square picture; all at once where none is damaged.

    Args:
        lines: n lines of `side * side` numbers.
        side: Height and width of each picture.
        before: Number of rows of the table before these.
        within: The range of the whole table's values.
        separator: Between two numbers; None for blanks.

    Returns:
        uint8 `(side, side)` for each line, or why it is no picture.

    Raises:
        DatasetError: If the values fit no usual range, or not that of the rows before.

    Example:
        >>> list(pictures_of_lines(["0,1,1,0"], 2, 0, SetRange("the pixels")))
        [array([[  0, 255],
               [255,   0]], dtype=uint8)]
    """
    values = _numbers(lines, side * side, separator)
    if values is not None:
        return within.to_8_bits(values, before + 1).reshape(-1, side, side)
    rows = [_numbers([line], side * side, separator) for line in lines]
    whole = [row for row in rows if row is not None]
    images = iter(_pixels(whole, within, before).reshape(-1, side, side))
    return [
        _damaged(line.split(separator), side, number) if row is None else next(images)
        for number, (line, row) in enumerate(zip(lines, rows, strict=True), start=before + 1)
    ]


def _pixels(rows: list[np.ndarray], within: SetRange, before: int) -> np.ndarray:
    return within.to_8_bits(np.concatenate(rows), before + 1) if rows else np.empty(0, np.uint8)


def _damaged(values: list[str], side: int, row: int) -> ImageError:
    problem = f"row {row}: expected {side * side} pixels of 0..255, but it {_fault(values, side)}"
    return ImageError(f"{problem}: repair or remove the row.")


def _numbers(lines: list[str], count: int, separator: str | None) -> np.ndarray | None:
    """Read lines as `(len(lines), count)`; None if one is not `count` numbers of 0..255."""
    if not any(map(str.strip, lines)):  # NumPy would warn
        return None
    for dtype in (np.uint8, np.float32):
        with suppress(ValueError, OverflowError):
            values: np.ndarray = np.loadtxt(
                lines, dtype, delimiter=separator, comments=None, ndmin=2, quotechar='"'
            )
            right = values.shape == (len(lines), count)
            return values if right and ((values >= 0) & (values <= 255)).all() else None
    return None


def _fault(values: list[str], side: int) -> str:
    """Describe what is wrong with a line."""
    cells = [cell.strip().strip('"') for cell in values]
    if len(cells) != side * side:
        return f"has {len(cells)}"
    wrong = [cell for cell in cells if not (cell.isdecimal() and int(cell) <= 255)]
    return f"holds {wrong[0][:20]!r}" if wrong else "is quoted in an unknown way"
