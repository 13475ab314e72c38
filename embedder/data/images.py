"""Read one picture file into uint8 grey or RGB pixels.

A file whose header bounds the cost of decoding it is decoded here; any other by a process of its
own, which is ended after a while (`embedder.decoders`).

Leaves out: resizing and everything else that depends on a model (`preprocessing`),
all frames of an animation but the first, and embedded colour profiles.
"""

from __future__ import annotations

import ctypes
import functools
import io
import os
import re
import stat
import struct
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from embedder.data.formats import format_of, is_common, load_plugin, refuse_drawing, without_lead
from embedder.data.headers import bounded_pixels
from embedder.data.plain_png import LARGEST, plain_png
from embedder.errors import FormatError, ImageError, TooManyPixelsError
from likewise.arrays import Pixels

if TYPE_CHECKING:
    from PIL import Image

Source = str | os.PathLike[str] | bytes | BinaryIO

MAX_PIXELS = 89_478_485  # Pillow's own limit against decompression bombs: 256 MB of RGB
_WHOLE = 256 << 20  # bytes of a file read at once
_ORIENTED = frozenset(("exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp"))
_ADDRESS = r"(?:.*/)?(?i:https?|ftp|s3|gs):/"  # of the web or of a cloud, as lists hold them
NO_MEMORY = "it takes more memory than may be used: scale it down"
UNREADABLE = "not a picture in a format that can be read"


def read_image(source: Source, *, max_pixels: int = MAX_PIXELS) -> Pixels:
    """Read a picture in one of the formats of `embedder.data.formats`.

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
        FormatError: If it is in a format that is not read; an ImageError too.
        DecodingError: If it takes a decoder process too long; an ImageError too.

    Example:
        >>> read_image(b"P5 2 1 255 " + bytes([0, 200]))
        array([[  0, 200]], dtype=uint8)
    """
    content = _content(source)
    if isinstance(content, str):
        return _decoded_elsewhere(content, max_pixels)
    pixels = plain_png(content, max_pixels)
    if pixels is not None:
        return pixels
    name = format_of(content)
    if name is None:
        bare = without_lead(content)
        if format_of(bare) is not None:
            return read_image(bare, max_pixels=max_pixels)
        raise ImageError(unread(bare))
    refuse_drawing(name)
    if is_common(name) and bounded_pixels(name, content) is not None:
        return decode(io.BytesIO(content), max_pixels)
    return _decoded_elsewhere(content, max_pixels)


def unread(content: bytes) -> str:
    """Say what a file is that is not read as a picture, by its first bytes."""
    if not content:
        return "empty file"
    from embedder.data.containers import container_of

    container = container_of(content[:512])
    return f"{container.what}, which is not read: {container.advice}" if container else UNREADABLE


def decode(stream: BinaryIO, max_pixels: int) -> Pixels:
    """Decode a picture file in this process, at any cost; otherwise like `read_image`.

    Args:
        stream: The file.
        max_pixels: A larger picture is refused by its header.
    """
    try:
        name = format_of(stream.read(LARGEST))
        stream.seek(0)
        if name is None:
            stream = io.BytesIO(without_lead(stream.read(_WHOLE)))
            name = format_of(stream.getvalue())
        if name is None:
            raise ImageError(UNREADABLE)
        refuse_drawing(name)
        try:
            return _decoded(name, stream, max_pixels)
        except (TooManyPixelsError, FormatError, MemoryError):
            raise
        except Exception:
            pixels = _salvaged(name, stream, max_pixels)
            if pixels is None:
                raise
            return pixels
    except ImageError:
        raise
    except Exception as error:  # damaged files make Pillow's decoders raise nearly anything
        if _is_bomb(error):
            raise TooManyPixelsError(_too_large("too many", max_pixels)) from error
        raise ImageError(damage(error)) from error


def _decoded(name: str, stream: BinaryIO, max_pixels: int) -> Pixels:
    with _opened(name, stream) as image:
        return _pixels(image, max_pixels)


