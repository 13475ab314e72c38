"""The bundled MNIST: four original files, compared with their published MD5 when unzipped."""

from __future__ import annotations

import functools
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from embedder.data.records import Record, Records, from_arrays
from embedder.errors import DatasetError
from likewise.arrays import Pixels

FOLDER = Path(__file__).parents[1] / "mnist"
SPLITS = ("train", "test")


class _File(NamedTuple):
    name: str
    md5: str  # of the unzipped file, as published
    shape: tuple[int, ...]


_IMAGES = {
    "train": _File("train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb", (60_000, 28, 28)),
    "test": _File("t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea", (10_000, 28, 28)),
}
_LABELS = {
    "train": _File("train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624", (60_000,)),
    "test": _File("t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637", (10_000,)),
}
# The halves by `Dataset.digest`: the sums above allow no other.
_BY_DIGEST = {
    "b36084a39dc84b25836ededc73323f976e245d33f1c4cd6e71a1bffc767b7dc1": SPLITS,
    "8f88be860f435694aa25b05745c7fd71787e7cb9c71b927436da27caf22af965": ("train",),
    "7c09caafbbe7d6b61ecfb4b7cd0eaa912eba61c13785eccce48932d02a67dee6": ("test",),
}
_NAME = re.compile(r"mnist(?:/(train|test)(?:/(\d{1,5}))?)?")


def is_bundled(source: str) -> bool:
    """Tell whether `source` names bundled data: `mnist`, `mnist/test`, `mnist/test/00017`."""
    return _NAME.fullmatch(source) is not None


def bundled_records(source: str, split: str | None = None) -> Records:
    """Stream `mnist` (training digits, then test digits), one half of it, or one digit.

    Args:
        source: `mnist`, `mnist/train`, `mnist/test`, or one of these with the number of a digit.
        split: `train` or `test`, for `mnist`.

    Raises:
        DatasetError: If the split or the number does not exist, or a file is damaged.

    Example:
        >>> next(bundled_records("mnist/test/00017")).label
        '7'
    """
    match = _NAME.fullmatch(source)
    if match is None:
        raise ValueError(f"`source` must be mnist, mnist/train or mnist/test. Received: {source!r}")
    named, row = match.groups()
    if split is not None and (split not in SPLITS or named not in (None, split)):
        raise DatasetError(f"{source} has no split {split!r}: use mnist/train or mnist/test.")
    if row is not None:
        return _digit(named, int(row))
    halves = (str(named or split),) if named or split else SPLITS
    count = sum(_LABELS[half].shape[0] for half in halves)
    return Records(functools.partial(_stream, halves), count, are_distinct=True)


def pictures_of(digest: str) -> Iterator[Pixels] | None:
    """Stream the pictures of the bundled data that have this `Dataset.digest`; None if none do."""
    halves = _BY_DIGEST.get(digest)
    return None if halves is None else (image for half in halves for image in mnist(half)[0])


def _stream(halves: Iterable[str]) -> Iterator[Record]:
    return (record for half in halves for record in from_arrays(f"mnist/{half}", *mnist(half)))


def _digit(split: str, row: int) -> Records:
    images, labels = mnist(split)
    if row >= len(images):
        raise DatasetError(
            f"mnist/{split} has the pictures 00000 to {len(images) - 1:05d}, not {row:05d}."
        )
    digit = images[row : row + 1], labels[row : row + 1], row
    return Records(functools.partial(from_arrays, f"mnist/{split}", *digit), 1)


@functools.cache
def mnist(split: str) -> tuple[Pixels, list[str]]:
    """Read one half of MNIST; it is unzipped and verified once per process, then cached.

    Args:
        split: `train` or `test`.

    Returns:
        uint8 images `(n, 28, 28)`, white on black, read-only, and n labels `'0'` to `'9'`.

    Raises:
        DatasetError: If a file is missing, or not the one that was published.

    Example:
        >>> images, labels = mnist("test")
        >>> images.shape, labels[:3]
        ((10000, 28, 28), ['7', '2', '1'])
    """
    digits = [str(digit) for digit in range(10)]
    labels = _read(_LABELS[split])
    return _read(_IMAGES[split]), [digits[value] for value in labels.tolist()]


def _read(file: _File) -> Pixels:
    """Unzip one file and compare its MD5: about 0.15 s for the training images."""
    import hashlib

    path = FOLDER / f"{file.name}.gz"
    size = int(np.prod(file.shape))
    try:
        content = zlib.decompress(path.read_bytes(), wbits=31, bufsize=size + 16)
    except (OSError, zlib.error) as error:
        raise DatasetError(_damaged(path, str(error))) from error
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if md5 != file.md5:
        raise DatasetError(_damaged(path, f"its MD5 is {md5}, the published one {file.md5}"))
    return np.frombuffer(content, np.uint8, size, offset=len(content) - size).reshape(file.shape)


def _damaged(path: Path, reason: str) -> str:
    return f"The bundled file {path.name} is not the published one ({reason}): reinstall likewise."
