"""Refuse queries that an index cannot answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from likewise.arrays import Bools, Floats

LONGEST = 1e18  # longer vectors would overflow float32 when squared


def checked_vectors(vectors: Any, dim: int) -> Floats:
    """Check vectors; return them contiguous, `(n, dim)`, float32.

    Args:
        vectors: Array or array-like.
        dim: Length of the gallery's vectors.

    Raises:
        ValueError: If shape, dtype or a value is wrong.

    Example:
        >>> checked_vectors(np.zeros((1, 3), np.float32), dim=2)
        Traceback (most recent call last):
        ValueError: `vectors` must have shape (n, 2) for this gallery. Received: (1, 3).
    """
    rows = np.asarray(vectors)
    if rows.ndim != 2 or rows.shape[1] != dim:
        raise ValueError(
            f"`vectors` must have shape (n, {dim}) for this gallery. Received: {rows.shape}."
        )
    if rows.dtype != np.float32:
        raise ValueError(f"`vectors` must be float32. Received: {rows.dtype}.")
    if not (inside := searchable(rows)).all():
        wrong = np.flatnonzero(~inside)
        raise ValueError(
            f"`vectors` must be finite and no longer than {LONGEST:g}."
            f" Received: {len(wrong)} of {len(rows)} rows are not, the first is row {wrong[0]}."
        )
    return np.ascontiguousarray(rows)


def searchable(rows: Floats) -> Bools:
    """Say which vectors are finite and short enough to be searched for, `(n,)`.

    Args:
        rows: `(n, dim)`, float32.

    Example:
        >>> searchable(np.array([[3, 4], [np.nan, 0]], np.float32)).tolist()
        [True, False]
    """
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))
    return np.asarray(lengths <= LONGEST)


def whole(k: Any) -> Any:
    """A NumPy integer as one of Python's, which FAISS takes; all else as it is, for `check_k`.

    Example:
        >>> whole(np.int64(5)), whole(2.5)
        (5, 2.5)
    """
    return int(k) if isinstance(k, np.integer) else k


def check_k(k: int, count: int, label: str | None) -> None:
    """Refuse a number of neighbours out of range.

    Args:
        k: Number of neighbours.
        count: Number of references searched.
        label: Their group, or None for all.

    Example:
        >>> check_k(5, count=3, label=None)
        Traceback (most recent call last):
        ValueError: `k` must be 1 to 3, the number of references in the gallery. Received: 5.
    """
    place = "the gallery" if label is None else f"group '{label}'"
    if count == 0:
        raise ValueError(f"There is nothing to search: {place} has 0 references. Received: k={k}.")
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 1 <= k <= count:
        raise ValueError(
            f"`k` must be 1 to {count}, the number of references in {place}. Received: {k!r}."
        )
