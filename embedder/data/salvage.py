"""Strip unreadable extras from picture files whose pixels are whole.

Pillow refuses a picture for a text that is too long, a wrong checksum of a comment, a profile or a
segment that is cut off. What does not change the pixels is left out here, and the file read again.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_PNG_TURNS = b"eXIf"  # may say which side is up
_SCAN, _SCAN_MARK = 0xDA, b"\xff\xda"
_SEQUENTIAL = (0xC0, 0xC1)  # frames whose pixels are in one scan
_EXIF, _ADOBE = 0xE1, 0xEE
_LEAST_ADOBE = 12  # bytes, of which the last says how colours are coded
_STANDALONE = (0x01, *range(0xD0, 0xD9))  # markers without a length
_EOI = b"\xff\xd9"
_CLASSIC_TIFF = 42
# Tags of the size, the coding and the place of a TIFF's pixels, and of which side is up.
_TIFF_PIXELS = frozenset(
    {
        *range(254, 260),
        *(262, 266, 273, 274),
        *range(277, 282),
        *(284, 292, 293, 317),
        *range(320, 326),
        *(332, 338, 339, 341, 347),
        *range(529, 533),
    }
)
_WEBP_PIXELS = (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF")
_WEBP_ICC_EXIF_XMP = 0b0010_1100  # flags of what is left out
_MOST_WEBP_CHUNKS = 64  # of one picture; others may cost any time


def without_extras(name: str, content: bytes) -> Iterator[bytes]:
    """The same picture with less and less beside its pixels; nothing where there is nothing to do.

    Args:
        name: Its format, from `formats.format_of`.
        content: The whole file.
    """
    if name == "PNG":
        yield _png(content)
    elif name == "JPEG":
        yield _jpeg(content, (_EXIF, _ADOBE))
        yield _jpeg(content, (_ADOBE,))
    elif name == "WEBP":
        yield _webp(content)
    elif name == "TIFF":
        yield _tiff(content)
    elif name == "AVIF":  # its orientation does not come from there
        yield content[:4096].replace(b"Exif", b"skip") + content[4096:]


def endings_of(content: bytes) -> tuple[bytes, bytes] | None:
    """A JPEG without its end, ended in two ways: where pixels are missing, the two differ.

    What comes before the mark of the end is taken for pixels as long as any are missing, and else
    passed over. None for a JPEG that has its end, or several scans, of which some may be missing.

    Args:
        content: The whole file.
    """
    if content.endswith(_EOI) or content.count(_SCAN_MARK) != 1 or not _is_sequential(content):
        return None
    ended = content + (_EOI[1:] if content.endswith(b"\xff") else _EOI)
    return ended, ended[:-2] + bytes(range(1, 65)) * 4 + _EOI


def _png(content: bytes) -> bytes:
    """Keep the chunks that make the picture, and the orientation if its checksum is right."""
    parts, offset, kind = [_PNG], len(_PNG), b""
    while offset + 12 <= len(content) and kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", content, offset)
        chunk = content[offset : offset + 12 + length]
        is_intact = zlib.crc32(chunk[4:-4]).to_bytes(4, "big") == chunk[-4:]
        if kind in _PNG_PIXELS or (kind == _PNG_TURNS and is_intact):
            parts.append(chunk)
        offset += 12 + length
    return b"".join(parts)


def _jpeg(content: bytes, kept: tuple[int, ...]) -> bytes:
    """Keep the segments that make the picture, and of those of programs the ones named."""
    parts, offset = [content[:2]], 2
    while offset + 4 <= len(content) and content[offset] == 0xFF:
        marker = content[offset + 1]
        if marker in _STANDALONE or marker == 0xFF:
            offset += 1 if marker == 0xFF else 2
            continue
        if marker == _SCAN:
            break
        length = int.from_bytes(content[offset + 2 : offset + 4], "big")
        of_program = 0xE0 <= marker <= 0xEF or marker == 0xFE
        short = marker == _ADOBE and length < 2 + _LEAST_ADOBE
        if not of_program or (marker in kept and not short):
            parts.append(content[offset : offset + 2 + length])
        offset += 2 + length
    return b"".join([*parts, content[offset:]])


def _tiff(content: bytes) -> bytes:
    """Keep the tags of the first picture that say how it is stored; none of a second picture."""
    order = "<" if content[:2] == b"II" else ">"
    magic, offset = struct.unpack_from(f"{order}2xHI", content)
    if magic != _CLASSIC_TIFF:
        return content
    [count] = struct.unpack_from(f"{order}H", content, offset)
    places = range(offset + 2, offset + 2 + 12 * count, 12)
    kept = [
        content[place : place + 12]
        for place in places
        if struct.unpack_from(f"{order}H", content, place)[0] in _TIFF_PIXELS
    ]
    tags = struct.pack(f"{order}H", len(kept)) + b"".join(kept) + bytes(4)
    return content[:offset] + tags + content[offset + len(tags) :]


def _is_sequential(content: bytes) -> bool:
    """Whether a JPEG's frame, the first segment of that kind, is of the plain one."""
    offset = 2
    while offset + 4 <= len(content) and content[offset] == 0xFF:
        marker = content[offset + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return marker in _SEQUENTIAL
        offset += 2 + int.from_bytes(content[offset + 2 : offset + 4], "big")
    return False


def _webp(content: bytes) -> bytes:
    """Keep the chunks that make the picture, and count them anew."""
    parts, offset = [], 12
    for _ in range(_MOST_WEBP_CHUNKS):
        if offset + 8 > len(content):
            break
        kind, length = struct.unpack_from("<4sI", content, offset)
        chunk = bytearray(content[offset : offset + 8 + length + length % 2])
        if kind == b"VP8X" and len(chunk) > 8:
            chunk[8] &= ~_WEBP_ICC_EXIF_XMP & 0xFF
        if kind in _WEBP_PIXELS:
            parts.append(bytes(chunk))
        offset += len(chunk)
    body = b"".join(parts)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body
