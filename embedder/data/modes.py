"""Pictures of any Pillow mode to upright uint8 grey or RGB: orientation, transparency, depth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from likewise.arrays import Doubles, Pixels

_DEPTHS = (10, 12, 16)  # bits of a grey value in cameras, scanners and microscopes
_BITS_PER_SAMPLE, _MAX_SAMPLE_VALUE = 258, 281  # tags of a TIFF
_BAND = 1 << 20  # pixels converted at a time
_NEARLY_WHITE = 230  # visible pixels that are all lighter than this would vanish on white


def upright_pixels(image: Image.Image) -> Pixels:
    """Convert a decoded picture to uint8 `(h, w)` grey or `(h, w, 3)` RGB, its orientation applied.

    Example:
        >>> upright_pixels(Image.new("CMYK", (2, 1))).tolist()
        [[[255, 255, 255], [255, 255, 255]]]
    """
    return np.ascontiguousarray(_to_8_bits(_upright(image), _stated_top(image)))


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # unreadable EXIF says nothing about orientation; the pixels are fine
        return image


def _stated_top(image: Image.Image) -> int:
    """Return the largest sample value that a TIFF states, else 0."""
    tags = getattr(image, "tag_v2", {})
    bits = max(tags.get(_BITS_PER_SAMPLE, (16,)))
    return int(2**bits - 1 if bits < 16 else max(tags.get(_MAX_SAMPLE_VALUE, (0,))))


def _to_8_bits(image: Image.Image, stated_top: int) -> Pixels:
    if image.has_transparency_data:
        return _flatten(image)
    if image.mode[0] in "IF":
        return _scaled(np.asarray(image), stated_top)
    grey = image.mode in ("1", "L") or (image.mode == "P" and _has_grey_palette(image))
    return np.asarray(image.convert("L" if grey else "RGB"))


def _has_grey_palette(image: Image.Image) -> bool:
    colours = np.array(image.getpalette(), np.uint8).reshape(-1, 3)
    return bool((colours == colours[:, :1]).all())


def _flatten(image: Image.Image) -> Pixels:
    """Lay a picture with transparency on white, or on black where white would hide it."""
    layers = np.asarray(image.convert("LA" if image.mode in ("L", "LA", "La") else "RGBA"))
    pixels = layers.reshape(-1, layers.shape[-1])
    opaque = pixels[:, -1] > 127
    visible = pixels[opaque, :-1]
    hidden_on_white = not opaque.all() and visible.size and visible.min() > _NEARLY_WHITE
    paper = 0 if hidden_on_white else 255
    flat = np.empty((len(pixels), layers.shape[-1] - 1), np.uint8)
    for band in _bands(len(pixels)):
        colour, alpha = pixels[band, :-1].astype(np.uint16), pixels[band, -1:].astype(np.uint16)
        flat[band] = (colour * alpha + paper * (255 - alpha) + 127) // 255
    return flat.reshape(layers.shape[:2] if flat.shape[-1] == 1 else (*layers.shape[:2], -1))


def _scaled(values: npt.NDArray[Any], stated_top: int) -> Pixels:
    """Scale 16-bit, 32-bit or float grey values to 0..255, by the range that they must have."""
    if values.dtype.kind == "u":  # 16 bits, in either byte order
        used = max(int(values.max(initial=0)), stated_top)
        depth = next((bits for bits in _DEPTHS if used < 2**bits), 16)
        return (values >> (depth - 8)).astype(np.uint8)
    flat = values.reshape(-1)
    top = max(_finite(flat[band]).max(initial=0.0) for band in _bands(len(flat)))
    if np.issubdtype(values.dtype, np.floating) and top <= 1.0:
        full = 1.0
    else:
        full = next((limit for limit in (255.0, 65535.0) if top <= limit), top)
    scaled = np.empty(len(flat), np.uint8)
    for band in _bands(len(flat)):
        scaled[band] = np.clip(np.rint(_finite(flat[band]) * (255.0 / full)), 0, 255)
    return scaled.reshape(values.shape)


def _finite(values: npt.NDArray[Any]) -> Doubles:
    """Convert to float64, with 0 in place of NaN and infinity."""
    with np.errstate(invalid="ignore"):  # a signalling NaN raises it
        return np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)


def _bands(count: int) -> Iterator[slice]:
    """Cut pixels into bands, so that wider numbers take little memory."""
    return (slice(start, start + _BAND) for start in range(0, count, _BAND))
