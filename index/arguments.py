"""What callers give to a gallery, checked before anything is done with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from index.references.local import NewRow
from index.search.exact import LONGEST
from index.storage.pictures import encode_pictures
from likewise.arrays import Floats, Pixels


def checked_vectors(vectors: Floats, dim: int) -> Floats:
    """Vectors as `(n, dim)` float32 of usable numbers, contiguous.

    Raises:
        ValueError: If shape, dtype or a value does not fit.

    Example:
        >>> checked_vectors(np.zeros((1, 3), np.float32), dim=2)
        Traceback (most recent call last):
        ValueError: `vectors` must have shape (n, 2) for this gallery. Received: (1, 3).
    """
    given = np.asarray(vectors)
    if given.ndim != 2 or given.shape[1] != dim:
        raise ValueError(
            f"`vectors` must have shape (n, {dim}) for this gallery. Received: {given.shape}."
        )
    if given.dtype != np.float32:
        raise ValueError(f"`vectors` must be float32. Received: {given.dtype}.")
    lengths = np.sqrt(np.einsum("nd,nd->n", given, given, dtype=np.float64))
    wrong = np.flatnonzero(~(lengths <= LONGEST))
    if len(wrong):
        raise ValueError(
            f"`vectors` must be finite and no longer than {LONGEST:g}."
            f" Received: {len(wrong)} of {len(given)} rows are not, the first is row {wrong[0]}."
        )
    return np.ascontiguousarray(given)


def check_k(k: int, count: int, label: str | None) -> None:
    """Refuse a number of neighbours that is not there.

    Example:
        >>> check_k(5, count=3, label=None)
        Traceback (most recent call last):
        ValueError: `k` must be 1 to 3, the number of references in the gallery. Received: 5.
    """
    where = "the gallery" if label is None else f"group '{label}'"
    if count == 0:
        raise ValueError(f"There is nothing to search: {where} has 0 references. Received: k={k}.")
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 1 <= k <= count:
        raise ValueError(
            f"`k` must be 1 to {count}, the number of references in {where}. Received: {k!r}."
        )


def checked_strings(name: str, values: Sequence[str]) -> list[str]:
    """Strings that can be stored and read again.

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


def new_rows(
    ids: Sequence[str],
    vectors: Floats,
    labels: Sequence[str],
    metadata: Sequence[Mapping[str, Any] | None] | None,
    pictures: Pixels | Sequence[Pixels | None] | None,
    contents: Sequence[bytes | None] | None,
) -> list[NewRow]:
    """Put the columns of `Gallery.add` together, one row for each checked vector.

    Raises:
        ValueError: If a column has another length, or a value cannot be stored.
    """
    nothing = [None] * len(vectors)
    columns: dict[str, Sequence[Any]] = {
        "ids": checked_strings("ids", ids),
        "labels": checked_strings("labels", labels),
        "contents": nothing if contents is None else list(map(_checked_content, contents)),
        "metadata": nothing if metadata is None else list(map(_as_json, metadata)),
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


def _as_json(metadata: Mapping[str, Any] | None) -> str | None:
    if not metadata:
        return None
    try:
        return json.dumps(dict(metadata), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`metadata` must be plain JSON objects. Received: {error}.") from error
