"""Validate a caller's references before any is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from index.references.rows import NewRow
from index.storage.pictures import encode_pictures
from likewise.arrays import Floats, Pixels

_JSON = json.JSONEncoder(allow_nan=False)  # `json.dumps` would make one for each row


def checked_strings(name: str, values: Sequence[str]) -> list[str]:
    """Check that strings can be stored and read back.

    Args:
        name: Name of the argument, for the error.
        values: The strings; none may be empty or invalid Unicode.

    Example:
        >>> checked_strings("ids", ["a", ""])
        Traceback (most recent call last):
        ValueError: `ids` must be non-empty strings. Received: ''.
    """
    if isinstance(values, str):
        raise ValueError(f"`{name}` must be a sequence of strings. Received: {values!r}.")
    for value in values:
        if not isinstance(value, str) or not value:
            raise ValueError(f"`{name}` must be non-empty strings. Received: {value!r}.")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"`{name}` must be valid Unicode. Received: {value!r}.") from error
    return list(values)


def stored_labels(labels: Sequence[str | None]) -> list[str]:
    """Check labels; None, for a reference without a group, is stored as an empty text.

    Example:
        >>> stored_labels(["cat", None])
        ['cat', '']
    """
    if not isinstance(labels, str):
        checked_strings("labels", [label for label in labels if label is not None])
        return ["" if label is None else label for label in labels]
    return checked_strings("labels", labels)


def new_rows(
    ids: Sequence[str],
    vectors: Floats,
    labels: Sequence[str | None],
    metadata: Sequence[Mapping[str, Any] | None] | None,
    pictures: Pixels | Sequence[Pixels | None] | None,
    contents: Sequence[bytes | None] | None,
) -> list[NewRow]:
    """Combine the columns of `Gallery.add` into rows, one per checked vector.

    Args:
        ids: n names.
        vectors: `(n, dim)`, float32, finite.
        labels: n groups, None for a reference without one.
        metadata: n JSON objects or None, or None for all.
        pictures: n pictures or None, uint8, or None for all.
        contents: n hashes of pictures or None, or None for all.

    Raises:
        ValueError: If a column has the wrong length, or a value cannot be stored.
    """
    nothing = [None] * len(vectors)
    columns: dict[str, Sequence[Any]] = {
        "ids": checked_strings("ids", ids),
        "labels": stored_labels(labels),
        "contents": nothing if contents is None else list(map(_checked_content, contents)),
        "metadata": nothing if metadata is None else _as_json(metadata),
        "vectors": [row.tobytes() for row in vectors.astype("<f4", copy=False)],
        "pictures": nothing if pictures is None else encode_pictures(pictures),
    }
    for name, column in columns.items():
        if len(column) != len(vectors):
            raise ValueError(
                f"`{name}` must have one entry for each of the {len(vectors)} vectors."
                f" Received: {len(column)}."
            )
    return list(map(NewRow, *columns.values()))


def _checked_content(content: bytes | None) -> bytes | None:
    if content is not None and not isinstance(content, bytes):
        raise ValueError(f"`contents` must be bytes or None. Received: {content!r}.")
    return content


def _as_json(metadata: Sequence[Mapping[str, Any] | None]) -> list[str | None]:
    """JSON texts, None for nothing; an object that many rows share is written once."""
    texts: dict[int, str | None] = {}
    objects = list(metadata)  # held, so that no two of them have one `id`
    for each in objects:
        if id(each) not in texts:
            texts[id(each)] = _object(each) if each else None
    return [texts[id(each)] for each in objects]


def _object(metadata: Mapping[str, Any]) -> str:
    try:
        return _JSON.encode(dict(metadata))
    except (TypeError, ValueError) as error:
        raise ValueError(f"`metadata` must be plain JSON objects. Received: {error}.") from error
