"""Read one picture file of any format into uint8 grey or RGB pixels.

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
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from embedder.errors import ImageError, TooManyPixelsError
from likewise.arrays import Pixels

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
_ORIENTED = frozenset(("exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp"))


def read_image(source: Source, *, max_pixels: int = MAX_PIXELS) -> Pixels:
    """Read a picture in any format that Pillow knows.

    The EXIF orientation is applied. Transparency is flattened on white, or on black where
    all visible pixels are nearly white and would vanish. Palette, 1-bit, 16-bit, float and
    CMYK pictures are converted to 8 bits. A 16-bit picture is scaled by the bits in use: the
    fewest of 10, 12 and 16 that hold its brightest pixel and the range that a TIFF states.

    Args:
        source: A path, the bytes of a picture file, or a binary stream.
        max_pixels: A larger picture is refused by its header, before it is decoded.

    Returns:
        uint8 `(h, w)` for a grey picture, `(h, w, 3)` RGB for any other.

    Raises:
        ImageError: If there is no such file, or it is not a picture, truncated or damaged. The
            message does not contain the path.
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
    """Refuse pipes, sockets and devices: opening one can block for ever."""
    if isinstance(source, str | os.PathLike):
        mode = os.stat(source).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a folder has a message of its own
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
    """Keep libtiff from writing to stderr about a damaged file: Pillow raises an error anyway.

    Pillow has no option for this, so libtiff's own function is called.
    """
    from PIL import _imaging

    with suppress(AttributeError, OSError):  # where Pillow is built without libtiff
        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)


def _small_png(source: Source, max_pixels: int) -> Pixels | None:
    """Read a small PNG file at once, without Pillow's search for a plug-in.

    Returns None for any other file and for a damaged one: these take the general way.
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


def _plain_png(content: bytes, max_pixels: int) -> Pixels | None:
    """Decode a PNG file with nothing but 8-bit grey or RGB pixels, in 0.6 of the plug-in's time.

    Returns None for any other, and for one that does not match its checksums.
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
    """Return the bytes of a small picture file; None if it is large or not PNG by its name."""
    if isinstance(source, bytes):
        return source if len(source) < _SMALL else None
    if not isinstance(source, str | os.PathLike) or not os.fspath(source).endswith(".png"):
        return None
    descriptor = os.open(source, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        content = os.read(descriptor, _SMALL)
    finally:
        os.close(descriptor)
    return content if len(content) < _SMALL else None


@functools.cache
def _png_opener() -> Callable[[BinaryIO], Image.Image]:
    from PIL.PngImagePlugin import PngImageFile

    _opener()  # sets the warning filters
    return PngImageFile


def _pixels(image: Image.Image, max_pixels: int) -> Pixels:
    """Decode an opened picture: the two common modes directly, the others by conversion."""
    if image.width * image.height > max_pixels:
        raise TooManyPixelsError(
            _too_large(f"{image.width * image.height / 1e6:.3g} million", max_pixels)
        )
    image.load()
    if image.mode in ("L", "RGB") and _is_plain(image):
        return np.asarray(image)
    from embedder.data.modes import upright_pixels

    return upright_pixels(image)


def _is_plain(image: Image.Image) -> bool:
    """Tell whether nothing but the pixels matters: no orientation, no transparent colour."""
    info = image.info
    return (not info or ("transparency" not in info and _ORIENTED.isdisjoint(info))) and (
        image.format != "TIFF"  # keeps its orientation among its tags
    )


def _reason(error: Exception, source: Source) -> str:
    """Explain in a few words why a picture could not be read."""
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


def _too_large(count: str, limit: int) -> str:
    return f"{count} pixels, at most {limit / 1e6:.3g} million are read: scale it down"


def _is_empty(source: Source) -> bool:
    if isinstance(source, bytes):
        return not source
    return isinstance(source, str | os.PathLike) and os.stat(source).st_size == 0
