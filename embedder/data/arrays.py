"""Arrays of pictures and of labels, as people save them, to pixels and names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from embedder.data.labels import reader_of
from embedder.data.value_range import SetRange
from embedder.errors import DatasetError
from likewise.arrays import Pixels


def as_pixels(values: npt.NDArray[Any], where: str) -> Pixels:
    """Bring an array to uint8 `(n, h, w)` or `(n, h, w, 3)`.

    Args:
        values: Pixels in any usual range, perhaps with a last axis of 1.
        where: What it is, for messages.

    Raises:
        DatasetError: If it is of another shape or range.

    Example:
        >>> as_pixels(np.array([[[0, 1]], [[1, 0]]]), "images in masks.npz").tolist()
        [[[0, 255]], [[255, 0]]]
    """
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    right = values.ndim == 3 or (values.ndim == 4 and values.shape[3] == 3)
    if not right or values.dtype.kind not in "buif":
        raise DatasetError(
            f"{where} should be numbers of shape (n, h, w) or (n, h, w, 3), but is "
            f"{values.dtype} of shape {values.shape}: reshape it{_to_squares(values)} before "
            "saving."
        )
    return SetRange(where).to_8_bits(values)


def as_labels(values: npt.NDArray[Any], where: str) -> list[str | None]:
    """Convert numbers or texts, `(n,)` or `(n, 1)`, to labels; NaN and empty text mean none.

    Args:
        values: The array.
        where: What it is, for messages.

    Raises:
        DatasetError: If it is of another shape or type.
    """
    flat = values.reshape(-1) if values.ndim == 2 and values.shape[1] == 1 else values
    if flat.ndim != 1 or flat.dtype.kind not in "biufUS":
        raise DatasetError(
            f"{where} should be numbers or texts of shape (n,), but is {values.dtype} of shape "
            f"{values.shape}: save one label per picture."
        )
    if flat.dtype.kind == "S":
        flat = _decoded(flat, where)
    values = flat.tolist()
    return list(map(reader_of(values), values))


def _decoded(texts: npt.NDArray[np.bytes_], where: str) -> npt.NDArray[np.str_]:
    try:
        return np.strings.decode(texts, "utf-8")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{where} should be UTF-8, but holds the bytes {error.object!r}: save them as text."
        ) from error


def _to_squares(values: npt.NDArray[Any]) -> str:
    """Say how flat rows become square pictures, where they may."""
    side = math.isqrt(values.shape[1]) if values.ndim == 2 else 0
    return (
        f", perhaps by .reshape(-1, {side}, {side})," if side and side**2 == values.shape[1] else ""
    )
