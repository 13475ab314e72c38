"""Read one picture file, whatever its format, into uint8 grey or RGB pixels.

Leaves out: resizing and everything else that depends on a model (`preprocessing`),
all frames of an animation but the first, and embedded colour profiles.
"""

from __future__ import annotations

import ctypes
import functools
import io
import os
import stat
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from embedder.errors import ImageError, TooManyPixelsError

if TYPE_CHECKING:
    from PIL import Image

Source = str | os.PathLike[str] | bytes | BinaryIO

MAX_PIXELS = 89_478_485  # Pillow's own limit against decompression bombs: 256 MB of RGB
_SMALL = 1 << 16  # bytes of a file that are read at once
_PNG = b"\x89PNG\r\n\x1a\n"
# A plain PNG file: these headers, the data of its one IDAT chunk, a checksum and this end.
_START, _END = _PNG + b"\0\0\0\rIHDR", b"\0\0\0\0IEND\xae\x42\x60\x82"
_HEADERS = struct.Struct(">16sII5sII4s")  # start, width, height, kind, checksum, length, "IDAT"
_KINDS = {b"\x08\0\0\0\0": "L", b"\x08\2\0\0\0": "RGB"}  # 8 bits, not interlaced
_IDAT = zlib.crc32(b"IDAT")
_DEPTHS = (10, 12, 16)  # bits of a grey value that cameras, scanners and microscopes give
_BITS_PER_SAMPLE, _MAX_SAMPLE_VALUE = 258, 281  # tags of a TIFF
_BAND = 1 << 20  # pixels that are calculated with at a time
NEARLY_WHITE = 230  # visible pixels that are all lighter than this would vanish on white
_ORIENTED = frozenset(("exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp"))


