"""IDX files as MNIST, EMNIST and Fashion-MNIST come: plain or gzip, any count and size.

Pictures are read a thousand at a time, so memory stays constant. The labels are looked for
beside the images, by name: `train-images-idx3-ubyte` has `train-labels-idx1-ubyte`.
Leaves out: element types other than unsigned byte.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from embedder.data.records import Record, Records, from_arrays
from embedder.data.value_range import SetRange
from embedder.errors import DatasetError
from embedder.text import counted

_UBYTE = 0x08
_AT_ONCE = 1000
_MOST_PIXELS = 1 << 26  # of one picture; a larger size means a damaged header


def is_idx(path: Path) -> bool:
    """Tell by the first bytes whether a file is IDX, plain or gzip.

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
    return len(start) == 4 and start[:3] == bytes((0, 0, _UBYTE)) and 1 <= start[3] <= 4


def idx_records(path: Path) -> Records:
    """Stream the pictures of an IDX images file with the labels that lie beside it.

    Args:
        path: An images file: three dimensions for grey, four for RGB.

    Returns:
        Records with ids `FILE/00000`, numbered from 0 as in the file; labels are the numbers
        in the labels file as text, None when there is no labels file.

    Raises:
        DatasetError: If either file is damaged, or they do not hold equally many rows.

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
    return Records(partial(_stream, path, labels), count)


def _stream(path: Path, labels: list[str] | None) -> Iterator[Record]:
    prefix = path.name.removesuffix(".gz")
    within = SetRange(f"the values in {path}")
    first = 0
    for values in _chunks(path):
        images = within.to_8_bits(values, first)
        here = None if labels is None else labels[first : first + len(images)]
        yield from from_arrays(prefix, images, here, first)
        first += len(images)


def _chunks(path: Path) -> Iterator[np.ndarray]:
    """Read pictures `(up to 1000, h, w[, 3])` until the count in the header is reached."""
    count, *shape = _header(path)
    each = int(np.prod(shape))
    with _open(path) as stream:
        stream.read(4 + 4 * len(_dimensions(path)))
        for first in range(0, count, _AT_ONCE):
            wanted = min(_AT_ONCE, count - first) * each
            content = _read(stream, wanted, path, first)
            if len(content) < wanted:
                row = first + len(content) // each
                raise DatasetError(
                    f"{path} is truncated at row {row}: its header says {count} rows of "
                    f"{each} bytes; copy the file again."
                )
            yield np.frombuffer(content, np.uint8).reshape(-1, *shape)
        _refuse_more(stream, path, count)


def _refuse_more(stream: BinaryIO, path: Path, rows: int) -> None:
    """Read on to the end, where gzip keeps its checksum, and refuse a longer file."""
    if _read(stream, 1, path, rows):
        raise DatasetError(
            f"{path} goes on after the {counted(rows, 'row')} that its header "
            "says: copy the file again."
        )


def _header(path: Path) -> list[int]:
    """Read the count of pictures and their shape, a single channel left out."""
    dimensions = _dimensions(path)
    if len(dimensions) == 4 and dimensions[3] == 1:
        dimensions = dimensions[:3]
    is_image = len(dimensions) == 3 or (len(dimensions) == 4 and dimensions[3] == 3)
    if not is_image or not 0 < np.prod(dimensions[1:], dtype=np.float64) <= _MOST_PIXELS:
        raise DatasetError(
            f"{path} should hold pictures, grey (n, h, w) or RGB (n, h, w, 3), but its header "
            f"says {tuple(dimensions)}: give the images file, not the labels file."
        )
    return dimensions


def _dimensions(path: Path) -> list[int]:
    with _open(path) as stream:
        start = _read(stream, 4, path, 0)
        right = len(start) == 4 and start[:3] == bytes((0, 0, _UBYTE))
        sizes = _read(stream, 4 * start[3], path, 0) if right else b""
    if not right or not sizes or len(sizes) != 4 * start[3]:
        raise DatasetError(
            f"{path} should begin with an IDX header of unsigned bytes (00 00 08), but begins "
            f"with {start.hex(' ') or 'nothing'}: it is damaged or of another format."
        )
    return list(struct.unpack(f">{start[3]}I", sizes))


def _read_labels(path: Path) -> list[str]:
    dimensions = _dimensions(path)
    if len(dimensions) != 1:
        raise DatasetError(
            f"{path} should hold labels in one dimension, but its header says "
            f"{tuple(dimensions)}: put the labels file beside the images."
        )
    with _open(path) as stream:
        content = _read(stream, 8 + dimensions[0], path, 0)[8:]
        if len(content) == dimensions[0]:
            _refuse_more(stream, path, dimensions[0])
    if len(content) < dimensions[0]:
        raise DatasetError(
            f"{path} is truncated at row {len(content)}: its header says "
            f"{counted(dimensions[0], 'label')}; copy the file again."
        )
    names = [str(value) for value in range(256)]
    return [names[value] for value in content]


def _labels_beside(path: Path) -> Path | None:
    """Find the labels file of an images file: the same name with labels for images, idx1."""
    name = path.name.removesuffix(".gz")
    wanted = name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
    candidates = [path.with_name(wanted), path.with_name(f"{wanted}.gz")]
    return next((c for c in candidates if wanted != name and c.is_file()), None)


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
