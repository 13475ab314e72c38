"""Convert any Pillow mode to upright uint8 grey or RGB: orientation, transparency, depth."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from embedder.data.transparency import flattened
from embedder.data.value_range import TOO_FEW, bands, range_of
from likewise.arrays import Doubles, Pixels

# Tags of a TIFF, and their values for black above white, and for integers with and without a sign.
_BITS_PER_SAMPLE, _PHOTOMETRIC, _MAX_SAMPLE_VALUE, _SAMPLE_FORMAT = 258, 262, 281, 339
_WHITE_IS_ZERO, _UNSIGNED, _SIGNED = 0, 1, 2
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N")


def upright_pixels(image: Image.Image) -> Pixels:
    """Convert a decoded picture to uint8 `(h, w)` grey or `(h, w, 3)` RGB, its orientation applied.

    Example:
        >>> upright_pixels(Image.new("CMYK", (2, 1))).tolist()
        [[[255, 255, 255], [255, 255, 255]]]
    """
    stated = _Stated(_stated_top(image), _tag(image, _PHOTOMETRIC), _tag(image, _SAMPLE_FORMAT))
    return np.ascontiguousarray(_to_8_bits(_upright(image), stated))


class _Stated(NamedTuple):
    """What a file states about its values, which Pillow does not heed.

    Attributes:
        top: The largest value, else 0.
        photometric: Whether 0 is black or white, of a TIFF; None where it does not say.
        sample_format: Whether values have a sign, of a TIFF; None where it does not say.
    """

    top: int
    photometric: int | None
    sample_format: int | None


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # unreadable EXIF says nothing about orientation; the pixels are fine
        return image


def _stated_top(image: Image.Image) -> int:
    """Return the largest value that the file states, else 0."""
    if image.format == "PPM":  # which Pillow has scaled by the range in its header
        return 65535
    tags = getattr(image, "tag_v2", {})
    try:
        bits = max(tags.get(_BITS_PER_SAMPLE, (16,)))
        return int(2**bits - 1 if bits < 16 else max(tags.get(_MAX_SAMPLE_VALUE, (0,))))
    except Exception:  # damaged tags say nothing about the range; the pixels are fine
        return 0


def _tag(image: Image.Image, tag: int) -> int | None:
    """The number of a TIFF's tag, the first of several."""
    try:
        value: Any = getattr(image, "tag_v2", {}).get(tag)
        return int(value[0] if isinstance(value, tuple) else value)
    except Exception:  # missing or damaged tags say nothing
        return None


def _to_8_bits(image: Image.Image, stated: _Stated) -> Pixels:
    if image.has_transparency_data:
        return _flatten(image, stated.top)
    if image.mode[0] in "IF":
        grey = _scaled(_values(image, stated), stated.top)
        return 255 - grey if stated.photometric == _WHITE_IS_ZERO else grey
    if image.mode == "L" and stated.sample_format == _SIGNED:
        values = np.asarray(image).view(np.int8)
        extremes = float(values.min(initial=0)), float(values.max(initial=0))
        return range_of(*extremes, integers=True).to_8_bits(values)
    grey_only = image.mode in ("1", "L") or (image.mode == "P" and _has_grey_palette(image))
    return np.asarray(image.convert("L" if grey_only else "RGB"))


def _values(image: Image.Image, stated: _Stated) -> npt.NDArray[Any]:
    """The values as they are in the file; Pillow wraps those of 32 bits without a sign."""
    values = np.asarray(image)
    is_wrapped = values.dtype == np.int32 and stated.sample_format in (None, _UNSIGNED)
    if is_wrapped and stated.photometric is not None:  # a TIFF
        return np.ascontiguousarray(values).view(np.uint32).astype(np.int64)
    return values


def _has_grey_palette(image: Image.Image) -> bool:
    colours = np.array(image.getpalette(), np.uint8).reshape(-1, 3)
    return bool((colours == colours[:, :1]).all())


def _flatten(image: Image.Image, stated_top: int) -> Pixels:
    """Lay a picture with an alpha channel, or with one transparent colour, on paper."""
    key = _transparent_colour(image)
    if image.mode[0] in "IF":  # which no mode with an alpha channel holds
        values = np.asarray(image)
        grey = _scaled(values, stated_top)[..., None]
        hidden = values == (-1 if key is None else key)
        brightness = float(grey[hidden].max(initial=0)) if hidden.any() else None
        flat = flattened(grey, np.where(hidden, 0, 255).astype(np.uint8), brightness)
    else:
        layers = np.asarray(image.convert("LA" if image.mode in ("L", "LA", "La") else "RGBA"))
        flat = flattened(layers[..., :-1], layers[..., -1], None if key is None else np.mean(key))
    return flat[..., 0] if flat.shape[-1] == 1 else flat


def _transparent_colour(image: Image.Image) -> Any:
    """The one colour that a file names as transparent; None for an alpha channel.

    Of a palette it tells something only where that is grey; others may name any colour there.
    """
    colour = image.info.get("transparency")
    if image.mode == "P" and isinstance(colour, int) and _has_grey_palette(image):
        return dict(enumerate((image.getpalette() or [])[::3])).get(colour)
    whole = isinstance(colour, int) or (isinstance(colour, tuple) and len(colour) == 3)
    return colour if whole and image.mode in ("1", "L", "RGB", "I", "F", *_DEEP) else None


def _scaled(values: npt.NDArray[Any], stated_top: int) -> Pixels:
    """Scale 16-bit, 32-bit or float grey values to 0..255, by the range that they must have."""
    if values.dtype.kind == "u":  # 16 bits, in either byte order
        used = max(int(values.max(initial=0)), stated_top)
        return range_of(0, used, integers=True).to_8_bits(values.astype(np.uint16, copy=False))
    flat = values.reshape(-1)
    extremes = [_extremes(flat[band]) for band in bands(len(flat))]
    bottom, top = min(low for low, _ in extremes), max(high for _, high in extremes)
    if top > TOO_FEW:  # values far below it are not brightness, but heights or markers
        bottom = 0.0
    whole = values.dtype.kind != "f"
    within = range_of(bottom, max(top, stated_top) if whole else top, integers=whole)
    scaled = np.empty(len(flat), np.uint8)
    for band in bands(len(flat)):
        scaled[band] = within.to_8_bits(_finite(flat[band]))
    return scaled.reshape(values.shape)


def _extremes(values: npt.NDArray[Any]) -> tuple[float, float]:
    finite = _finite(values)
    return float(finite.min(initial=0.0)), float(finite.max(initial=0.0))


def _finite(values: npt.NDArray[Any]) -> Doubles:
    """Convert to float64, with 0 in place of NaN and infinity."""
    with np.errstate(invalid="ignore"):  # a signalling NaN raises it
        return np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
