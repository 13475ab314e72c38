"""NumPy archives: of a training and a test half, as Keras and MedMNIST name them, or of one.

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

from embedder.data.arrays import as_labels, as_pixels
from embedder.data.npy import one_array
from embedder.data.records import Record, Records, from_arrays
from embedder.errors import DatasetError
from likewise.arrays import Pixels


def npz_records(path: Path, split: str | None = None) -> Records:
    """Stream the pictures of a NumPy archive.

    Args:
        path: An `.npz` with `x_train` and/or `x_test`, each perhaps with its `y_…`; with
            `train_images`, `train_labels` and so on; with `images` and perhaps `labels`, or another
            pair of `_PAIRS`; or with `arr_0` alone, whose labels lie beside, as
            `kmnist-test-labels.npz`. Pictures may be `(n, h, w)`, `(n, h, w, 1)` or
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
            f"{path} is not a readable NumPy archive ({error}): copy it again, or save it again "
            "with np.savez and without Python objects."
        ) from error
    if names == [_UNNAMED] and split is None:
        return one_array(path, arrays[_UNNAMED])
    halves = [_half(path, arrays, *wanted) for wanted in _wanted(path, set(names), split)]
    count = sum(len(pixels) for _, pixels, _ in halves)
    return Records(partial(_stream, halves), count, are_distinct=True)


_Half = tuple[str, Pixels, list[str | None] | None]  # the prefix of its ids, pixels and labels


def _stream(halves: list[_Half]) -> Iterator[Record]:
    return (record for half in halves for record in from_arrays(*half))


_SPLITS = (
    ("train", "x_train", "y_train"),
    ("train", "train_images", "train_labels"),
    ("val", "x_val", "y_val"),
    ("val", "val_images", "val_labels"),
    ("test", "x_test", "y_test"),
    ("test", "test_images", "test_labels"),
)
_UNNAMED = "arr_0"  # of an array that was saved without a name
# Pictures and labels of an archive without splits, as people and libraries name them.
_PAIRS = (
    ("images", "labels"),
    ("images", "targets"),
    ("x", "y"),
    ("X", "y"),
    ("data", "labels"),
    ("data", "target"),
    ("data", "targets"),
    (_UNNAMED, "arr_1"),
)
_KNOWN = {name for _, *names in _SPLITS for name in names}.union(*_PAIRS)


def _wanted(path: Path, names: set[str], split: str | None) -> list[tuple[str, str, str]]:
    """Choose the (split, images, labels) names to read."""
    present = [half for half in _SPLITS if half[1] in names]
    if not present and split is None:
        for pair in _PAIRS:
            if names.issuperset(pair):
                return [("", *pair)]
        if "images" in names:
            return [("", *_PAIRS[0])]
    chosen = [half for half in present if split in (None, half[0])]
    if not chosen:
        wanted = "images and labels, or x_train and x_test" if split is None else f"x_{split}"
        advice = "" if split is None else ", or leave out the split"
        raise DatasetError(
            f"{path} should hold {wanted}, but holds {', '.join(sorted(names)) or 'nothing'}: "
            f"rename its arrays{advice}."
        )
    return chosen


def _half(
    path: Path, arrays: dict[str, npt.NDArray[Any]], split: str, images: str, labels: str
) -> _Half:
    """Check the arrays of one half."""
    pixels = as_pixels(arrays[images], f"{images} in {path}")
    names = as_labels(arrays[labels], f"{labels} in {path}") if labels in arrays else None
    if names is not None and len(names) != len(pixels):
        raise DatasetError(
            f"{path} holds {len(pixels)} {images}, but {len(names)} {labels}: "
            "save as many labels as pictures."
        )
    return f"{path.name}/{split}".rstrip("/"), pixels, names
