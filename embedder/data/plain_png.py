"""Small PNG files with nothing but 8-bit grey or RGB pixels, decoded without Pillow's plug-in."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from likewise.arrays import Pixels

LARGEST = 1 << 16  # largest file checked for being a plain PNG
_PNG = b"\x89PNG\r\n\x1a\n"
# A plain PNG file: these headers, the data of its one IDAT chunk, a checksum and this end.
_START, _END = _PNG + b"\0\0\0\rIHDR", b"\0\0\0\0IEND\xae\x42\x60\x82"
_HEADERS = struct.Struct(">16sII5sII4s")  # start, width, height, kind, checksum, length, "IDAT"
_KINDS = {b"\x08\0\0\0\0": "L", b"\x08\2\0\0\0": "RGB"}  # 8 bits, not interlaced
_IDAT = zlib.crc32(b"IDAT")


def plain_png(content: bytes, max_pixels: int) -> Pixels | None:
    """Decode a small PNG file of 8-bit grey or RGB pixels, in 0.6 of the plug-in's time.

    Args:
        content: The whole file.
        max_pixels: Width times height of the largest picture that is decoded.

    Returns:
        uint8 `(h, w)` or `(h, w, 3)`; None for any other file, and for one that does not match its
        checksums.
    """
    if len(content) >= LARGEST or not content.startswith(_START):
        return None
    try:
        return _plain_pixels(content, max_pixels)
    except Exception:  # damaged: the plug-in reports it
        return None


def _plain_pixels(content: bytes, max_pixels: int) -> Pixels | None:
    from PIL import Image

    _, width, height, kind, header_sum, length, name = _HEADERS.unpack_from(content)
    mode, end = _KINDS.get(kind), _HEADERS.size + length
    if name != b"IDAT" or mode is None or not 0 < width * height <= max_pixels:
        return None
    data = content[_HEADERS.size : end]
    if zlib.crc32(content[12:29]) != header_sum:
        return None
    if content[end:] != zlib.crc32(data, _IDAT).to_bytes(4) + _END:
        return None
    return np.asarray(Image.frombytes(mode, (width, height), data, "zip", mode, False))