def read_image(source: Source, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Read a picture in any format that Pillow knows.

    The EXIF orientation is honoured. Transparency is flattened on white, or on black where
    all that is visible is itself nearly white and would vanish. Palette, 1-bit, 16-bit,
    float and CMYK pictures are brought to 8 bits. Of 16 bits, as many count as are used: the
    fewest of 10, 12 and 16 that hold the brightest pixel and what a TIFF says its samples reach.

    Args:
        source: A path, the bytes of a picture file, or a binary stream.
        max_pixels: A picture of more is refused by its header, before it is decoded.

    Returns:
        uint8 `(h, w)` for a grey picture, `(h, w, 3)` RGB for any other.

    Raises:
        ImageError: If there is no such file, if it is no picture, truncated or damaged. The
            message has no path in it.
        TooManyPixelsError: If it holds more than `max_pixels` pixels; an ImageError too.

    Example:
        >>> read_image(b"P5 2 1 255 " + bytes([0, 200]))
        array([[  0, 200]], dtype=uint8)
    """
    try:
        _refuse_special(source)
        pixels = _small_png(source, max_pixels)
        if pixels is not None:
            return pixels
        with _opener()(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            return _pixels(image, max_pixels)
    except ImageError:
        raise
    except Exception as error:  # damaged files make Pillow's decoders raise nearly anything
        if _is_bomb(error):
            raise TooManyPixelsError(_too_large("too many", max_pixels)) from error
        raise ImageError(_reason(error, source)) from error


def _refuse_special(source: Source) -> None:
    """Refuse pipes, sockets and devices: to open one can take for ever."""
    if isinstance(source, str | os.PathLike):
        mode = os.stat(source).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a folder is told by its own words
            raise ImageError("a pipe, socket or device, not a picture's file")


@functools.cache
def _opener() -> Callable[..., Image.Image]:
    """Import Pillow when the first picture is read; its bomb warning becomes an error.

    Its other warnings are about files that are readable all the same, and are not shown.
    """
    from PIL import Image

    _silence_libtiff()
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
    return Image.open


def _silence_libtiff() -> None:
    """Let libtiff write nothing to stderr of a damaged file: Pillow raises it all the same.

    Called by libtiff's own name, as Pillow offers no other way.
    """
    from PIL import _imaging

    with suppress(AttributeError, OSError):  # where Pillow is built without libtiff
        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)


def _small_png(source: Source, max_pixels: int) -> np.ndarray | None:
    """Read a small PNG file at once and without asking other plug-ins, for bulk jobs and servers.

    Gives None for whatever is not just that or is damaged, which is then read as any other.
    """
    try:
        content = _small_content(source)
        if content is None or not content.startswith(_PNG):
            return None
        pixels = _plain_png(content, max_pixels)
        if pixels is not None:
            return pixels
        with _png_opener()(io.BytesIO(content)) as image:
            return _pixels(image, max_pixels)
    except Exception:
        return None


def _plain_png(content: bytes, max_pixels: int) -> np.ndarray | None:
    """Decode a PNG file of nothing but 8-bit grey or RGB pixels, in 0.6 of its plug-in's time.

    Gives None for any other, and for one that does not fit its checksums.
    """
    from PIL import Image

    start, width, height, kind, header_sum, length, name = _HEADERS.unpack_from(content)
    mode, end = _KINDS.get(kind), _HEADERS.size + length
    if start != _START or name != b"IDAT" or mode is None or not 0 < width * height <= max_pixels:
        return None
    data = content[_HEADERS.size : end]
    if zlib.crc32(content[12:29]) != header_sum:
        return None
    if content[end:] != zlib.crc32(data, _IDAT).to_bytes(4) + _END:
        return None
    return np.asarray(Image.frombytes(mode, (width, height), data, "zip", mode, False))


def _small_content(source: Source) -> bytes | None:
    """Give a picture file's bytes; None if they are many, or the file is none of PNG by name."""
    if isinstance(source, bytes):
        return source if len(source) < _SMALL else None
    if not isinstance(source, str | os.PathLike) or not os.fspath(source).endswith(".png"):
        return None
    descriptor = os.open(source, os.O_RDONLY)
    try:
        content = os.read(descriptor, _SMALL)
    finally:
        os.close(descriptor)
    return content if len(content) < _SMALL else None


@functools.cache
def _png_opener() -> Callable[[BinaryIO], Image.Image]:
    from PIL.PngImagePlugin import PngImageFile

    _opener()  # its care for warnings
    return PngImageFile


def _pixels(image: Image.Image, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decode an opened picture: the two common modes directly, the others by conversion."""
    if image.width * image.height > max_pixels:
        raise TooManyPixelsError(
            _too_large(f"{image.width * image.height / 1e6:.3g} million", max_pixels)
        )
    image.load()
    if image.mode in ("L", "RGB") and _is_plain(image):
        return np.asarray(image)
    return np.ascontiguousarray(_to_8_bits(_upright(image), _stated_top(image)))


def _is_plain(image: Image.Image) -> bool:
    """Tell whether nothing but the pixels matters: no orientation, no transparent colour."""
    info = image.info
    return (not info or ("transparency" not in info and _ORIENTED.isdisjoint(info))) and (
        image.format != "TIFF"  # keeps its orientation among its tags
    )


def _upright(image: Image.Image) -> Image.Image:
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # unreadable EXIF says nothing about orientation; the pixels are fine
        return image


def _stated_top(image: Image.Image) -> int:
    """Give the largest value that a TIFF says its samples can have or have, else 0."""
    tags = getattr(image, "tag_v2", {})
    bits = max(tags.get(_BITS_PER_SAMPLE, (16,)))
    return int(2**bits - 1 if bits < 16 else max(tags.get(_MAX_SAMPLE_VALUE, (0,))))


def _to_8_bits(image: Image.Image, stated_top: int = 0) -> np.ndarray:
    """Bring any Pillow mode to uint8 grey `(h, w)` or RGB `(h, w, 3)`."""
    if image.has_transparency_data:
        return _flatten(image)
    if image.mode[0] in "IF":
        return _scaled(np.asarray(image), stated_top)
    grey = image.mode in ("1", "L") or (image.mode == "P" and _has_grey_palette(image))
    return np.asarray(image.convert("L" if grey else "RGB"))


def _has_grey_palette(image: Image.Image) -> bool:
    colours = np.array(image.getpalette(), np.uint8).reshape(-1, 3)
    return bool((colours == colours[:, :1]).all())


def _flatten(image: Image.Image) -> np.ndarray:
    """Lay a picture with transparency on white, or on black where white would hide it."""
    layers = np.asarray(image.convert("LA" if image.mode in ("L", "LA", "La") else "RGBA"))
    pixels = layers.reshape(-1, layers.shape[-1])
    opaque = pixels[:, -1] > 127
    visible = pixels[opaque, :-1]
    hidden_on_white = not opaque.all() and visible.size and visible.min() > NEARLY_WHITE
    paper = 0 if hidden_on_white else 255
    flat = np.empty((len(pixels), layers.shape[-1] - 1), np.uint8)
    for some in _bands(len(pixels)):
        colour, alpha = pixels[some, :-1].astype(np.uint16), pixels[some, -1:].astype(np.uint16)
        flat[some] = (colour * alpha + paper * (255 - alpha) + 127) // 255
    return flat.reshape(layers.shape[:2] if flat.shape[-1] == 1 else (*layers.shape[:2], -1))


def _scaled(values: np.ndarray, stated_top: int) -> np.ndarray:
    """Scale 16-bit, 32-bit or float grey values to 0..255, by the range that they must have."""
    if values.dtype.kind == "u":  # 16 bits, in either order of bytes
        used = max(int(values.max(initial=0)), stated_top)
        depth = next((bits for bits in _DEPTHS if used < 2**bits), 16)
        return (values >> (depth - 8)).astype(np.uint8)
    flat = values.reshape(-1)
    top = max(_finite(flat[some]).max(initial=0.0) for some in _bands(len(flat)))
    if np.issubdtype(values.dtype, np.floating) and top <= 1.0:
        full = 1.0
    else:
        full = next((limit for limit in (255.0, 65535.0) if top <= limit), top)
    scaled = np.empty(len(flat), np.uint8)
    for some in _bands(len(flat)):
        scaled[some] = np.clip(np.rint(_finite(flat[some]) * (255.0 / full)), 0, 255)
    return scaled.reshape(values.shape)


def _finite(values: np.ndarray) -> np.ndarray:
    """Give values as float64, with 0 for what is no number or infinite."""
    with np.errstate(invalid="ignore"):  # raised by the NaN that say so
        return np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)


def _bands(count: int) -> Iterator[slice]:
    """Cut pixels into parts, so that numbers wider than a byte take little memory."""
    return (slice(start, start + _BAND) for start in range(0, count, _BAND))


def _reason(error: Exception, source: Source) -> str:
    """Say in a few words why a picture could not be read."""
    from PIL import UnidentifiedImageError

    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(source, str | os.PathLike) and "\0" in os.fspath(source):
        return "no file has a NUL byte in its name: give a list one path a line"
    if isinstance(error, IsADirectoryError):
        return "a folder, not a picture"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, UnidentifiedImageError):
        return "empty file" if _is_empty(source) else "not a picture in a format that can be read"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be opened ({error.strerror})"
    if "truncated" in str(error).lower() or isinstance(error, EOFError):
        return "truncated picture"
    return f"damaged picture ({str(error).strip().splitlines()[0] or type(error).__name__})"


def _is_bomb(error: Exception) -> bool:
    from PIL import Image

    return isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning)


def _too_large(count: str, most: int) -> str:
    return f"{count} pixels, at most {most / 1e6:.3g} million are read: scale it down"


def _is_empty(source: Source) -> bool:
    if isinstance(source, bytes):
        return not source
    return isinstance(source, str | os.PathLike) and os.stat(source).st_size == 0
