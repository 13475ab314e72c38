"""Text and Parquet tables: a CSV of pixels (`pixel_tables`), and lists of `path,label[,id,…]`.

Both are streamed, so memory stays constant. Rows are counted from 1, the header not counted, in
ids and in messages alike.
Pictures inside a Parquet file are read by `parquet_pictures`.
Leaves out: spreadsheets.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from embedder.data.boxes import Box
from embedder.data.cloud import is_cloud, picture_at
from embedder.data.columns import BoxColumns, box_columns, read_header, roles, shown
from embedder.data.csv_rows import Row, csv_rows
from embedder.data.labels import reader_of
from embedder.data.pixel_tables import pixel_table
from embedder.data.records import Record, Records
from embedder.data.text_lines import begun, begun_csv, count_lines, text_lines
from embedder.errors import ImageError


def table_records(path: Path, ending: str, labelled: bool = True) -> Records:
    r"""Stream the pictures of a table.

    Args:
        path: A CSV with `label,pixel0,…` or `pixel0,…` (Kaggle's digits; any square size), or
            with all pixels of a picture in a column `pixels` (FER2013), or
            a CSV, JSON-lines or Parquet list with a column `path`, and perhaps `label`, `id`
            and others, which become metadata; for other usual names of them see `columns`. Columns
            x, y, w and h (or width and height, or xmin, ymin, xmax and ymax) are a box in pixels
            from the top left of the picture as it is shown: it is cut out, and a row without an id
            is called `path#x,y,w,h`. Paths are relative to the list. Columns are separated by `,`,
            `;`, tabs or `|`.
        ending: `csv`, `tsv`, `jsonl`, `ndjson` or `parquet`; text may be gzipped.
        labelled: Whether the labels matter: all are read before the first record.

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
        from embedder.data.parquet_pictures import picture_records

        pictures = picture_records(path, labelled)
        if pictures is not None:
            return pictures
        rows, labels = partial(parquet_rows, path), partial(parquet_rows, path, _label_name)
        return begun(
            path, _listed(path, rows, labels if labelled else None), partial(count_rows, path)
        )
    if ending in ("jsonl", "ndjson"):
        lines = partial(_json_rows, path)
        stream = _listed(path, lines, lines if labelled else None)
        return begun(path, stream, partial(count_lines, path))
    header = read_header(path)
    if header.pixels or header.pixel_cell is not None:
        return pixel_table(path, header, path.name.removesuffix(".gz"), labelled)
    cells = partial(csv_rows, path, header)
    return begun_csv(path, _listed(path, cells, cells if labelled else None), header.before + 1)


_BASE64 = r"data:image/|(?:iVBORw0KGgo|/9j/|R0lGOD)[A-Za-z0-9+/_-]{40}"  # of PNG, JPEG and GIF

Rows = Callable[[], Iterable[tuple[int, Row]]]


def _listed(path: Path, rows: Rows, labels: Rows | None) -> Callable[[], Iterator[Record]]:
    """Make records of rows; all labels of the list, read once before, decide how each is read.

    Args:
        path: The list.
        rows: Reads it anew.
        labels: Reads it anew, the labels at least; None where these do not matter.

    Returns:
        A function that streams the records anew.
    """
    reader = cache(lambda: reader_of(() if labels is None else _labels_in(labels())))

    def stream() -> Iterator[Record]:
        label_of = reader()
        for number, row in rows():
            problem = row if isinstance(row, str) else _problem(row)
            if problem or isinstance(row, str):
                yield Record(f"{path.name}/{number}", None, ImageError(f"row {number}: {problem}"))
            else:
                yield _entry(path.parent, number, row, label_of)

    return stream


def _labels_in(rows: Iterable[tuple[int, Row]]) -> Iterator[object]:
    return (_cell(row, roles(row).label) for _, row in rows if not isinstance(row, str))


def _label_name(names: list[str]) -> str | None:
    place = roles(names).label
    return None if place is None else names[place]


def _cell(row: Mapping[str, Any], place: int | None) -> Any:
    return None if place is None else row[list(row)[place]]


def _problem(row: Mapping[str, Any]) -> str | None:
    """Say what keeps a row from naming a picture, if anything does."""
    meaning = roles(row)
    picture, label = _cell(row, meaning.path), _cell(row, meaning.label)
    if not isinstance(picture, str) or not picture:
        return (
            "expected a picture's path in the column 'path', but the "
            f"columns are {shown(list(map(str, row)))} and it is {str(picture)[:40]!r}."
        )
    if missing := box_columns(row).missing:
        return missing
    if re.match(_BASE64, picture):
        return "expected a picture's path, but it is a picture as base64 text: save it as a file."
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


def _entry(
    folder: Path, number: int, row: Mapping[str, Any], label_of: Callable[[object], str | None]
) -> Record:
    meaning = roles(row)
    picture, name = _as_here(folder, _cell(row, meaning.path)), _cell(row, meaning.id)
    names = list(row)
    columns = box_columns(row)
    of_box = columns.places if columns.is_whole else ()
    places = (meaning.path, meaning.label, meaning.id, *of_box)
    known = {names[place] for place in places if place is not None}
    box = _box(row, columns, number) if columns.is_whole else None
    if _is_missing(name):
        name = f"{picture}#{box}" if isinstance(box, Box) else picture
    return Record(
        str(name),
        label_of(_cell(row, meaning.label)),
        picture_at(picture) if is_cloud(picture) else folder / picture,
        {key: value for key, value in row.items() if key not in known},
        box=box,
    )


def _box(row: Mapping[str, Any], columns: BoxColumns, number: int) -> Box | ImageError | None:
    """The box that a row names, or what is wrong with it; None where it names none."""
    values = [_cell(row, place) for place in columns.places]
    if all(_is_missing(value) for value in values):
        return None
    read = Box.between if columns.corners else Box.of
    try:
        return read(values, f"row {number}")
    except ImageError as error:
        return error


def _is_missing(value: object) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and math.isnan(value))


def _as_here(folder: Path, picture: Any) -> Any:
    r"""Spell a path as this system does: without the outer spaces of a list, or as .\a.png."""
    if not isinstance(picture, str) or not ("\\" in picture or picture != picture.strip()):
        return picture
    if (folder / picture).exists():
        return picture
    return picture.strip().replace("\\", "/").removeprefix("./")


def _json_rows(path: Path) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(text_lines(path), start=1):
        try:
            row = json.loads(line, object_pairs_hook=_without_twins)
        except (ValueError, RecursionError) as error:
            yield number, f"expected a JSON object on the line ({error}): repair it."
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            problem = f"expected a JSON object, but it is {line[:40]}"
            yield number, f'{problem}: write {{"path": …, "label": …}}.'


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object with two values of one name, of which one would be lost."""
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"it has {twin!r} twice")
    return row
