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

import numpy as np
from PIL import Image

from embedder.preprocessing import components, ink, strokes

_LOOK = 128  # longest side at which a picture is looked at
_PHOTO = 64  # larger pictures, in pixels of the longer side, may be photographs with shadows
_CLOSER = 3  # maximum number of further looks
_FILLED = 0.7  # share of the view that a digit and its margin fill when it is close enough
_MARGIN = 0.3  # kept around a digit when it is cut out again, as a share of its longer side


class Box(NamedTuple):
    """A part of a picture in pixels, as in Pillow."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def side(self) -> float:
        """The longer side."""
        return max(self.right - self.left, self.bottom - self.top)


def as_mnist(image: np.ndarray, size: tuple[int, int] = (28, 28)) -> np.ndarray:
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
    mask = _close_up(Image.fromarray(image))
    ink = components.bounds(mask)
    return np.zeros(size, np.uint8) if ink is None else _laid_out(mask[ink], size)


def _close_up(picture: Image.Image) -> np.ndarray:
    """Zoom into the picture until the digit fills most of the view."""
    box = Box(0, 0, picture.width, picture.height)
    mask = _first_look(picture, box)
    for _ in range(_CLOSER):
        ink = components.bounds(mask)
        if ink is None:
            break
        around = _around(_in_picture(ink, mask.shape, box), picture)
        if around.side > _FILLED * box.side:
            break
        box = around
        mask = components.digit(_ink(picture, box, whole=False), whole=False)
    return mask


def _first_look(picture: Image.Image, box: Box) -> np.ndarray:
    """Look at the whole picture; ink at the edge may be a tightly cropped digit or a shadow."""
    mask = components.digit(_ink(picture, box, whole=True), whole=True)
    if box.side >= _PHOTO and components.at_edge(mask):
        without_shadows = _ink(picture, box, whole=False)
        if components.is_inside(without_shadows):
            return components.digit(without_shadows, whole=False)
    return mask


def _ink(picture: Image.Image, box: Box, whole: bool) -> np.ndarray:
    """Ink mask of `box`, float32 0..1, at most `_LOOK` pixels a side."""
    height, width = box.bottom - box.top, box.right - box.left
    scale = _LOOK / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    smooth = Image.Resampling.LANCZOS if scale > 1 else Image.Resampling.BOX
    pixels = np.asarray(picture.resize(size, smooth, box=box), np.float32)
    return ink.mask(ink.contrast(pixels.reshape(*pixels.shape[:2], -1), whole))


def _in_picture(bounds: tuple[slice, slice], shape: tuple[int, ...], box: Box) -> Box:
    """Convert slices of a mask to pixels of the picture."""
    rows, columns = bounds
    down, across = (box.bottom - box.top) / shape[0], (box.right - box.left) / shape[1]
    return Box(
        box.left + columns.start * across,
        box.top + rows.start * down,
        box.left + columns.stop * across,
        box.top + rows.stop * down,
    )


def _around(box: Box, picture: Image.Image) -> Box:
    margin = _MARGIN * box.side + 2
    return Box(
        max(0, box.left - margin),
        max(0, box.top - margin),
        min(picture.width, box.right + margin),
        min(picture.height, box.bottom + margin),
    )


def _laid_out(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Fit a cut-out digit (float 0..1) into 20/28 of `size` and centre it by mass."""
    mask = strokes.usual_width(_fine(mask))
    inner = size[0] * 20 / 28, size[1] * 20 / 28
    scale = min(inner[0] / mask.shape[0], inner[1] / mask.shape[1])
    fitted = max(1, round(mask.shape[0] * scale)), max(1, round(mask.shape[1] * scale))
    digit = np.clip(_resized(mask, fitted), 0, 1)
    out = np.zeros(size, np.uint8)
    top, left = (_centred(digit, axis, size[axis]) for axis in (0, 1))
    out[top : top + fitted[0], left : left + fitted[1]] = np.rint(digit * 255)
    return out


def _fine(mask: np.ndarray) -> np.ndarray:
    """Scale a cut-out digit to `FINE` pixels on its longer side."""
    scale = strokes.FINE / max(mask.shape)
    height, width = (max(1, round(side * scale)) for side in mask.shape)
    return np.asarray(np.clip(_resized(mask, (height, width)), 0, 1))


def _resized(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    smooth = Image.Resampling.BICUBIC if shape[0] > values.shape[0] else Image.Resampling.BOX
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize(shape[::-1], smooth))


def _centred(digit: np.ndarray, axis: int, length: int) -> int:
    """Start of the digit along an axis that centres its mass."""
    weights = digit.sum(axis=1 - axis)
    centre = float(weights @ (np.arange(len(weights)) + 0.5)) / max(float(weights.sum()), 1e-9)
    return int(np.clip(round(length / 2 - centre), 0, length - len(weights)))
