"""Rows of numbers in a file, read a few at a time: an array that memory never holds as a whole.

A memory map would be counted as memory of the process, page by page, as it is read.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from likewise.arrays import Indices


class Features(Protocol):
    """An array `(n, views, d)` in memory or in a file, of which views of rows can be read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """n, views, d."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: tuple[Indices, Indices], /) -> npt.NDArray[Any]:
        """Read one view of each of m rows, `(m, d)`."""


class RowFile:
    """A `.npy` file of an array `(n, views, d)`.

    Args:
        path: The file; one that exists must be of the same shape and type.
        shape: `(n, views, d)`.
        dtype: Type of the numbers.

    Attributes:
        shape: See above.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int], dtype: type[np.generic]) -> None:
        self.shape = shape
        self._dtype = np.dtype(dtype)
        if not path.exists():
            np.lib.format.open_memmap(path, "w+", self._dtype, shape)
        self._offset = np.lib.format.open_memmap(path, "r").offset
        self._path = path

    def __len__(self) -> int:
        return self.shape[0]

    def write(self, first: int, rows: npt.NDArray[Any]) -> None:
        """Write rows; they are on the disk when this returns.

        Args:
            first: Position of the first row.
            rows: `(m, views, d)`.
        """
        with self._path.open("r+b") as file:
            file.seek(self._offset + first * math.prod(self.shape[1:]) * self._dtype.itemsize)
            file.write(np.ascontiguousarray(rows, self._dtype).data)
            file.flush()
            os.fsync(file.fileno())

    def __getitem__(self, place: tuple[Indices, Indices]) -> npt.NDArray[Any]:
        """Read a view of each of m rows, `(m, d)`, as an array would by two lists of positions."""
        rows, views = place
        result = np.empty((len(rows), self.shape[2]), self._dtype)
        with self._path.open("rb", buffering=0) as file:
            for into, row, view in zip(result, rows.tolist(), views.tolist(), strict=True):
                file.seek(self._offset + (row * self.shape[1] + view) * into.nbytes)
                file.readinto(into.data)
        return result
