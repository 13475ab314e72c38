"""Text and Parquet tables: Kaggle's CSV of pixels, and lists of `path,label[,id,…]`.

Both are streamed, so memory stays constant. Indices are counted from 1, the header not
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
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from embedder.data.pixel_lines import pictures_of_lines
from embedder.data.records import Record, Records, as_label
from embedder.data.value_range import SetRange
from embedder.errors import DatasetError, ImageError

_PIXEL = re.compile(r"pixel\d+|\d+x\d+")
_AT_ONCE = 1000
_UTF_16 = ("\udcff\udcfe", "\udcfe\udcff")  # its first two bytes, as bytes that are no UTF-8


def table_records(path: Path, ending: str) -> Records:
    r"""Stream the pictures of a table.

    Args:
        path: A CSV with `label,pixel0,…` or `pixel0,…` (Kaggle's digits; any square size), or
            a CSV, JSON-lines or Parquet list with a column `path`, and perhaps `label`, `id`
            and others, which become metadata. Paths are relative to the list.
        ending: `csv`, `jsonl`, `ndjson` or `parquet`; csv and jsonl may be gzipped.

    Returns:
        Records whose ids are the column `id`, else the path as written, or `FILE.csv/12` for
        the twelfth row of pixels. A damaged row is a record `FILE.csv/12` whose pixels are an
        error.

    Raises:
        DatasetError: If the table is damaged, or its first row is, for then the others will hardly
            be better; the message names file and row.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "list.csv"
        >>> _ = path.write_text("path,label,colour\na.png,cat,red\n")
        >>> next(table_records(path, "csv")).metadata
        {'colour': 'red'}
    """
    if ending == "parquet":
        from embedder.data.parquet import count_rows, parquet_rows

        return _begun(path, _listed(path, parquet_rows(path)), partial(count_rows, path))
    if ending != "csv":
        return _begun(path, _listed(path, _json_rows(path)), partial(_count_lines, path))
    header = _csv_header(path)
    if _is_of_pixels(header):
        return _begun_csv(path, _pixel_rows(path, header, path.name.removesuffix(".gz")))
    return _begun_csv(path, _listed(path, _csv_rows(path, header)))


# ---- Kaggle's CSV -------------------------------------------------------------------------


def pixel_records(path: Path, name: str) -> Records:
    """Stream the pictures of a CSV of pixels only: an untrusted one must not name our files.

    Args:
        path: A CSV as Kaggle's.
        name: What the ids begin with.

    Raises:
        DatasetError: If it is damaged, as for `table_records`, or a list of paths.
    """
    header = _csv_header(path)
    if not _is_of_pixels(header):
        raise DatasetError(
            f"{path} should have the columns label,pixel0,pixel1 and so on, but has "
            f"{', '.join(header[:3])}: paths are not followed here."
        )
    return _begun_csv(path, _pixel_rows(path, header, name))


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
    within = SetRange(f"the pixels in {path}")
    row = 0
    while chunk := list(islice(lines, _AT_ONCE)):
        labels, pixels = _split_labels(chunk) if labelled else (None, chunk)
        for offset, image in enumerate(pictures_of_lines(pixels, side, row, within)):
            label = None if labels is None else labels[offset]
            yield Record(f"{name}/{row + offset + 1}", label, image)
        row += len(chunk)


def _split_labels(lines: list[str]) -> tuple[list[str], list[str]]:
    parts = [line.partition(",") for line in lines]
    return [label.strip().strip('"') for label, _, _ in parts], [rest for _, _, rest in parts]


# ---- lists of paths -----------------------------------------------------------------------


Row = Mapping[str, Any] | str  # its columns, or what is wrong with it


def _begun(path: Path, stream: Iterator[Record], count: Callable[[], int | None]) -> Records:
    """Read the first record at once, and refuse a table that begins with a damaged row."""
    first = list(islice(stream, 1))
    if first and isinstance(first[0].image, ImageError):
        raise DatasetError(f"{path}, {first[0].image}")
    return Records(chain(first, stream), count)


def _begun_csv(path: Path, stream: Iterator[Record]) -> Records:
    return _begun(path, stream, partial(_count_lines, path, header=1))


def _count_lines(path: Path, header: int = 0) -> int | None:
    """Count the lines below a header, blank ones included; None for gzip, which is slow."""
    if path.name.endswith(".gz"):
        return None
    with path.open("rb") as stream:
        blocks = iter(lambda: stream.read(1 << 20), b"")
        return sum(block.count(b"\n") for block in blocks) - header


def _listed(path: Path, rows: Iterable[tuple[int, Row]]) -> Iterator[Record]:
    for number, row in rows:
        problem = row if isinstance(row, str) else _problem(row)
        if problem or isinstance(row, str):
            yield Record(f"{path.name}/{number}", None, ImageError(f"row {number}: {problem}"))
        else:
            yield _entry(path.parent, row)


def _problem(row: Mapping[str, Any]) -> str | None:
    """Say what keeps a row from naming a picture, if anything does."""
    picture, label = row.get("path"), row.get("label")
    if not isinstance(picture, str) or not picture:
        return (
            "expected a picture's path in the column 'path', but the "
            f"columns are {', '.join(map(str, row)) or 'none'} and it is {picture!r}."
        )
    try:
        picture.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a character, as JSON can name it
        return f"expected a path that a file can have, but it is {picture!r}: repair it."
    if isinstance(label, list | dict):
        return f"expected a text or a number as the label, but it is {label!r}."
    try:
        str(label).encode()
    except UnicodeEncodeError:
        return f"expected UTF-8, but the label is {label!r}: save the list as UTF-8 text."
    return None


def _entry(folder: Path, row: Mapping[str, Any]) -> Record:
    picture, name = row["path"], row.get("id")
    return Record(
        picture if name in (None, "") else str(name),
        as_label(row.get("label")),
        folder / picture,
        {key: value for key, value in row.items() if key not in ("path", "label", "id")},
    )


def _csv_header(path: Path) -> list[str]:
    header = next(csv.reader([next(_lines(path), "")]), [])
    names = [name.strip() for name in header]
    if "path" in names or any(_PIXEL.fullmatch(name) for name in names[:2]):
        return names
    raise DatasetError(
        f"{path} should begin with a header, path,label or label,pixel0,pixel1 and so on, but "
        f"begins with {', '.join(names[:3]) or 'nothing'}: name its columns."
    )


def _csv_rows(path: Path, header: list[str]) -> Iterator[tuple[int, Row]]:
    rows = _csv_cells(path)
    next(rows)
    for number, cells in enumerate((cells for cells in rows if cells), start=1):
        if isinstance(cells, str):
            yield number, cells
        elif len(cells) != len(header):
            problem = f"expected {len(header)} columns, but it has {len(cells)}"
            yield number, f"{problem}: repair or remove the row."
        else:
            yield number, dict(zip(header, cells, strict=True))


def _csv_cells(path: Path) -> Iterator[list[str] | str]:
    """Give the cells of each row, or why they cannot be told apart; the reader then goes on."""
    reader = csv.reader(_lines(path, keep_ends=True), strict=True)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"line {reader.line_num} is not readable as CSV ({error}): repair it."


def _json_rows(path: Path) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(_lines(path), start=1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, f"expected a JSON object on the line ({error}): repair it."
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            problem = f"expected a JSON object, but it is {line[:40]}"
            yield number, f'{problem}: write {{"path": …, "label": …}}.'


def _lines(path: Path, keep_ends: bool = False) -> Iterator[str]:
    """Give the lines of a text file, plain or gzip, blank ones left out.

    Bytes that are no UTF-8 stay what they are, for they may be a file's name.
    """
    packed = path.name.endswith(".gz")
    number = 0  # also what the message names
    try:
        with gzip.open(path) if packed else path.open("rb") as stream:
            text = io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline="")
            for line in text:
                number += 1
                if number == 1 and line.startswith(_UTF_16):
                    raise DatasetError(f"{path} is written in UTF-16: save it as UTF-8.")
                if line.strip():
                    yield line if keep_ends else line.rstrip("\r\n")
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(
            f"{path} cannot be read after line {number} ({error}): restore it from a copy."
        ) from error
