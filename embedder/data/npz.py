"""NumPy archives: `x_train, y_train, x_test, y_test` as Keras writes them, or `images, labels`.

Never unpickles: an archive with Python objects in it is refused.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from embedder.data.records import Record, as_label, from_arrays
from embedder.errors import DatasetError


def npz_records(path: Path, split: str | None = None) -> Iterator[Record]:
    """Stream the pictures of a NumPy archive.

    Args:
        path: An `.npz` with `x_train` and/or `x_test`, each perhaps with its `y_…`, or with
            `images` and perhaps `labels`. Pictures may be `(n, h, w)`, `(n, h, w, 1)` or
            `(n, h, w, 3)`; bytes, integers of 0..255, or floats of 0..1 or 0..255.
        split: `train` or `test`; None streams the training pictures, then the test pictures.

    Returns:
        Records with ids `FILE.npz/train/00000`, numbered from 0 as the arrays are.

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
            found = archive.files
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DatasetError(
            f"{path} is not a readable NumPy archive ({error}): copy it again, or save it anew "
            "with np.savez and without Python objects."
        ) from error
    return chain.from_iterable(
        _half(path, arrays, *names) for names in _wanted(path, set(found), split)
    )


_SPLITS = (("train", "x_train", "y_train"), ("test", "x_test", "y_test"))
_KNOWN = {"images", "labels", *(name for _, *names in _SPLITS for name in names)}


def _wanted(path: Path, found: set[str], split: str | None) -> list[tuple[str, str, str]]:
    """Choose the (split, images, labels) names to read."""
    here = [names for names in _SPLITS if names[1] in found]
    if not here and "images" in found and split is None:
        return [("", "images", "labels")]
    chosen = [names for names in here if split in (None, names[0])]
    if not chosen:
        wanted = "images, or x_train and x_test" if split is None else f"x_{split}"
        raise DatasetError(
            f"{path} should hold {wanted}, but holds {', '.join(sorted(found)) or 'nothing'}: "
            "rename its arrays, or leave out the split."
        )
    return chosen


def _half(
    path: Path, arrays: dict[str, np.ndarray], split: str, images: str, labels: str
) -> Iterator[Record]:
    pixels = _as_pixels(arrays[images], f"{images} in {path}")
    names = _as_labels(arrays[labels], f"{labels} in {path}") if labels in arrays else None
    if names is not None and len(names) != len(pixels):
        raise DatasetError(
            f"{path} holds {len(pixels)} {images}, but {len(names)} {labels}: "
            "save as many labels as pictures."
        )
    return from_arrays(f"{path.name}/{split}".rstrip("/"), pixels, names)


def _as_pixels(values: np.ndarray, where: str) -> np.ndarray:
    """Bring an array to uint8 `(n, h, w)` or `(n, h, w, 3)`."""
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    right = values.ndim == 3 or (values.ndim == 4 and values.shape[3] == 3)
    if not right or values.dtype.kind not in "buif":
        raise DatasetError(
            f"{where} should be numbers of shape (n, h, w) or (n, h, w, 3), but is "
            f"{values.dtype} of shape {values.shape}: reshape it before saving."
        )
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    return _to_bytes(values, where)


def _to_bytes(values: np.ndarray, where: str) -> np.ndarray:
    wrong = ~((values >= 0) & (values <= 255))  # true for NaN too
    if wrong.any():
        row = int(np.argwhere(wrong)[0][0])
        raise DatasetError(
            f"{where} should hold 0..1 or 0..255, but row {row} holds {values[row][wrong[row]][0]}:"
            " scale it before saving."
        )
    scale = 255 if values.dtype.kind == "f" and values.max(initial=0) <= 1 else 1
    scaled: np.ndarray = np.rint(values * scale)
    return scaled.astype(np.uint8)


def _as_labels(values: np.ndarray, where: str) -> list[str | None]:
    """Turn numbers or texts, `(n,)` or `(n, 1)`, into labels; NaN and an empty text are none."""
    flat = values.reshape(-1) if values.ndim == 2 and values.shape[1] == 1 else values
    if flat.ndim != 1 or flat.dtype.kind not in "biufUS":
        raise DatasetError(
            f"{where} should be numbers or texts of shape (n,), but is {values.dtype} of shape "
            f"{values.shape}: save one label per picture."
        )
    if flat.dtype.kind == "S":
        flat = _decoded(flat, where)
    return [as_label(label) for label in flat.tolist()]


def _decoded(texts: np.ndarray, where: str) -> np.ndarray:
    try:
        return np.strings.decode(texts, "utf-8")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{where} should be UTF-8, but holds the bytes {error.object!r}: save them as text."
        ) from error
