"""A CSV with all pixels of a picture in one cell, as FER2013's `emotion,pixels,Usage`.

Columns beside pixels, label and id become metadata.
Leaves out: pictures that are not square, colour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from embedder.data.columns import Header, spaced
from embedder.data.csv_rows import Row, csv_rows
from embedder.data.labels import reader_of
from embedder.data.pixel_lines import pictures_of_rows, side_of
from embedder.data.records import Record, Records
from embedder.data.text_lines import begun_csv
from embedder.errors import DatasetError, ImageError


class _Columns(NamedTuple):
    pixels: str
    label: str | None
    id: str | None


def cell_records(path: Path, header: Header, name: str, labelled: bool = True) -> Records:
    r"""Stream the pictures of a CSV with a column of pixels.

    Args:
        path: The file.
        header: Its header, with a `pixel_cell`.
        name: What the ids begin with, before the number or the id of the row.
        labelled: Whether the labels matter: all are read before the first record.

    Raises:
        DatasetError: If its first row is damaged, or the pictures are not square.

    Example:
        >>> import tempfile
        >>> from embedder.data.columns import read_header
        >>> path = Path(tempfile.mkdtemp()) / "fer.csv"
        >>> _ = path.write_text("emotion,pixels,Usage\n3,0 80 160 240,Training\n")
        >>> [record] = cell_records(path, read_header(path), "fer.csv")
        >>> record.id, record.label, record.image.tolist(), record.metadata
        ('fer.csv/1', '3', [[0, 80], [160, 240]], {'Usage': 'Training'})
    """
    columns = _columns(header)
    reader = cache(lambda: reader_of(_labels(path, header, columns) if labelled else ()))
    stream = partial(_records, path, header, columns, name, _side(path, header, columns), reader)
    records = begun_csv(path, stream, header.before + 1)
    records.are_distinct = columns.id is None
    return records


def _columns(header: Header) -> _Columns:
    """Names of the columns with a role."""
    places = (header.pixel_cell, header.roles.label, header.roles.id)
    pixels, label, id = (None if place is None else header.names[place] for place in places)
    assert pixels is not None
    return _Columns(pixels, label, id)


def _labels(path: Path, header: Header, columns: _Columns) -> Iterator[object]:
    rows = (row for _, row in csv_rows(path, header) if not isinstance(row, str))
    return (row[columns.label] for row in rows if columns.label is not None)


def _side(path: Path, header: Header, columns: _Columns) -> int:
    """Height and width of all pictures, by the first."""
    rows = (row for _, row in csv_rows(path, header) if not isinstance(row, str))
    count = len(spaced(next(rows, {columns.pixels: ""})[columns.pixels]).split())
    side = side_of(count)
    if side is None:
        raise DatasetError(
            f"{path} should have a square number of pixels in the column {columns.pixels!r}, such "
            f"as 2304 for 48 x 48, but the first row has {count}: keep all of them."
        )
    return side


def _records(
    path: Path,
    header: Header,
    columns: _Columns,
    name: str,
    side: int,
    reader: Callable[[], Callable[[object], str | None]],
) -> Iterator[Record]:
    label_of = reader()

    def line_of(numbered: tuple[int, Row]) -> str:
        _, row = numbered
        return "" if isinstance(row, str) else spaced(row[columns.pixels])

    rows = csv_rows(path, header)
    for (number, row), image in pictures_of_rows(path, rows, line_of, side, None):
        if isinstance(row, str):
            yield Record(f"{name}/{number}", None, ImageError(f"row {number}: {row}"))
            continue
        cells = dict(row)
        del cells[columns.pixels]
        label = None if columns.label is None else label_of(cells.pop(columns.label))
        id = "" if columns.id is None else cells.pop(columns.id)
        yield Record(f"{name}/{id or number}", label, image, cells)
