"""Pictures inside a Parquet file, as Hugging Face hosts data sets: `image` with bytes and path.

The names of the classes are read from the file's own description; a label is then a name, and -1
is no label.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from embedder.data.columns import roles
from embedder.data.formats import format_of
from embedder.data.labels import reader_of
from embedder.data.parquet import count_rows, import_pyarrow, opened, rows_of
from embedder.data.records import Encoded, EncodedBytes, Record, Records
from embedder.errors import DatasetError, ImageError

_AT_ONCE = 64  # rows, whose pictures may be large
_UNNAMED = -1  # the class of a picture without one


@dataclass(frozen=True, slots=True)
class _Columns:
    """Names of the columns, and of the classes."""

    image: str
    label: str | None
    id: str | None
    classes: list[str] | None


def picture_records(path: Path, labelled: bool = True) -> Records | None:
    """Stream the pictures inside a Parquet file; None if it holds none.

    Args:
        path: A file with a column of pictures: bytes, or a struct of bytes and path.
        labelled: Whether the labels matter.

    Returns:
        Records with ids `FILE.parquet/12` for the twelfth row, or what a column `id` says. Further
        columns become metadata.

    Raises:
        DatasetError: If the file is damaged, or two columns may be the labels.
        ParquetMissingError: If pyarrow is not installed.
    """
    columns = _columns(path, labelled)
    if columns is None:
        return None
    return Records(partial(_stream, path, columns), partial(count_rows, path))


def _columns(path: Path, labelled: bool) -> _Columns | None:
    with opened(path) as file:
        schema = file.schema_arrow
    arrow = import_pyarrow()
    names = list(schema.names)
    known = roles(names)
    label = None if known.label is None else names[known.label]
    pictures = [
        name for name in names if name != label and _holds_pictures(arrow, schema.field(name).type)
    ]
    if known.path is not None and names[known.path] not in pictures:  # bytes may be anything
        pictures = [name for name in pictures if _begins_with_picture(path, name)]
    if not pictures:
        return None
    if label is not None and arrow.types.is_nested(schema.field(label).type):
        raise DatasetError(
            f"{path} should hold one label a picture, but its column {label!r} holds lists or "
            "structs: write the label to use into a column of its own."
        )
    classes = _classes(schema)
    if label is None and labelled and classes:
        if len(classes) > 1:
            raise DatasetError(
                f"{path} has several columns of classes, {', '.join(classes)}: rename the one to "
                "use to label."
            )
        [label] = classes
    image = next((name for name in ("image", "img", "picture") if name in pictures), pictures[0])
    id = None if known.id is None else names[known.id]
    return _Columns(image, label, id, classes.get(label) if label else None)


def _holds_pictures(arrow: Any, kind: Any) -> bool:
    """Whether a column's values are bytes, by themselves or in a struct."""
    is_bytes = (arrow.types.is_binary, arrow.types.is_large_binary)
    if arrow.types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return place >= 0 and any(test(kind.field(place).type) for test in is_bytes)
    return any(test(kind) for test in is_bytes)


def _begins_with_picture(path: Path, column: str) -> bool:
    """Whether the first value of a column that is not null is a picture, or names one."""
    with opened(path) as file:
        values = (row[column] for row in rows_of(path, file, _AT_ONCE, [column]))
        value = next((value for value in values if value is not None), None)
    picture = _picture(path.parent, value)
    return isinstance(picture, Path) or (
        isinstance(picture, EncodedBytes) and format_of(picture.content) is not None
    )


def _classes(schema: Any) -> dict[str, list[str]]:
    """The names of the classes by column, as Hugging Face describes them in a file."""
    described = (schema.metadata or {}).get(b"huggingface")
    try:
        features = json.loads(described)["info"]["features"] if described else {}
        return {
            column: [str(name) for name in feature["names"]]
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _stream(path: Path, columns: _Columns) -> Iterator[Record]:
    label_of = _label_reader(path, columns)
    number = 0
    with opened(path) as file:
        for row in rows_of(path, file, _AT_ONCE):
            number += 1
            name = row.pop(columns.id) if columns.id else None
            picture = _picture(path.parent, row.pop(columns.image))
            label = row.pop(columns.label) if columns.label else None
            if columns.classes is not None and _is_no_class(columns.classes, label):
                last = len(columns.classes) - 1
                picture, label = ImageError(f"expected a class of 0..{last}, not {label}"), None
            id = f"{path.name}/{number}" if name in (None, "") else str(name)
            yield Record(id, label_of(label), picture, row)


def _label_reader(path: Path, columns: _Columns) -> Callable[[object], str | None]:
    """Read a class as its name, or a column of other labels as that of a list."""
    classes = columns.classes
    if classes is not None:
        return lambda value: _class_name(classes, value)
    if columns.label is None:
        return reader_of(())
    with opened(path) as file:
        return reader_of(
            row[columns.label] for row in rows_of(path, file, _AT_ONCE, [columns.label])
        )


def _is_no_class(classes: list[str], value: object) -> bool:
    return isinstance(value, int) and not (_UNNAMED <= value < len(classes))


def _class_name(classes: list[str], value: object) -> str | None:
    if isinstance(value, int) and 0 <= value < len(classes):
        return classes[value]
    return None if value in (None, _UNNAMED) else str(value)


def _picture(folder: Path, value: Any) -> Encoded | Path | ImageError:
    """The picture of a cell: its bytes, or the file that it names."""
    content, name = value, None
    if isinstance(value, dict):
        content, name = value.get("bytes"), value.get("path")
    if isinstance(content, bytes):
        return EncodedBytes(content)
    return folder / name if isinstance(name, str) and name else ImageError("no picture in its row")
