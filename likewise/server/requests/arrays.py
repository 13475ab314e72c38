"""Parse bodies of numbers (.npy, raw rows, lists) into pictures or vectors."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from embedder.data.value_range import SetRange
from embedder.errors import DatasetError
from index.search.checked import checked_vectors
from likewise.arrays import Floats
from likewise.matcher import Matcher
from likewise.server.answering.pictures import Pictures
from likewise.server.errors import ApiError, invalid, too_large
from likewise.server.state import ServerState


def as_vectors(rows: Sequence[Sequence[float]], matcher: Matcher) -> Floats:
    """Convert lists of numbers to vectors of the gallery's dimension.

    Args:
        rows: n lists of numbers.
        matcher: Its gallery says how long a vector is.

    Returns:
        `(n, dim)`, float32, finite.
    """
    dim = matcher.gallery.dim
    wrong = next((len(row) for row in rows if len(row) != dim), None)
    if wrong is not None:
        raise invalid(f"A vector must have {dim} numbers for this gallery. Received: {wrong}.")
    with np.errstate(over="ignore"):  # becomes infinite, which is refused
        vectors = np.array(rows, np.float64).reshape(-1, dim).astype(np.float32)
    return _checked(vectors, matcher)


def _checked(vectors: Floats, matcher: Matcher) -> Floats:
    """Refuse values that are not finite."""
    try:
        return checked_vectors(vectors, matcher.gallery.dim)
    except ValueError as error:
        raise invalid(str(error)) from error


def from_raw(body: bytes, matcher: Matcher) -> Pictures:
    """Read vectors from raw float32 rows, little-endian.

    Args:
        body: The rows, one after the other.
        matcher: Its gallery says how long a row is.

    Raises:
        ApiError: If the body does not hold whole rows, or a value is not finite.
    """
    row = 4 * matcher.gallery.dim
    if len(body) % row:
        raise invalid(
            f"Raw float32 rows of this gallery have {row} bytes each, but there are {len(body)}."
        )
    vectors = np.frombuffer(body, "<f4").reshape(-1, matcher.gallery.dim)
    return Pictures(numbered(len(vectors)), vectors=_checked(vectors.astype(np.float32), matcher))


def from_npy(body: bytes, state: ServerState) -> Pictures:
    """Read pictures `(n, h, w)` or `(n, h, w, 3)`, or float32 vectors `(n, dim)`, from a .npy file.

    Args:
        body: Content of the file.
        state: Limits, and the gallery.

    Raises:
        ApiError: If it is damaged, too large, or another array.
    """
    array = _read_npy(body, state.settings.max_images)
    if array.dtype.kind == "f" and array.dtype.itemsize == 4 and array.ndim == 2:
        vectors = _checked(array.astype(np.float32), state.matcher)
        return Pictures(numbered(len(vectors)), vectors=vectors)
    picture = array.ndim == 3 or (array.ndim == 4 and array.shape[3] == 3)
    if array.dtype.kind not in "buif" or not picture:
        raise invalid(
            "An array must be pictures, (n, h, w) or (n, h, w, 3), or float32 vectors (n, dim). "
            f"Received: {array.dtype} {array.shape}."
        )
    _check_pixels(array.shape[1], array.shape[2], state)
    try:
        return Pictures(numbered(len(array)), SetRange("the array").to_8_bits(array))
    except DatasetError as error:
        raise invalid(str(error)) from error


def _check_pixels(height: int, width: int, state: ServerState) -> None:
    """Refuse a picture that is empty or too large."""
    most = state.settings.max_pixels
    if not height * width:
        raise invalid(f"A picture must have pixels. Received: {height} x {width}.")
    if height * width > most:
        raise too_large(f"A picture of {height} x {width} pixels is too large", f"{most} pixels")


def _read_npy(body: bytes, most: int) -> npt.NDArray[Any]:
    """Read a .npy file without copying; object arrays are refused.

    Args:
        body: Content of the file.
        most: Maximum number of rows.

    Raises:
        ApiError: If it is not a .npy file, or its size differs from its header.
    """
    stream = io.BytesIO(body)
    try:
        version = np.lib.format.read_magic(stream)
        read = {(1, 0): np.lib.format.read_array_header_1_0}
        read[2, 0] = np.lib.format.read_array_header_2_0
        shape, by_columns, dtype = read[version](stream)
        if by_columns or dtype.hasobject or not shape or min(shape) < 0:
            raise ValueError("expected rows of plain numbers, in C order")
        if shape[0] > most:
            raise too_large(f"The array has {shape[0]} rows", f"{most}", "Send several requests.")
        size = math.prod((dtype.itemsize, *shape))  # Python integers do not overflow
        came = len(body) - stream.tell()
        if size != came:
            raise ValueError(f"its header says {size} bytes of data, but {came} came")
        return np.frombuffer(body, dtype, offset=stream.tell()).reshape(shape)
    except ApiError:
        raise
    except Exception as error:  # parsing the header can raise many exceptions
        reason = " ".join(str(error).split()) or type(error).__name__
        raise invalid(
            f"The array cannot be read: {reason[:200]}.", "Write it with numpy.save."
        ) from error


def numbered(count: int) -> list[str]:
    """Ids of pictures that have none: their places, from 0."""
    return list(map(str, range(count)))
