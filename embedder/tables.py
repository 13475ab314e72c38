"""Text and Parquet tables: Kaggle's CSV of pixels, and lists of `path,label[,id,…]`.

Both are streamed, so memory stays constant. Rows are counted from 1, the header not
counted, in ids and in messages alike.
Leaves out: separators other than the comma, pictures inside a Parquet file.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from embedder.errors import DatasetError
from embedder.records import Record

_PIXEL = re.compile(r"pixel\d+|\d+x\d+")
_AT_ONCE = 1000


def table_records(path: Path, ending: str) -> Iterator[Record]:
    r"""Stream the pictures of a table.

    Args:
        path: A CSV with `label,pixel0,…` or `pixel0,…` (Kaggle's digits; any square size), or
            a CSV, JSON-lines or Parquet list with a column `path`, and perhaps `label`, `id`
            and others, which become metadata. Paths are relative to the list.
        ending: `csv`, `jsonl`, `ndjson` or `parquet`; csv and jsonl may be gzipped.

    Returns:
        Records whose ids are the column `id`, else the path as written, or `FILE.csv/12` for
        the twelfth row of pixels.

    Raises:
        DatasetError: If the table is damaged; the message names file and row.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "list.csv"
        >>> _ = path.write_text("path,label,colour\na.png,cat,red\n")
        >>> next(table_records(path, "csv")).metadata
        {'colour': 'red'}
    """
    if ending == "parquet":
        from embedder.parquet import parquet_rows

        return _listed(path, parquet_rows(path))
    if ending != "csv":
        return _listed(path, _json_rows(path))
    header = _csv_header(path)
    if _is_of_pixels(header):
        return _pixel_rows(path, header, path.name.removesuffix(".gz"))
    return _listed(path, _csv_rows(path, header))


# ---- Kaggle's CSV -------------------------------------------------------------------------


def pixel_records(path: Path, name: str) -> Iterator[Record]:
    """Stream the pictures of a CSV of pixels alone: one from elsewhere must name no files of ours.

    Args:
        path: A CSV as Kaggle's.
        name: What the ids begin with.

    Raises:
        DatasetError: If it is damaged, or a list of paths.
    """
    header = _csv_header(path)
    if not _is_of_pixels(header):
        raise DatasetError(
            f"{path} should have the columns label,pixel0,pixel1 and so on, but has "
            f"{', '.join(header[:3])}: paths are not followed here."
        )
    return _pixel_rows(path, header, name)


def _is_of_pixels(header: list[str]) -> bool:
    pixels = header[1:] if header[0] == "label" else header
    return bool(pixels) and all(_PIXEL.fullmatch(name) for name in pixels)


def _pixel_rows(path: Path, header: list[str], name: str) -> Iterator[Record]:
    labelled = header[0] == "label"
    count = len(header) - labelled
    side = round(count**0.5)
    if side * side != count:
        raise DatasetError(
            f"{path} should have a square number of pixel columns, as 784 for 28 x 28, but has "
            f"{count}: keep all of them."
        )
    lines = _lines(path)
    next(lines)
    row = 0
    while chunk := list(islice(lines, _AT_ONCE)):
        labels, pixels = _split_labels(chunk) if labelled else (None, chunk)
        images = _parse(pixels, count, path, row).reshape(-1, side, side)
        for offset, image in enumerate(images):
            label = None if labels is None else labels[offset]
            yield Record(f"{name}/{row + offset + 1}", label, image)
        row += len(chunk)


def _split_labels(lines: list[str]) -> tuple[list[str], list[str]]:
    parts = [line.partition(",") for line in lines]
    return [label.strip().strip('"') for label, _, _ in parts], [rest for _, _, rest in parts]


def _parse(lines: list[str], count: int, path: Path, before: int) -> np.ndarray:
    """Read lines of numbers as uint8 `(len(lines), count)`."""
    try:
        values = np.loadtxt(lines, np.uint8, delimiter=",", comments=None, ndmin=2, quotechar='"')
        if values.shape == (len(lines), count):
            return values
    except (ValueError, OverflowError):
        pass  # look for the row below
    for row, line in enumerate(lines, start=before + 1):
        _refuse_row(line, count, path, row)
    raise DatasetError(f"{path} cannot be read between rows {before + 1} and {before + len(lines)}")


def _refuse_row(line: str, count: int, path: Path, row: int) -> None:
    """Raise if one line is not `count` whole numbers of 0..255."""
    cells = [cell.strip().strip('"') for cell in line.split(",")]
    if len(cells) != count:
        what = f"has {len(cells)}"
    else:
        wrong = [cell for cell in cells if not (cell.isdecimal() and int(cell) <= 255)]
        what = f"holds {wrong[0]!r}" if wrong else ""
    if what:
        raise DatasetError(
            f"{path}, row {row}: expected {count} pixels of 0..255, but it {what}: "
            "repair or remove the row."
        )


# ---- lists of paths -----------------------------------------------------------------------


def _listed(path: Path, rows: Iterable[tuple[int, Mapping[str, Any]]]) -> Iterator[Record]:
    folder = path.parent
    for number, row in rows:
        picture = row.get("path")
        if not isinstance(picture, str) or not picture:
            raise DatasetError(
                f"{path}, row {number}: expected a picture's path in the column 'path', but the "
                f"columns are {', '.join(map(str, row)) or 'none'} and it is {picture!r}."
            )
        rest = {key: value for key, value in row.items() if key not in ("path", "label", "id")}
        name = row.get("id")
        yield Record(
            picture if name in (None, "") else str(name),
            _as_label(row.get("label")),
            folder / picture,
            rest,
        )


def _as_label(value: object) -> str | None:
    """Make a label a string; an empty one is none, and 7.0 is '7' as in other formats."""
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _csv_header(path: Path) -> list[str]:
    header = next(csv.reader([next(_lines(path), "")]), [])
    names = [name.strip() for name in header]
    if "path" in names or any(_PIXEL.fullmatch(name) for name in names[:2]):
        return names
    raise DatasetError(
        f"{path} should begin with a header, path,label or label,pixel0,pixel1 and so on, but "
        f"begins with {', '.join(names[:3]) or 'nothing'}: name its columns."
    )


def _csv_rows(path: Path, header: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.reader(_lines(path, keep_ends=True), strict=True)
    try:
        next(reader)
        for number, row in enumerate((row for row in reader if row), start=1):
            if len(row) != len(header):
                raise DatasetError(
                    f"{path}, row {number}: expected {len(header)} columns, but it has "
                    f"{len(row)}: repair or remove the row."
                )
            yield number, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise DatasetError(
            f"{path}, line {reader.line_num}: not readable as CSV ({error}): repair the line."
        ) from error


def _json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(_lines(path), start=1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DatasetError(
                f"{path}, row {number}: expected a JSON object on the line ({error}): repair it."
            ) from error
        if not isinstance(row, dict):
            raise DatasetError(
                f"{path}, row {number}: expected a JSON object, but it is {line[:40]}: "
                'write {"path": …, "label": …}.'
            )
        yield number, row


def _lines(path: Path, keep_ends: bool = False) -> Iterator[str]:
    """Give the lines of a text file, plain or gzip, blank ones left out."""
    packed = path.name.endswith(".gz")
    number = 0  # also what the message names
    try:
        with gzip.open(path) if packed else path.open("rb") as stream:
            text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
            for line in text:
                number += 1
                if line.strip():
                    yield line if keep_ends else line.rstrip("\r\n")
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise DatasetError(
            f"{path} cannot be read after line {number} ({error}): save it as UTF-8 text."
        ) from error