def _salvaged(name: str, stream: BinaryIO, max_pixels: int) -> Pixels | None:
    """Read a file that failed for what is not its pixels; None where these are not whole."""
    from embedder.data.salvage import endings_of, without_extras

    stream.seek(0)
    content = stream.read(_WHOLE)
    for less in without_extras(name, content):
        with suppress(Exception):
            return _decoded(name, io.BytesIO(less), max_pixels)
    with suppress(Exception):
        if name == "JPEG" and (ended := endings_of(content)):
            first, second = (_decoded(name, io.BytesIO(file), max_pixels) for file in ended)
            return first if np.array_equal(first, second) else None
    return None


def _decoded_elsewhere(source: bytes | str, max_pixels: int) -> Pixels:
    """Decode a file, or the file at a path, in a decoder process."""
    from embedder.decoders.pool import shared
    from embedder.decoders.task import Task

    return shared().decode(Task(max_pixels), source).pixels


def _content(source: Source) -> bytes | str:
    """The bytes of a file, or its path if it is too large to read at once."""
    if isinstance(source, bytes):
        return source
    try:
        if isinstance(source, str | os.PathLike):
            return _content_of_path(source)
        with suppress(OSError, AttributeError):  # a pipe; Pillow begins at the start, too
            source.seek(0)
        return source.read()
    except (OSError, ValueError) as error:
        raise ImageError(_unopened(error, source)) from error


def _content_of_path(path: str | os.PathLike[str]) -> bytes | str:
    status = os.stat(path)
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        # opening one can block for ever; a folder has a message of its own
        raise ImageError("a pipe, socket or device, not a picture file")
    if status.st_size > _WHOLE:
        return os.fspath(path)
    if status.st_size > LARGEST:
        return Path(path).read_bytes()
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))  # half of `open`'s time
    try:
        return os.read(descriptor, LARGEST + 1)
    finally:
        os.close(descriptor)


@functools.cache
def _factory(name: str) -> Callable[..., Image.Image]:
    """Import the decoder of a format, and Pillow with the first; its bomb warning is an error.

    Its other warnings are about files that are readable all the same, and are not shown. The
    plug-in is called directly, because `Image.open` would import those of other formats too.
    """
    from PIL import Image

    _silence_libtiff()
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
    load_plugin(name)
    return Image.OPEN[name][0]


def _opened(name: str, stream: BinaryIO) -> Image.Image:
    try:
        return _factory(name)(stream, "")
    except (SyntaxError, IndexError, TypeError, struct.error) as error:  # as Pillow itself does
        raise ImageError(UNREADABLE) from error


def _silence_libtiff() -> None:
    """Keep libtiff from writing to stderr about a damaged file: Pillow raises an error anyway.

    Pillow has no option for this, so libtiff's own function is called.
    """
    from PIL import _imaging

    with suppress(AttributeError, OSError):  # where Pillow is built without libtiff
        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)


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
    """Whether only the pixels matter: no orientation, no transparent colour."""
    info = image.info
    return (not info or ("transparency" not in info and _ORIENTED.isdisjoint(info))) and (
        image.format != "TIFF"  # keeps its orientation among its tags
    )


def _unopened(error: Exception, source: Source) -> str:
    """Explain in a few words why a file could not be read."""
    if isinstance(error, FileNotFoundError):
        is_address = isinstance(source, str | os.PathLike) and re.match(_ADDRESS, os.fspath(source))
        return "an address, not a file: download it" if is_address else "no such file"
    if isinstance(source, str | os.PathLike) and "\0" in os.fspath(source):
        return "no file has a NUL byte in its name: give a list one path a line"
    if isinstance(error, IsADirectoryError):
        return "a folder, not a picture"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    return f"cannot be opened ({getattr(error, 'strerror', None) or error})"


def damage(error: Exception) -> str:
    """Explain in a few words why a picture could not be decoded."""
    if isinstance(error, MemoryError):
        return NO_MEMORY
    if "truncated" in str(error).lower() or isinstance(error, EOFError):
        return "truncated picture"
    return f"damaged picture ({[*str(error).strip().splitlines(), type(error).__name__][0]})"


def _is_bomb(error: Exception) -> bool:
    from PIL import Image

    return isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning)


def _too_large(count: str, limit: int) -> str:
    return f"{count} pixels, but at most {limit / 1e6:.3g} million are read: scale it down"
