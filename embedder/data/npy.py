"""One NumPy array of pictures, or of one picture, its labels in another file beside it.

Never unpickles.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from embedder.data.arrays import as_labels, as_pixels
from embedder.data.records import Record, Records, from_arrays
from embedder.errors import DatasetError
from embedder.text import counted

# What stands for pictures in a name, and what for their labels.
_BESIDE = (("images", "labels"), ("imgs", "labels"), ("x", "y"), ("X", "y"), ("data", "labels"))
_LEAST_FLAT = 16  # side of a picture from which on flat rows are likely


def npy_records(path: Path) -> Records:
    """Stream the pictures of a `.npy` file.

    Args:
        path: An array `(n, h, w)`, `(n, h, w, 1)` or `(n, h, w, 3)`, or one picture `(h, w)` or
            `(h, w, 3)`; of any usual range. Its labels lie beside: `labels.npy` for `images.npy`,
            `y_train.npy` for `x_train.npy`.

    Raises:
        DatasetError: If it is damaged, or not of that form.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> np.save(folder / "x_test.npy", np.zeros((2, 9, 9), np.uint8))
        >>> np.save(folder / "y_test.npy", np.array([4, 7]))
        >>> [(record.id, record.label) for record in npy_records(folder / "x_test.npy")]
        [('x_test.npy/00000', '4'), ('x_test.npy/00001', '7')]
    """
    return one_array(path, _loaded(path))


def one_array(path: Path, values: npt.NDArray[Any]) -> Records:
    """Stream the pictures of one array.

    Args:
        path: The file that holds it; its labels are looked for beside it.
        values: As for `npy_records`.

    Raises:
        DatasetError: If it is not of that form, or has not as many labels.
    """
    where = f"the array in {path}"
    if (values.ndim == 2 and not _is_flat(values)) or (values.ndim == 3 and values.shape[2] == 3):
        return Records([Record(path.name, None, as_pixels(values[None], where)[0])], 1)
    images = as_pixels(values, where)
    beside = labels_beside(path)
    labels = None if beside is None else as_labels(_loaded(beside), f"the labels in {beside}")
    if labels is not None and len(labels) != len(images):
        raise DatasetError(
            f"{path} holds {counted(len(images), 'picture')}, but {beside} holds "
            f"{counted(len(labels), 'label')}: put the matching files side by side."
        )
    return Records(partial(from_arrays, path.name, images, labels), len(images), are_distinct=True)


def labels_beside(path: Path) -> Path | None:
    """Find the labels of an array: the same name with labels for images, or y for x."""
    for pictures, labels in _BESIDE:
        stem, match, rest = path.stem.partition(pictures)
        beside = path.with_name(f"{stem}{labels}{rest}{path.suffix}")
        single = len(pictures) > 1 or not (stem[-1:].isalpha() or rest[:1].isalpha())
        if match and single and beside.is_file():
            return beside
    return None


def _loaded(path: Path) -> npt.NDArray[Any]:
    try:
        with path.open("rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded
            [name] = loaded.files
            values: npt.NDArray[Any] = loaded[name]
            return values
    except Exception as error:  # the header is evaluated: much can go wrong
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DatasetError(
            f"{path} is not a readable NumPy file of one array ({reason[:200]}): copy it again, or "
            "save it again with numpy.save, without Python objects."
        ) from error


def _is_flat(values: npt.NDArray[Any]) -> bool:
    """Whether rows of numbers may each be a picture: then the array must say so by its shape."""
    side = int(values.shape[1] ** 0.5)
    return side >= _LEAST_FLAT and side**2 == values.shape[1]
