"""The rows of a CSV by column name, whatever quotes and lines they have."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from embedder.data.columns import Header
from embedder.data.text_lines import text_lines

Row = Mapping[str, Any] | str  # its columns, or what is wrong with it


def csv_rows(path: Path, header: Header) -> Iterator[tuple[int, Row]]:
    """Stream (row number from 1, columns by name) of the rows below a header.

    Args:
        path: The file.
        header: Its header.
    """
    width, nameless = len(header.names), header.nameless
    rows = islice(_cells(path, header.separator), header.before + 1, None)
    whole = (cells for cells in rows if isinstance(cells, str) or any(map(str.strip, cells)))
    for number, cells in enumerate(whole, start=1):
        if isinstance(cells, str):
            yield number, cells
        elif len(cells) < width or any(cells[width:]):
            problem = f"expected {width} columns, but it has {len(cells)}"
            yield number, f"{problem}: repair or remove the row."
        else:
            pairs = enumerate(zip(header.names, cells[:width], strict=True))
            yield number, dict(pair for place, pair in pairs if place not in nameless)


def _cells(path: Path, separator: str) -> Iterator[list[str] | str]:
    """Give the cells of each row, or why they cannot be told apart; the reader then goes on."""
    reader = csv.reader(text_lines(path, keep_ends=True), delimiter=separator, strict=True)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"line {reader.line_num} is not readable as CSV ({error}): repair it."
