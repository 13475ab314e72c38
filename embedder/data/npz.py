"""NumPy archives: `x_train, y_train, x_test, y_test` as Keras writes them, or `images, labels`.

Never unpickles: an archive with Python objects in it is refused.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from embedder.data.labels import reader_of
from embedder.data.records import Record, Records, from_arrays
from embedder.data.value_range import SetRange
from embedder.errors import DatasetError
from likewise.arrays import Pixels


def npz_records(path: Path, split: str | None = None) -> Records:
    """Stream the pictures of a NumPy archive.

    Args:
        path: An `.npz` with `x_train` and/or `x_test`, each perhaps with its `y_…`, or with
            `images` and perhaps `labels`. Pictures may be `(n, h, w)`, `(n, h, w, 1)` or
            `(n, h, w, 3)`; masks, numbers of 0..1 or 0..255, or 10 to 16 bits.
        split: `train` or `test`; None streams the training pictures, then the test pictures.

    Returns:
        Records with ids `FILE.npz/train/00000`, numbered from 0 like the arrays.

    Raises:
        DatasetError: If the archive is damaged or its arrays are not of that form.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "two.npz"
        >>> np.savez(path, images=np.zeros((2, 9, 9), np.uint8), labels=np.array(["a", "b"]))
        >>> [(record.id, record.label) for record in npz_records(path)]
        [('two.npz/00000', 'a'), ('two.npz/00001', 'b')]
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files if name in _KNOWN}
            names = archive.files
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DatasetError(
            f"{path} is not a readable NumPy archive ({error}): copy it again, or save it anew "
            "with np.savez and without Python objects."
        ) from error
    halves = [_half(path, arrays, *wanted) for wanted in _wanted(path, set(names), split)]
    return Records(partial(_stream, halves), sum(len(pixels) for _, pixels, _ in halves))


_Half = tuple[str, Pixels, list[str | None] | None]  # the prefix of its ids, pixels and labels


def _stream(halves: list[_Half]) -> Iterator[Record]:
    return (record for half in halves for record in from_arrays(*half))


_SPLITS = (("train", "x_train", "y_train"), ("test", "x_test", "y_test"))
_KNOWN = {"images", "labels", *(name for _, *names in _SPLITS for name in names)}


def _wanted(path: Path, names: set[str], split: str | None) -> list[tuple[str, str, str]]:
    """Choose the (split, images, labels) names to read."""
    present = [half for half in _SPLITS if half[1] in names]
    if not present and "images" in names and split is None:
        return [("", "images", "labels")]
    chosen = [half for half in present if split in (None, half[0])]
    if not chosen:
        wanted = "images, or x_train and x_test" if split is None else f"x_{split}"
        raise DatasetError(
            f"{path} should hold {wanted}, but holds {', '.join(sorted(names)) or 'nothing'}: "
            "rename its arrays, or leave out the split."
        )
    return chosen


def _half(
    path: Path, arrays: dict[str, npt.NDArray[Any]], split: str, images: str, labels: str
) -> _Half:
    """Check the arrays of one half."""
    pixels = _as_pixels(arrays[images], f"{images} in {path}")
    names = _as_labels(arrays[labels], f"{labels} in {path}") if labels in arrays else None
    if names is not None and len(names) != len(pixels):
        raise DatasetError(
            f"{path} holds {len(pixels)} {images}, but {len(names)} {labels}: "
            "save as many labels as pictures."
        )
    return f"{path.name}/{split}".rstrip("/"), pixels, names


def _as_pixels(values: npt.NDArray[Any], where: str) -> Pixels:
    """Bring an array to uint8 `(n, h, w)` or `(n, h, w, 3)`."""
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    right = values.ndim == 3 or (values.ndim == 4 and values.shape[3] == 3)
    if not right or values.dtype.kind not in "buif":
        raise DatasetError(
            f"{where} should be numbers of shape (n, h, w) or (n, h, w, 3), but is "
            f"{values.dtype} of shape {values.shape}: reshape it before saving."
        )
    return SetRange(where).to_8_bits(values)


def _as_labels(values: npt.NDArray[Any], where: str) -> list[str | None]:
    """Convert numbers or texts, `(n,)` or `(n, 1)`, to labels; NaN and empty text mean none."""
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
