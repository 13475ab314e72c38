"""IDX files, the format of MNIST, Fashion-MNIST, EMNIST and QMNIST: plain or gzip, any size.

Pictures are read a thousand at a time, so memory stays constant. The labels are read from the file
beside the images whose name matches: `train-labels-idx1-ubyte` for `train-images-idx3-ubyte`, or
the first column of QMNIST's `…-labels-idx2-int`. EMNIST stores its pictures transposed; they are
turned upright if the file is named as EMNIST's.
"""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from embedder.data.records import Record, Records, from_arrays
from embedder.data.value_range import SetRange
from embedder.errors import DatasetError
from embedder.text import counted

# The types of elements, by the third byte of a file.
_TYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_AT_ONCE = 1000
_MOST_PIXELS = 1 << 26  # of one picture; a larger size means a damaged header


def is_idx(path: Path) -> bool:
    """Whether a file is IDX, plain or gzip, by its first bytes.

    Example:
        >>> from embedder.data.bundled import FOLDER
        >>> is_idx(FOLDER / "t10k-images-idx3-ubyte.gz")
        True
    """
    try:
        with _open(path) as stream:
            start = stream.read(4)
    except (OSError, EOFError, zlib.error):
        return "idx" in path.name and "ubyte" in path.name
    return _is_start(start) and 1 <= start[3] <= 4


def lies_on_its_side(name: str) -> bool:
    """Whether a file stores its pictures transposed, as EMNIST's do; known by its name.

    Example:
        >>> lies_on_its_side("emnist-letters-train-images-idx3-ubyte.gz")
        True
    """
    return "emnist" in name.casefold()


def idx_records(path: Path) -> Records:
    """Stream the pictures of an IDX images file with the labels from the file beside it.

    Args:
        path: An images file: three dimensions for grey, four for RGB.

    Returns:
        Records with ids `FILE/00000`, numbered from 0 as in the file; labels are the numbers
        in the labels file as text, None without a labels file, which a note then names.

    Raises:
        DatasetError: If either file is damaged, or their numbers of rows differ.

    Example:
        >>> from embedder.data.bundled import FOLDER
        >>> first = next(idx_records(FOLDER / "t10k-images-idx3-ubyte.gz"))
        >>> first.id, first.label
        ('t10k-images-idx3-ubyte/00000', '7')
    """
    count = _header(path)[0]
    beside = _labels_beside(path)
    labels = None if beside is None else _read_labels(beside)
    if labels is not None and len(labels) != count:
        raise DatasetError(
            f"{path} holds {counted(count, 'picture')}, but {beside} holds "
            f"{counted(len(labels), 'label')}: put the matching files side by side."
        )
    missing = _labels_names(path)[0]
    notes = [] if labels is not None else [f"No labels beside {path}: there is no {missing}."]
    return Records(partial(_stream, path, labels), count, notes=notes, are_distinct=True)


def _stream(path: Path, labels: list[str] | None) -> Iterator[Record]:
    prefix = path.name.removesuffix(".gz")
    within = SetRange(f"the values in {path}")
    first = 0
    for values in _chunks(path):
        images = within.to_8_bits(values, first)
        if lies_on_its_side(path.name):
            images = images.swapaxes(1, 2)
        part = None if labels is None else labels[first : first + len(images)]
        yield from from_arrays(prefix, images, part, first)
        first += len(images)


def _chunks(path: Path) -> Iterator[np.ndarray]:
    """Read pictures `(up to 1000, h, w[, 3])` until the count in the header is reached."""
    count, *shape = _header(path)
    dtype, dimensions = _start(path)
    each = int(np.prod(shape)) * dtype.itemsize
    with _open(path) as stream:
        stream.read(4 + 4 * len(dimensions))
        for first in range(0, count, _AT_ONCE):
            size = min(_AT_ONCE, count - first) * each
            content = _read(stream, size, path, first)
            if len(content) < size:
                row = first + len(content) // each
                raise DatasetError(
                    f"{path} is truncated at row {row}: its header says {count} rows of "
                    f"{each} bytes; copy the file again."
                )
            yield np.frombuffer(content, dtype).reshape(-1, *shape)
        _refuse_more(stream, path, count)


