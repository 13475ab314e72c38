"""The range of pictures' values, decided here alone: which value becomes 255.

People save pictures as 0..1, as masks of 0 and 1, as 0..255, and as 10 to 16 bits. The range is the
smallest of these that holds the values; floats may exceed it by the overshoot of resizing. Values
that fit none are refused, and so is a range that a few stray values alone ask for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from embedder.errors import DatasetError, ImageError
from likewise.arrays import Pixels

TOO_FEW = 16  # values of 0..255 that end here are of another range, or nearly all black
OVERSHOOT = 0.25  # of the range: how far cubic and Lanczos resizing leave it
_RANGES = (1, *(2**bits - 1 for bits in (8, 10, 12, 14, 16)))
_RARE = 1e-4  # share of the values above zero that is too small to decide about the others
_RARE_ABOVE_ONE = 1e-2  # nearly all values of a picture of 0..255 are above 1
_BAND = 1 << 20  # values converted at a time


class UnknownRangeError(ImageError):
    """Values of no usual range; the message names them and says what to do."""


@dataclass(frozen=True, slots=True)
class ValueRange:
    """A range of values from 0 on.

    Attributes:
        full: The value that becomes 255.

    Example:
        >>> ValueRange(1).to_8_bits(np.array([0.0, 0.5, 1.01])).tolist()
        [0, 128, 255]
    """

    full: float

    def to_8_bits(self, values: npt.NDArray[Any]) -> Pixels:
        """Scale values of any shape to uint8; what lies outside of the range is cut off."""
        if values.dtype == np.uint8:
            return values if self.full == 255 else (values > 0) * np.uint8(255)
        if values.dtype == np.uint16 and self.full > 255:  # the high bits, as cameras' tools do
            return (values >> (int(self.full).bit_length() - 8)).astype(np.uint8)
        flat = values.reshape(-1)
        scaled = np.empty(len(flat), np.uint8)
        for band in bands(len(flat)):
            part = flat[band] if values.dtype.kind == "f" else flat[band].astype(np.float64)
            scaled[band] = np.clip(np.rint(part * (255.0 / self.full)), 0, 255)
        return scaled.reshape(values.shape)

    def strays(self, values: npt.NDArray[Any]) -> npt.NDArray[np.bool_] | None:
        """Those values that need this range, where they are too few to decide about the others."""
        smaller = self.smaller
        if not smaller:
            return None
        beyond = values > _limit(smaller, integers=values.dtype.kind != "f")
        rare = _RARE_ABOVE_ONE if smaller == 1 else _RARE
        few = np.count_nonzero(beyond) < rare * np.count_nonzero(values)
        return beyond if few and beyond.any() else None

    @property
    def smaller(self) -> int:
        """The next smaller usual range; 0 if there is none."""
        return max((full for full in _RANGES if full < self.full), default=0)


def range_of(bottom: float, top: float, *, integers: bool) -> ValueRange:
    """Decide the range of values by the smallest and the largest of them.

    Args:
        bottom: The smallest value, or 0 where all are larger; finite.
        top: The largest value, or 0 where all are smaller; finite.
        integers: Whether they are whole by their type: these do not overshoot.

    Raises:
        UnknownRangeError: If they fit no usual range, as values normalised to -1..1 or 0..16 do.

    Example:
        >>> range_of(0, 1.000001, integers=False), range_of(0, 4000, integers=True)
        (ValueRange(full=1), ValueRange(full=4095))
    """
    full = next((full for full in _RANGES if top <= _limit(full, integers)), top)
    if bottom < full - _limit(full, integers) or (full == 255 and top <= TOO_FEW):
        raise UnknownRangeError(_unknown(bottom, top))
    return ValueRange(full)


class SetRange:
    """The range of a whole data set, decided by the first pictures that are not all 0.

    Args:
        where: What the values are, for messages, such as `images in digits.npz`.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._range: ValueRange | None = None

    def to_8_bits(self, values: npt.NDArray[Any], first: int = 0) -> Pixels:
        """Scale the pictures that come next.

        Args:
            values: `(n, …)`, booleans, integers or floats.
            first: Row of the first one in its data set.

        Raises:
            DatasetError: If a value fits no usual range, or not that of the pictures before.
        """
        if values.dtype == np.bool_:
            values = values.astype(np.uint8)
        bottom, top = float(values.min(initial=0)), float(values.max(initial=0))
        whole = values.dtype.kind != "f"
        full = _RANGES[-1] if self._range is None else self._range.full
        if not (np.isfinite(bottom) and top <= _limit(full, whole)):  # NaN fails too
            raise self._wrong(values, first, full)
        if self._range is not None:
            return self._range.to_8_bits(values)
        decided = self._decided(values, bottom, top, first)
        self._range = decided if top > 0 else None
        return decided.to_8_bits(values)

    def _decided(
        self, values: npt.NDArray[Any], bottom: float, top: float, first: int
    ) -> ValueRange:
        try:
            decided = range_of(bottom, top, integers=values.dtype.kind != "f")
        except UnknownRangeError as error:
            if bottom < -TOO_FEW:
                raise self._wrong(values, first, top) from error
            raise DatasetError(f"{self._where}: {error} before saving.") from error
        strays = decided.strays(values)
        if strays is not None:
            raise DatasetError(
                f"{self._where} should hold values of one range, but nearly all are "
                f"0..{decided.smaller}, and row {first + _row(strays)} holds {top:g}: repair it."
            )
        return decided

    def _wrong(self, values: npt.NDArray[Any], first: int, most: float) -> DatasetError:
        wrong = ~((values >= 0) & (values <= most))  # true for NaN too
        row = _row(wrong)
        return DatasetError(
            f"{self._where} should hold 0..1 or 0..255, but row {first + row} holds "
            f"{values[row][wrong[row]][0]}: scale it before saving."
        )


def bands(count: int) -> Iterator[slice]:
    """Cut values into bands, so that wider numbers take little memory."""
    return (slice(start, start + _BAND) for start in range(0, count, _BAND))


def _row(wrong: npt.NDArray[np.bool_]) -> int:
    return int(np.argwhere(wrong)[0][0])


def _limit(full: float, integers: bool) -> float:
    """The largest value that a range may hold: floats overshoot."""
    return full if integers else full * (1 + OVERSHOOT)


def _unknown(bottom: float, top: float) -> str:
    repair = f"multiply them by {255 / top:.4g}" if bottom >= 0 else "scale them to 0..255"
    return f"expected values of 0..1 or 0..255, but they are {bottom:.4g}..{top:.4g}: {repair}"
