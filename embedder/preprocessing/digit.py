"""Make any drawn, scanned or photographed digit look like MNIST's.

MNIST's digits were cut out, fitted into a box of 20 x 20 with the aspect kept, and centred
by mass in 28 x 28, white ink on black. Here the same is done to pictures from elsewhere:

1. *contrast*: the colour axis along which ink and paper differ most, its polarity, and the
   paper's own brightness, so that shading and shadows are gone (`ink`);
2. *find*: the connected parts of the ink that make the digit, without specks (`parts`);
3. *cut*: once more from the original pixels around the digit, now at its own scale;
4. *fit*: strokes brought to a usual width, 20 x 20, centred by mass.

Leaves out: slant, rotation, more than one digit in a picture, ruled paper.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from embedder.preprocessing import components, filters, ink, strokes
from likewise.arrays import Floats, Pixels

_LOOK = 128  # longest side at which a picture is looked at
_SMALL = 64  # pictures of fewer pixels are enlarged to this longer side, and no further
_PHOTO = 64  # larger pictures, in pixels of the longer side, may be photographs with shadows
_CLOSER = 3  # maximum number of further looks
_FILLED = 0.7  # share of the view that a digit and its margin fill when it is close enough
_MARGIN = 0.3  # kept around a digit when it is cut out again, as a share of its longer side


class Box(NamedTuple):
    """A part of a picture, in whole pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def side(self) -> int:
        """The longer side."""
        return max(self.right - self.left, self.bottom - self.top)


def as_mnist(image: Pixels, size: tuple[int, int] = (28, 28)) -> Pixels:
    """Crop the digit of a picture and lay it out like MNIST.

    Args:
        image: uint8 `(h, w)` or `(h, w, 3)`, any size, light on dark or dark on light.
        size: Height and width of the result; the digit fills 20/28 of it.

    Returns:
        uint8 of `size`, white on black; all 0 when there is nothing to see in the picture.

    Example:
        >>> import numpy as np
        >>> page = np.full((90, 60), 240, np.uint8)
        >>> page[30:70, 20:24] = 30  # a one, in dark ink
        >>> digit = as_mnist(page)
        >>> rows, columns = np.nonzero(digit > 127)
        >>> int(rows.max() - rows.min() + 1), int(digit[0, 0]), int(digit[14, 14]) > 200
        (20, 0, True)
    """
    with filters.one_thread():
        mask = _close_up(_without_colour(image))
        ink = components.bounds(mask)
        return np.zeros(size, np.uint8) if ink is None else _laid_out(mask[ink], size)


def _without_colour(image: Pixels) -> Pixels:
    """One channel where all three are equal."""
    if image.ndim == 2:
        return image
    first = image[..., 0]
    grey = np.array_equal(first, image[..., 1]) and np.array_equal(first, image[..., 2])
    return np.ascontiguousarray(first) if grey else image


def _close_up(picture: Pixels) -> Floats:
    """Zoom into the picture until the digit fills most of the view."""
    box = Box(0, 0, picture.shape[1], picture.shape[0])
    mask = _first_look(picture, box)
    for _ in range(_CLOSER):
        ink = components.bounds(mask)
        if ink is None:
            break
        around = _around(ink, mask.shape, box, picture)
        if around.side > _FILLED * box.side:
            break
        box = around
        mask = components.digit(_ink(picture, box, whole=False), whole=False)
    return mask


def _first_look(picture: Pixels, box: Box) -> Floats:
    """Look at the whole picture; ink at the edge may be a tightly cropped digit or a shadow."""
    mask = components.digit(_ink(picture, box, whole=True), whole=True)
    if box.side >= _PHOTO and components.at_edge(mask):
        without_shadows = _ink(picture, box, whole=False)
        if components.is_inside(without_shadows):
            return components.digit(without_shadows, whole=False)
    return mask


def _ink(picture: Pixels, box: Box, whole: bool) -> Floats:
    """Ink mask of `box`, float32 0..1, at most `_LOOK` pixels a side."""
    part = picture[box.top : box.bottom, box.left : box.right]
    scale = min(max(_SMALL / box.side, 1), _LOOK / box.side)
    height, width = (max(1, round(side * scale)) for side in part.shape[:2])
    # What becomes smaller does so as bytes: a large photograph is four times as large in float32.
    pixels = filters.scaled(part if scale < 1 else part.astype(np.float32), (height, width))
    return ink.mask(ink.contrast(pixels, whole))


def _around(ink: tuple[slice, slice], shape: tuple[int, ...], box: Box, picture: Pixels) -> Box:
    """The part of the picture that holds these rows and columns of a view, and a margin."""
    rows, columns = ink
    down, across = (box.bottom - box.top) / shape[0], (box.right - box.left) / shape[1]
    longer = max((rows.stop - rows.start) * down, (columns.stop - columns.start) * across)
    margin = _MARGIN * longer + 2
    return Box(
        max(0, round(box.left + columns.start * across - margin)),
        max(0, round(box.top + rows.start * down - margin)),
        min(picture.shape[1], round(box.left + columns.stop * across + margin)),
        min(picture.shape[0], round(box.top + rows.stop * down + margin)),
    )


def _laid_out(mask: Floats, size: tuple[int, int]) -> Pixels:
    """Fit a cut-out digit (float 0..1) into 20/28 of `size` and centre it by mass."""
    mask = strokes.usual_width(_fine(mask))
    inner = size[0] * 20 / 28, size[1] * 20 / 28
    scale = min(inner[0] / mask.shape[0], inner[1] / mask.shape[1])
    fitted = max(1, round(mask.shape[0] * scale)), max(1, round(mask.shape[1] * scale))
    digit = _resized(mask, fitted)
    moments = cv2.moments(digit)
    mass = max(moments["m00"], 1e-9)
    top = _start(moments["m01"] / mass, fitted[0], size[0])
    left = _start(moments["m10"] / mass, fitted[1], size[1])
    out = np.zeros(size, np.uint8)
    out[top : top + fitted[0], left : left + fitted[1]] = np.rint(digit * 255)
    return out


def _start(centre: float, length: int, room: int) -> int:
    """Where a digit begins whose centre of mass, in pixels from its first, is in the middle."""
    return min(max(round((room - 1) / 2 - centre), 0), room - length)


def _fine(mask: Floats) -> Floats:
    """Scale a cut-out digit to `FINE` pixels on its longer side."""
    scale = strokes.FINE / max(mask.shape)
    height, width = (max(1, round(side * scale)) for side in mask.shape)
    return _resized(mask, (height, width))


def _resized(values: Floats, shape: tuple[int, int]) -> Floats:
    resized = filters.scaled(values, shape)
    if shape[0] > values.shape[0]:
        resized = np.minimum(np.maximum(resized, 0), 1)
    return resized
