"""Rectangles that are cut out of pictures, as a detector finds them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embedder.errors import BoxError
from likewise.arrays import Pixels

# What the columns of a box are called in lists: corner and size, or two corners.
SIZES = (("x", "y", "w", "h"), ("x", "y", "width", "height"))
CORNERS = (
    *(("xmin", "ymin", "xmax", "ymax"), ("x_min", "y_min", "x_max", "y_max")),
    ("x1", "y1", "x2", "y2"),
)
_NUMBERS = 4
_LARGEST = 10**9  # pixels; what is beyond is no place in a picture


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of a picture as it is shown, turned as its EXIF data say.

    Attributes:
        x: Pixels from the left edge, >= 0.
        y: Pixels from the top edge, >= 0.
        w: Width in pixels, >= 1.
        h: Height in pixels, >= 1.
        place: Where it stands, as `row 3`, for messages.

    Example:
        >>> Box(1, 0, 2, 1).cut(np.array([[10, 20, 30]], np.uint8))
        array([[20, 30]], dtype=uint8)
    """

    x: int
    y: int
    w: int
    h: int
    place: str = ""

    def __str__(self) -> str:
        return f"{self.x},{self.y},{self.w},{self.h}"

    @classmethod
    def of(cls, values: Sequence[object], place: str = "") -> Box:
        """Read x, y, w and h; each edge is rounded to the nearest pixel, halves up.

        Args:
            values: Four numbers, or texts of numbers.
            place: Where they stand, for messages.

        Raises:
            BoxError: If they are none, or the box is empty or begins outside every picture.

        Example:
            >>> print(Box.of(["12", "7.6", 40, 30.0]))
            12,8,40,30
        """
        try:
            x, y, w, h = map(_number, values)
        except OverflowError:
            raise BoxError(
                f"{_before(place)}expected a box of four numbers up to {_LARGEST}, x,y,w,h in "
                f"pixels, but it is {_shown(values)}: correct it"
            ) from None
        except (TypeError, ValueError):
            raise BoxError(
                f"{_before(place)}expected a box of four numbers, x,y,w,h in pixels, but it is "
                f"{_shown(values)}: correct it"
            ) from None
        left, top, right, bottom = map(_nearest, (x, y, x + w, y + h))
        if left < 0 or top < 0 or right <= left or bottom <= top:
            raise BoxError(
                f"{_before(place)}expected a box with x and y of at least 0, w and h of at least "
                f"1, but it is {_shown(values)}: correct it"
            )
        return cls(left, top, right - left, bottom - top, place)

    @classmethod
    def between(cls, values: Sequence[object], place: str = "") -> Box:
        """Read the left, top, right and lower edge.

        Args:
            values: As for `of`.
            place: As for `of`.

        Raises:
            BoxError: As `of`.

        Example:
            >>> print(Box.between([12, 8, 52, 38]))
            12,8,40,30
        """
        try:
            left, top, right, bottom = map(_number, values)
        except (TypeError, ValueError, OverflowError):
            return cls.of(values, place)  # which says what is wrong
        return cls.of((left, top, right - left, bottom - top), place)

    def cut(self, pixels: Pixels) -> Pixels:
        """Cut the box out of a picture.

        Args:
            pixels: uint8 `(height, width)` or `(height, width, 3)`.

        Returns:
            uint8 `(h, w)` or `(h, w, 3)`, a copy.

        Raises:
            BoxError: If the box reaches out of the picture.
        """
        height, width = pixels.shape[:2]
        if self.x + self.w > width or self.y + self.h > height:
            raise BoxError(
                f"{_before(self.place)}the box {self} reaches out of the picture, which is {width} "
                f"pixels wide and {height} high: correct it"
            )
        return np.array(pixels[self.y : self.y + self.h, self.x : self.x + self.w])


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float | np.number):
        raise TypeError
    number = float(value)
    if math.isnan(number):
        raise ValueError
    if abs(number) > _LARGEST:
        raise OverflowError
    return number


def _nearest(edge: float) -> int:
    """Round halves up: to even, a pixel from 1.5 to 2.5 would have no width."""
    return math.floor(edge + 0.5)


def _before(place: str) -> str:
    return f"{place}: " if place else ""


def _shown(values: Sequence[object]) -> str:
    return ",".join(str(value)[:20] for value in values[: _NUMBERS + 1]) or "empty"
