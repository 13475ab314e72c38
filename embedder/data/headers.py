"""Bound the cost of decoding a picture file by its header.

Some formats let a small file take minutes: a progressive JPEG may repeat a scan of 12 bytes any
number of times, each a pass over the whole picture. This module finds the files that
cannot: their cost grows with their pixels and their bytes alone.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

_SMALL = 1 << 16  # pixels of an interlaced PNG that cannot take long
_MOST_SCANS = 16  # of a JPEG; encoders write ten
_MOST_SEGMENTS = 512  # of a JPEG, before its first scan
_PACKED = (b"zTXt", b"iTXt", b"iCCP")  # chunks of a PNG that are unpacked, to a MiB each at most
_MOST_PACKED = 8
_MOST_BLOCKS = 256  # of a GIF, before its first picture
_MOST_TAGS, _MOST_TAG_BYTES = 64, 1 << 20  # of a TIFF
_PNM = re.compile(
    rb"P([456])\s(?:#[^\n]{0,200}\n)?\s{0,9}(\d{1,6})\s{1,9}(\d{1,6})\s{1,9}(\d{1,6})?"
)


def bounded_pixels(name: str, content: bytes) -> int | None:
    """Count the pixels of a picture if its header bounds the cost of decoding it.

    Args:
        name: Its format, from `formats.format_of`.
        content: The whole file.

    Returns:
        Width times height; None where decoding may cost more than they say, or the header is
        damaged.

    Example:
        >>> bounded_pixels("PPM", b"P5 20 10 255 ")
        200
    """
    try:
        return _PIXELS[name](content) if name in _PIXELS else None
    except (struct.error, IndexError, KeyError):
        return None


def _png(content: bytes) -> int | None:
    width, height, *_, interlaced = struct.unpack_from(">16xIIBBBBB", content)
    if interlaced and width * height > _SMALL:
        return None
    offset, chunks, packed, most = 8, 0, 0, 64 + len(content) // 1024
    while offset + 8 <= len(content):
        length, name = struct.unpack_from(">I4s", content, offset)
        offset, chunks, packed = offset + 12 + length, chunks + 1, packed + (name in _PACKED)
        if name == b"acTL" or chunks > most or packed > _MOST_PACKED:  # animated, or in pieces
            return None
        if name == b"IEND":
            break
    return int(width * height)


def _jpeg(content: bytes) -> int | None:
    offset, kind, components, pixels = 2, 0, 0, 0
    for _ in range(_MOST_SEGMENTS):
        ff, marker, length = struct.unpack_from(">BBH", content, offset)
        if ff != 0xFF or not 0xC0 <= marker < 0xFF or 0xD0 <= marker <= 0xD9:
            return None
        if marker == 0xDA:  # the first scan; one of all components is the only one of a baseline
            once = kind < 0xC2 and content[offset + 4] == components
            few = once or content.count(b"\xff\xda", offset) <= _MOST_SCANS
            return int(pixels) if kind and few else None
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width, components = struct.unpack_from(">HHB", content, offset + 5)
            kind, pixels = marker, width * height
            if kind > 0xC2:  # lossless, or with arithmetic coding
                return None
        offset += 2 + length
    return None


def _gif(content: bytes) -> int | None:
    width, height, flags = struct.unpack_from("<6xHHB", content)
    offset = 13 + (3 << (1 + (flags & 7)) if flags & 0x80 else 0)
    for _ in range(_MOST_BLOCKS):
        if content[offset] == 0x2C:
            left, top, wide, high = struct.unpack_from("<HHHH", content, offset + 1)
            return int(max(width, left + wide) * max(height, top + high))
        offset += 2 if content[offset] == 0x21 else 0  # an extension, in blocks up to an empty one
        length = content[offset]
        offset += 1 + length
    return None


def _bmp(content: bytes) -> int | None:
    [size] = struct.unpack_from("<I", content, 14)
    if size == 12:
        width, height = struct.unpack_from("<HH", content, 18)
        return int(width * height)
    width, height, _, compression = struct.unpack_from("<iiII", content, 18)
    return abs(width * height) if compression in (0, 3) else None  # others are decoded in Python


def _pnm(content: bytes) -> int | None:
    fields = _PNM.match(content)
    if fields is None or (fields[1] != b"4" and fields[4] != b"255"):  # decoded in Python
        return None
    return int(fields[2]) * int(fields[3])


def _webp(content: bytes) -> int | None:
    kind = content[12:16]
    if kind == b"VP8X":
        if content[20] & 2:  # animated
            return None
        width, height = (
            int.from_bytes(content[offset : offset + 3], "little") for offset in (24, 27)
        )
        return (width + 1) * (height + 1)
    if kind == b"VP8L":
        [bits] = struct.unpack_from("<I", content, 21)
        return int(((bits & 0x3FFF) + 1) * ((bits >> 14 & 0x3FFF) + 1))
    width, height = struct.unpack_from("<HH", content, 26)
    return int((width & 0x3FFF) * (height & 0x3FFF)) if kind == b"VP8 " else None


def _tiff(content: bytes) -> int | None:
    order = "<" if content[:2] == b"II" else ">"
    magic, offset = struct.unpack_from(f"{order}2xHI", content)
    [count] = struct.unpack_from(f"{order}H", content, offset)
    if magic != 42 or count > _MOST_TAGS:  # not the classic kind
        return None
    tags, size = {}, 0
    for entry in range(count):
        tag, kind, values = struct.unpack_from(f"{order}HHI", content, offset + 2 + 12 * entry)
        form = {3: "H", 4: "I"}.get(kind)
        [value] = struct.unpack_from(order + (form or "I"), content, offset + 10 + 12 * entry)
        tags[tag] = value if values == 1 and form else None
        size += 8 * values
    if size > _MOST_TAG_BYTES or tags.get(259, 1) not in (1, 5, 8, 32773, 32946):
        return None
    if 322 in tags or tags.get(277, 1) not in (1, 2, 3, 4):  # tiles, of any size; many samples
        return None
    width, height = tags[256], tags[257]
    return None if width is None or height is None else width * height


_PIXELS: dict[str, Callable[[bytes], int | None]] = {
    **{"PNG": _png, "JPEG": _jpeg, "GIF": _gif, "BMP": _bmp, "PPM": _pnm},
    **{"WEBP": _webp, "TIFF": _tiff},
}
