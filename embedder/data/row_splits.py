"""Parts of a table, such as training and test rows, by a column that names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from embedder.data.records import Record, Records
from embedder.data.split_names import is_split, role_of
from embedder.errors import DatasetError, ImageError

_COLUMNS = ("split", "usage", "subset", "partition", "set", "fold", "phase")
_SHOWN = 5


def rows_of_split(source: str, stream: Records, split: str) -> Records:
    """Keep the rows of one part; damaged rows, whose part is unknown, stay.

    A row that names no part is in none: in all of them it would be trained on and tested with.

    Args:
        source: Name of the table, for messages.
        stream: Its records, which can be read again.
        split: `train`, `test`, or the name of a part as the column spells it.

    Raises:
        DatasetError: If no column names parts, or none is this part.

    Example:
        >>> rows = [Record(id, None, DatasetError, {"Usage": id}) for id in ("Training", "Test")]
        >>> kept = rows_of_split("fer.csv", Records(lambda: iter(rows), 2), "train")
        >>> [record.id for record in kept]
        ['Training']
    """

    def kept() -> Iterator[Record]:
        for record in stream.again() or ():
            column = _column(record.metadata)
            if column is None:
                is_kept = isinstance(record.image, ImageError)
            else:
                is_kept = is_split(str(record.metadata[column]), split)
            if is_kept:
                yield record

    _require_part(source, stream, split)
    return Records(kept, None, notes=stream.notes, are_distinct=stream.are_distinct)


def note_of_splits(source: str, stream: Records) -> list[str]:
    """Report that all parts of a table are read, where its first row names one.

    Args:
        source: Name of the table.
        stream: Its records.
    """
    for record in stream.peek(1):
        column = _column(record.metadata)
        if column is not None and role_of(str(record.metadata[column])):
            part = record.metadata[column]
            return [f"All parts of {source} are read, whatever {column!r} says: --split {part}."]
    return []


def _column(columns: Mapping[str, Any]) -> str | None:
    """Name the column of parts; None without one."""
    return next((name for name in columns if name.strip().casefold() in _COLUMNS), None)


def _require_part(source: str, stream: Records, split: str) -> None:
    parts: dict[str, None] = {}
    for record in stream.again() or ():
        column = _column(record.metadata)
        if column is not None:
            part = str(record.metadata[column])
            if is_split(part, split):
                return
            parts[part] = None
    if not parts:
        raise DatasetError(f"{source} has no splits: leave out the split {split!r}.")
    names = ", ".join(list(parts)[:_SHOWN])
    raise DatasetError(f"{source} has no split {split!r}, but {names}: name one of them.")
