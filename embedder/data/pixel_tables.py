"""A CSV of pixels, as Kaggle's: a row for each picture, a column for each pixel, perhaps a label.

Tables with all pixels of a picture in one column are read by `pixel_cells`.
Leaves out: pictures that are not square, colour.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from embedder.data.columns import Header, read_header, shown
from embedder.data.idx import lies_on_its_side
from embedder.data.labels import reader_of
from embedder.data.pixel_cells import cell_records
from embedder.data.pixel_lines import pictures_of_rows, side_of
from embedder.data.records import Record, Records
from embedder.data.text_lines import begun_csv, text_lines
from embedder.errors import DatasetError


class _Row(NamedTuple):
    label: str
    id: str
    pixels: str  # numbers, separated as in the file


def pixel_records(path: Path, name: str) -> Records:
    """Stream the pictures of a CSV of pixels only: an untrusted one must not name our files.

    Args:
        path: A CSV as Kaggle's.
        name: What the ids begin with.

    Raises:
        DatasetError: If it is damaged, as for `table_records`, or a list of paths.
    """
    header = read_header(path)
    if not header.pixels and header.pixel_cell is None:
        raise DatasetError(
            f"{path} should have the columns label,pixel0,pixel1 and so on, but has "
            f"{shown(header.names)}: paths are not followed here."
        )
    return pixel_table(path, header, name, labelled=False)


def pixel_table(path: Path, header: Header, name: str, labelled: bool = True) -> Records:
    """Stream the pictures of a CSV of pixels.

    Args:
        path: The file.
        header: Its header.
        name: What the ids begin with, before the number or the id of the row.
        labelled: Whether the labels matter: all are read before the first record.

    Raises:
        DatasetError: If its first row is damaged, or the pictures are not square.
    """
    if header.pixel_cell is not None:
        return cell_records(path, header, name, labelled)
    side = _side(path, header)
    reader = cache(lambda: reader_of(row.label for row in _rows(path, header) if labelled))
    stream = partial(_records, path, header, name, side, reader)
    records = begun_csv(path, stream, header.before + 1)
    records.are_distinct = header.roles.id is None
    return records


def _side(path: Path, header: Header) -> int:
    count = len(header.pixels)
    side = side_of(count)
    if side is None:
        raise DatasetError(
            f"{path} should have a square number of pixel columns, such as 784 for 28 x 28, but "
            f"has {count}: keep all columns."
        )
    return side


def _records(
    path: Path,
    header: Header,
    name: str,
    side: int,
    reader: Callable[[], Callable[[object], str | None]],
) -> Iterator[Record]:
    label_of = reader()
    transposed = lies_on_its_side(name)
    pictures = pictures_of_rows(
        path, _rows(path, header), lambda row: row.pixels, side, header.separator
    )
    for number, (row, image) in enumerate(pictures, start=1):
        if transposed and isinstance(image, np.ndarray):
            image = image.T
        yield Record(f"{name}/{row.id or number}", label_of(row.label), image)


def _rows(path: Path, header: Header) -> Iterator[_Row]:
    """The rows below the header, label and id taken out."""
    lines = islice(text_lines(path), header.before + 1, None)
    last, pixels = len(header.names) - 1, header.pixels
    if pixels == list(range(last + 1)):
        return (_Row("", "", line) for line in lines)
    label, separator = header.roles.label, header.separator
    if pixels == list(range(1, last + 1)) and label == 0:
        return (_first(line, separator) for line in lines)
    return (_anywhere(line, header, pixels) for line in lines)


def _first(line: str, separator: str) -> _Row:
    if line.startswith('"'):  # the label itself may hold the separator
        label, *rest = _cells(line, separator)
        return _Row(label, "", separator.join(rest))
    label, _, pixels = line.partition(separator)
    return _Row(label, "", pixels)


def _cells(line: str, separator: str) -> list[str]:
    """The cells of a line; one that is too long for any cell is a single one, which is damaged."""
    try:
        return next(csv.reader([line], delimiter=separator))
    except csv.Error:
        return [line]


def _anywhere(line: str, header: Header, pixels: list[int]) -> _Row:
    """Take out the label, the id and the columns without a name; others may be too many or few."""
    cells = _cells(line, header.separator)

    def cell(place: int | None) -> str:
        return cells[place] if place is not None and place < len(cells) else ""

    dropped = {header.roles.label, header.roles.id, *header.nameless}
    kept = [value for place, value in enumerate(cells) if place not in dropped]
    if len(cells) == len(header.names):
        kept = [cells[place] for place in pixels]
    return _Row(cell(header.roles.label), cell(header.roles.id), header.separator.join(kept))