def _refuse_more(stream: BinaryIO, path: Path, rows: int) -> None:
    """Read to the end, where gzip stores its checksum, and refuse a file that goes on."""
    if _read(stream, 1, path, rows):
        raise DatasetError(
            f"{path} is longer than the {counted(rows, 'row')} of its header: copy the file again."
        )


def _header(path: Path) -> list[int]:
    """Read the number of pictures and their shape, without a channel axis of length 1."""
    _, dimensions = _start(path)
    if len(dimensions) == 4 and dimensions[3] == 1:
        dimensions = dimensions[:3]
    is_image = len(dimensions) == 3 or (len(dimensions) == 4 and dimensions[3] == 3)
    if not is_image or not 0 < np.prod(dimensions[1:], dtype=np.float64) <= _MOST_PIXELS:
        raise DatasetError(
            f"{path} should hold pictures, grey (n, h, w) or RGB (n, h, w, 3), but its header "
            f"says {tuple(dimensions)}: name the images file, not the labels file."
        )
    return dimensions


def _start(path: Path) -> tuple[np.dtype[Any], list[int]]:
    """Read the type of the elements, and the size of each dimension."""
    with _open(path) as stream:
        start = _read(stream, 4, path, 0)
        is_idx_start = _is_start(start)
        sizes = _read(stream, 4 * start[3], path, 0) if is_idx_start else b""
    if not sizes or len(sizes) != 4 * start[3]:
        raise DatasetError(
            f"{path} should begin with an IDX header, 00 00 and a type, but begins "
            f"with {start.hex(' ') or 'nothing'}: it is damaged or has another format."
        )
    return _TYPES[start[2]], list(struct.unpack(f">{start[3]}I", sizes))


def _is_start(start: bytes) -> bool:
    return len(start) == 4 and start[:2] == bytes(2) and start[2] in _TYPES


def _read_labels(path: Path) -> list[str]:
    """Read the labels: numbers, of several columns the first."""
    dtype, dimensions = _start(path)
    if not 1 <= len(dimensions) <= 2 or dtype.kind == "f":
        raise DatasetError(
            f"{path} should hold labels in one dimension, but its header says "
            f"{tuple(dimensions)}: put the labels file beside the images."
        )
    count, columns = dimensions[0], math.prod(dimensions[1:])
    size = count * columns * dtype.itemsize
    with _open(path) as stream:
        stream.read(4 + 4 * len(dimensions))
        content = _read(stream, size, path, 0)
        if len(content) == size:
            _refuse_more(stream, path, count)
    if len(content) < size:
        raise DatasetError(
            f"{path} is truncated at row {len(content) // (columns * dtype.itemsize)}: its header "
            f"says {counted(count, 'label')}; copy the file again."
        )
    rows = np.frombuffer(content, dtype).reshape(count, columns)
    return list(map(str, rows[:, 0].tolist()))


def _labels_beside(path: Path) -> Path | None:
    """Find the labels file of an images file, by its name."""
    names = (f"{name}{packed}" for name in _labels_names(path) for packed in ("", ".gz"))
    return next((beside for beside in map(path.with_name, names) if beside.is_file()), None)


def _labels_names(path: Path) -> list[str]:
    """Names that the labels file may have: `labels` for `images`, and idx1 or QMNIST's idx2-int."""
    name = path.name.removesuffix(".gz")
    labels = name.replace("images", "labels")
    if labels == name:
        return ["...-labels-idx1-ubyte"]
    idx1, idx2 = (re.sub(r"idx[34]", kind, labels) for kind in ("idx1", "idx2"))
    return [idx1, idx1.replace("ubyte", "int"), idx2.replace("ubyte", "int"), idx2]


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path) if packed else path.open("rb"))


def _read(stream: BinaryIO, size: int, path: Path, row: int) -> bytes:
    """Read `size` bytes, fewer at the end of the file; a damaged gzip is a DatasetError."""
    try:
        return stream.read(size)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(
            f"{path} cannot be unzipped after row {row} ({error}): copy the file again."
        ) from error
