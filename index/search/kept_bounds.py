"""The cells of a large gallery on disk, `vectors.bounds`: a query reads only those near it.

Derived like `vectors.faiss`. A table says where cells lie, and has a digest of each; behind it come
the cells, with the slots and the short vectors of their rows. Bounds are taken from this file, so
nothing of it is used before its digest is proven, each time it is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from index.search.cells import Cells
from index.search.mark import Mark
from index.search.outline import Frame, Outline
from index.search.setting import BOUNDS
from index.storage.drafts import draft
from index.storage.files import open_plain, written
from likewise.arrays import Doubles, Floats, Indices

_FORMAT = 1
_HEAD = 512  # bytes
_DIGEST = 32  # bytes of SHA-256


class DamagedError(ValueError):
    """The file is not as it was written; another way to answer has to be found."""


@dataclass(frozen=True, slots=True, eq=False)
class KeptRows:
    """The rows of one cell, by their distance to the centroid.

    Attributes:
        inner: These distances, `(n,)`, float64, ascending.
        slots: Their slots, `(n,)`, int64.
        short: Their short vectors less the centroid's, `(n, m)`, float32.
    """

    inner: Doubles
    slots: Indices
    short: Floats


class KeptBounds:
    """An open file.

    Args:
        file: Open for reading; closed by `close`.

    Attributes:
        mark: Which rows it holds.
        outline: The cells without their rows.

    Raises:
        DamagedError: If it is damaged or of another format.
        OSError: If it cannot be read.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        try:
            head = json.loads(_read(file, 0, _HEAD))
            digest = head.pop("sha256")
            self._shape = _Shape(*(head[name] for name in _NAMES))
            table = _read(file, _HEAD, self._shape.table_size)
            if head["format"] != _FORMAT or _head_digest(head, table) != digest:
                raise DamagedError("its head or its table is damaged")
            self.mark = Mark(**head["mark"])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DamagedError(str(error)) from error
        self.outline, self._digests = self._shape.outline(table)
        sizes = self.outline.counts * self._shape.row_size
        self._ends = _HEAD + len(table) + np.cumsum(sizes)

    @classmethod
    def open(cls, directory: Path) -> KeptBounds | None:
        """Open the file of a gallery; None if it is missing, damaged or of another format."""
        try:
            file = open_plain(directory / BOUNDS, buffering=0)
        except OSError:
            return None
        try:
            return cls(file)
        except (OSError, DamagedError):
            file.close()
            return None

    def rows(self, cell: int) -> KeptRows:
        """Read the rows of a cell, and prove them.

        Raises:
            DamagedError: If they are not as they were written.
            OSError: If they cannot be read.
        """
        count, shape = int(self.outline.counts[cell]), self._shape
        size = count * shape.row_size
        content = _read(self._file, int(self._ends[cell]) - size, size)
        if hashlib.sha256(content).digest() != self._digests[cell].tobytes():
            raise DamagedError(f"cell {cell} is damaged")
        inner = np.frombuffer(content, "<f8", count)
        slots = np.frombuffer(content, "<i8", count, 8 * count)
        short = np.frombuffer(content, "<f4", count * shape.width, 16 * count)
        return KeptRows(inner, slots, short.reshape(count, shape.width))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def is_damaged(directory: Path) -> bool:
    """Whether a gallery has the file, and not all of it is as it was written; reads all of it."""
    kept = KeptBounds.open(directory)
    if kept is None:
        return os.path.lexists(directory / BOUNDS)
    with contextlib.closing(kept):
        try:
            for cell in range(len(kept.outline.counts)):
                kept.rows(cell)
        except (OSError, DamagedError):
            return True
    return False


@dataclass(frozen=True, slots=True)
class _Shape:
    """Sizes of the table, and what lies where in it."""

    cells: int
    dim: int
    axes: int  # 0 where short vectors are as long as vectors
    width: int

    @property
    def row_size(self) -> int:
        return 8 + 8 + 4 * self.width

    @property
    def table_size(self) -> int:
        return sum(np.dtype(kind).itemsize * size for kind, size in self._parts())

    def _parts(self) -> Iterator[tuple[str, int]]:
        yield from (("<f8", self.dim), ("<f8", self.dim * self.axes))  # centre and axes
        yield "<f4", self.cells * self.dim  # centroids
        yield "<i8", self.cells  # counts
        yield from (("<f8", self.cells),) * 3  # radius, spread, far
        yield "<u1", self.cells * _DIGEST

    def outline(self, table: bytes) -> tuple[Outline, npt.NDArray[np.uint8]]:
        """Outline and digests that a proven table holds."""
        parts, start = [], 0
        for kind, size in self._parts():
            parts.append(np.frombuffer(table, kind, size, start))
            start += parts[-1].nbytes
        centre, axes, centroids, counts, radius, spread, far, digests = parts
        frame = Frame(centre, axes.reshape(self.dim, self.axes) if self.axes else None)
        outline = Outline(centroids.reshape(self.cells, self.dim), frame)
        outline.counts, outline.radius, outline.spread, outline.far = counts, radius, spread, far
        return outline, digests.reshape(self.cells, _DIGEST)


_NAMES = [field.name for field in fields(_Shape)]


def write_bounds(directory: Path, mark: Mark, slots: Indices, cells: Cells) -> None:
    """Write the cells of a gallery, durably.

    Args:
        directory: The gallery's directory.
        mark: Which rows they are of.
        slots: The slot of each row, `(n,)`.
        cells: Cells of these rows.

    Raises:
        OSError: If it cannot be written; an older file stays.
    """
    frame, (count, dim) = cells.frame, cells.centroids.shape
    axes = np.empty((dim, 0)) if frame.axes is None else frame.axes
    shape = _Shape(count, dim, axes.shape[1], cells.origins.shape[1])
    path = directory / BOUNDS
    with written(path), draft(path) as beside, open(beside, "r+b") as file:
        file.seek(_HEAD + shape.table_size)
        digests = b"".join(_write_rows(file, slots, cells))
        measures = (cells.counts, cells.radius, cells.spread, cells.far)
        parts = (frame.centre, np.ascontiguousarray(axes), cells.centroids, *measures)
        table = b"".join(part.tobytes() for part in parts) + digests
        head = {"format": _FORMAT, "mark": asdict(mark), **asdict(shape)}
        head["sha256"] = _head_digest(head, table)
        file.seek(0)
        file.write(json.dumps(head).encode().ljust(_HEAD - 1) + b"\n" + table)
        file.flush()
        os.fsync(file.fileno())


def _write_rows(file: IO[bytes], slots: Indices, cells: Cells) -> Iterator[bytes]:
    """Write one cell after the other; yield their digests."""
    for rows, inner, short in zip(cells.rows, cells.inner, cells.short, strict=True):
        kept = (inner.astype("<f8"), slots[rows].astype("<i8"), short.astype("<f4"))
        content = b"".join(part.tobytes() for part in kept)
        file.write(content)
        yield hashlib.sha256(content).digest()


def _head_digest(head: dict[str, Any], table: bytes) -> str:
    """Digest of the table, and of what else the head says."""
    return hashlib.sha256(json.dumps(head).encode() + table).hexdigest()


def _read(file: IO[bytes], start: int, size: int) -> bytes:
    """Read `size` bytes.

    Raises:
        DamagedError: If the file ends before.
    """
    if not 0 <= size <= os.fstat(file.fileno()).st_size - start:
        raise DamagedError("the file is cut off")
    file.seek(start)
    content = file.read(size)
    if len(content) != size:
        raise DamagedError("the file is cut off")
    return content
