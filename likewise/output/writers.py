"""Write rows to a stream or a file: JSON lines, CSV, Parquet, or a table for people.

Files are written atomically, to a temporary name first.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from embedder.data.parquet import import_pyarrow
from index.storage.drafts import draft, sweep_drafts
from index.storage.files import written
from likewise.errors import LikewiseError
from likewise.output.columns import arrow_schema, in_order, is_number
from likewise.output.printable import printable
from likewise.output.rows import Row, flat, for_people, json_line, together

_ENDINGS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet"}
_AT_ONCE = 1024


class Writer(Protocol):
    """Protocol of a writer of rows."""

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""

    def close(self) -> None:
        """Finish the output; the stream stays open."""


class JsonLines:
    """One JSON object per line."""

    def __init__(self, stream: BinaryIO, columns: Sequence[str]) -> None:
        self._stream = stream

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        self._stream.write(b"".join(map(json_line, rows)))

    def close(self) -> None:
        """Nothing stands at the end."""


class Csv:
    """One line per row, its neighbours in numbered columns; nothing where there is no value."""

    def __init__(self, stream: BinaryIO, columns: Sequence[str]) -> None:
        self._stream = stream
        self._columns = columns
        self._lines([columns])

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        cells = map(flat, rows)
        self._lines([row.get(name) for name in self._columns] for row in cells)

    def _lines(self, rows: Iterable[Sequence[Any]]) -> None:
        lines = _Lines()
        csv.writer(lines, lineterminator=_Lines.END).writerows(rows)
        self._stream.write("".join(lines.written).encode())

    def close(self) -> None:
        """Nothing stands at the end."""


class _Lines:
    """Lines of a CSV that end in LF, though cells with a CR are quoted as well.

    Before Python 3.13 the writer quotes a CR only where it is part of the line's end.
    """

    END = "\r\n"

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, line: str) -> None:
        self.written.append(f"{line.removesuffix(self.END)}\n")


class Table:
    """Columns for people; a long table comes in parts, so that it need not wait for its end."""

    def __init__(self, stream: BinaryIO, columns: Sequence[str]) -> None:
        self._stream = stream
        self._waiting: list[Row] = []

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        self._waiting += for_people(rows)
        while len(self._waiting) >= _AT_ONCE:
            self._draw(self._waiting[:_AT_ONCE])
            del self._waiting[:_AT_ONCE]

    def close(self) -> None:
        """Write the rows that waited for a full part."""
        if self._waiting:
            self._draw(self._waiting)
            self._waiting = []

    def _draw(self, rows: list[Row]) -> None:
        from tabulate import tabulate

        names = in_order({name for row in rows for name in row})
        cells = [[_cell(row.get(name)) for name in names] for row in rows]
        words = [place for place, name in enumerate(names) if not is_number(name)]
        text = tabulate(cells, headers=names, floatfmt=".4f", disable_numparse=words)
        self._stream.write(f"{text}\n".encode("utf-8", "replace"))


def _cell(value: Any) -> Any:
    return printable(value) if isinstance(value, str) else value


class Parquet:
    """One row each, neighbours as a list of structs."""

    def __init__(self, stream: BinaryIO, columns: Sequence[str]) -> None:
        self._arrow = import_pyarrow()
        self._schema = arrow_schema(self._arrow, columns)
        self._writer = self._arrow.parquet.ParquetWriter(stream, self._schema)

    def write(self, rows: Sequence[Row]) -> None:
        """Write some rows as one row group."""
        self._writer.write_table(self._arrow.Table.from_pylist(list(rows), schema=self._schema))

    def close(self) -> None:
        """Write the file's footer."""
        self._writer.close()


_WRITERS: dict[str, Callable[[BinaryIO, Sequence[str]], Writer]] = {
    "jsonl": JsonLines,
    "csv": Csv,
    "table": Table,
    "parquet": Parquet,
}


def writer(format: str, stream: BinaryIO, columns: Sequence[str]) -> Writer:
    """Open a writer.

    Args:
        format: `jsonl`, `csv`, `table` or `parquet`.
        stream: Where to; binary.
        columns: Columns of the rows, from `columns.columns`.
    """
    return _WRITERS[format](stream, columns)


def format_of(path: Path) -> str:
    """Give the format that a file's ending asks for.

    Raises:
        LikewiseError: If the extension is unknown.

    Example:
        >>> format_of(Path("rows.csv"))
        'csv'
    """
    try:
        return _ENDINGS[path.suffix.lower()]
    except KeyError:
        raise LikewiseError(
            f"{path} should end in {', '.join(_ENDINGS)}: the ending sets the format."
        ) from None


def write_file(path: Path, rows: Iterable[Row], columns: Sequence[str]) -> None:
    """Write rows into a file, whole or not at all; an older file is replaced.

    Args:
        path: Its ending says how to write.
        rows: Any number; they are not held in memory.
        columns: As for `writer`.
    """
    with replacing(path) as stream:
        rows_to = writer(format_of(path), stream, columns)
        try:
            for batch in together(rows, _AT_ONCE):
                rows_to.write(batch)
        finally:  # Parquet's writer would else end itself when the stream is closed
            rows_to.close()


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes `path`'s place when it is whole, and leaves nothing otherwise.

    Of several writers at a time the last one's file stays; what killed ones left is removed.
    """
    with written(path):
        sweep_drafts(path)
        with draft(path) as beside, beside.open("w+b") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
