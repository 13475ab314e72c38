"""Intact pictures are read although other parts of their files are damaged or too large."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from embedder.data.images import read_image
from embedder.errors import ImageError
from tests.embedder.data.test_transparency import chunk, png

GREYS = np.arange(32 * 24, dtype=np.uint16).reshape(32, 24).astype(np.uint8)


def saved(kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.dstack([GREYS] * 3)).save(stream, kind, **options)
    return stream.getvalue()


def with_crc(content: bytes, kind: bytes) -> bytes:
    """The same PNG with a wrong checksum of a chunk."""
    at = content.index(kind)
    length = int.from_bytes(content[at - 4 : at], "big")
    end = at + 4 + length
    return content[:end] + bytes(4) + content[end + 4 :]


def late(content: bytes, further: bytes) -> bytes:
    """The same PNG with a chunk behind its pixels."""
    return content[:-12] + further + content[-12:]


def segment(number: int, content: bytes) -> bytes:
    return bytes([0xFF, number]) + struct.pack(">H", len(content) + 2) + content


def with_segment(content: bytes, number: int, data: bytes) -> bytes:
    return content[:2] + segment(number, data) + content[2:]


def with_tag(content: bytes, tag: int, entry: bytes) -> bytes:
    """The same TIFF with other type, count and value of a tag."""
    at = content.index(struct.pack("<H", tag), int.from_bytes(content[4:8], "little"))
    return content[: at + 2] + entry + content[at + 12 :]


PNG = png(GREYS, 0)
JPEG = saved("JPEG", quality=95)
EXIF = Image.Exif()
EXIF[0x010E] = "a description"
WEBP = saved("WEBP", lossless=True, exif=EXIF, xmp=b"<x/>" * 9)
TIFF = saved("TIFF", description="a description")
DESCRIPTION = 270
LONG = zlib.compress(b"x" * 2_000_000)
TEXT = chunk(b"tEXt", b"Software\0x")
MARK = b"\xef\xbb\xbf"
WHOLE = {
    "PNG, long zTXt": (png(GREYS, 0, chunk(b"zTXt", b"Comment\0\0" + LONG)), PNG),
    "PNG, long iTXt": (png(GREYS, 0, chunk(b"iTXt", b"prompt\0\1\0\0\0" + LONG)), PNG),
    "PNG, many texts": (png(GREYS, 0, *[chunk(b"zTXt", b"a\0\0" + LONG[:-9])] * 90), PNG),
    "PNG, long zTXt behind": (late(PNG, chunk(b"zTXt", b"Comment\0\0" + LONG)), PNG),
    "PNG, text with a wrong checksum": (with_crc(png(GREYS, 0, TEXT), b"tEXt"), PNG),
    "PNG, text behind with a wrong checksum": (with_crc(late(PNG, TEXT), b"tEXt"), PNG),
    "PNG, time with a wrong checksum": (
        with_crc(png(GREYS, 0, chunk(b"tIME", bytes(7))), b"tIME"),
        PNG,
    ),
    "PNG, profile that cannot be unpacked": (png(GREYS, 0, chunk(b"iCCP", b"p\0\0nothing")), PNG),
    "PNG, short chunks": (
        png(GREYS, 0, chunk(b"pHYs", b"1"), chunk(b"gAMA", b""), chunk(b"sRGB", b"")),
        PNG,
    ),
    "PNG, orientation with a wrong checksum": (
        with_crc(png(GREYS, 0, chunk(b"eXIf", EXIF.tobytes()[6:])), b"eXIf"),
        PNG,
    ),
    "PNG, bytes behind its end": (PNG + b"more", PNG),
    "PNG, without its last chunk": (PNG[:-12], PNG),
    "JPEG, EXIF that is none": (with_segment(JPEG, 0xE1, b"Exif\0\0nothing"), JPEG),
    "JPEG, Adobe's segment cut off": (with_segment(JPEG, 0xEE, b"Adobe\0"), JPEG),
    "JPEG, JFIF's segment cut off": (JPEG[:2] + segment(0xE0, b"JFIF\0") + JPEG[20:], JPEG),
    "JPEG, Photoshop's segment": (
        with_segment(JPEG, 0xED, b"Photoshop 3.0\x008BIM\4\4\0\0\xff\xff\xff\xff"),
        JPEG,
    ),
    "JPEG, parts of a profile missing": (with_segment(JPEG, 0xE2, b"ICC_PROFILE\0\2\1xx"), JPEG),
    "JPEG, list of pictures that is none": (with_segment(JPEG, 0xE2, b"MPF\0nothing"), JPEG),
    "JPEG, without its end": (JPEG[:-2], JPEG),
    "JPEG, with half of its end": (JPEG[:-1], JPEG),
    "JPEG, bytes behind its end": (JPEG + b"more" * 99, JPEG),
    "WebP, a wrong size": (WEBP[:4] + struct.pack("<I", 12) + WEBP[8:], WEBP),
    "WebP, EXIF of a wrong length": (
        WEBP.replace(b"EXIF", b"EXIF\xff\xff\xff\x7f", 1)[: len(WEBP)],
        WEBP,
    ),
    "TIFF, a description beyond its end": (
        with_tag(TIFF, DESCRIPTION, struct.pack("<HII", 2, 99, 1 << 30)),
        TIFF,
    ),
    "TIFF, a description that is too long": (
        with_tag(TIFF, DESCRIPTION, struct.pack("<HII", 2, 1 << 30, 8)),
        TIFF,
    ),
    "TIFF, a tag of an unknown type": (
        with_tag(TIFF, DESCRIPTION, struct.pack("<HII", 99, 1, 8)),
        TIFF,
    ),
    "WebP, bytes behind its end": (WEBP + b"more", WEBP),
    "PNG, behind a byte order mark": (MARK + PNG, PNG),
    "PNG, behind blank lines": (b"\r\n \n\n" + PNG, PNG),
    "PNG of Pillow, behind a byte order mark": (MARK + saved("PNG"), saved("PNG")),
    "JPEG, behind a byte order mark and a line end": (MARK + b"\n" + JPEG, JPEG),
    "JPEG, behind a line end and before others": (b"\n" + JPEG + b"\r\n\r\n", JPEG),
    "GIF, behind a line end": (b"\n" + saved("GIF"), saved("GIF")),
    "WebP, behind two marks": (MARK * 2 + WEBP, WEBP),
    "TIFF, behind a byte order mark": (MARK + TIFF, TIFF),
    "JPEG 2000, behind a line end": (b"\n" + saved("JPEG2000"), saved("JPEG2000")),
}


@pytest.mark.parametrize("form", WHOLE)
def test_a_whole_picture_is_read_whatever_else_is_in_its_file(form):
    content, plain = WHOLE[form]
    np.testing.assert_array_equal(read_image(content), read_image(plain))


def test_the_orientation_is_kept_where_it_can_be_read():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    turned = png(GREYS, 0, chunk(b"eXIf", exif.tobytes()[6:]), TEXT)
    np.testing.assert_array_equal(read_image(with_crc(turned, b"tEXt")), np.rot90(GREYS, -1))
    jpeg = saved("JPEG", exif=exif)
    damaged = with_segment(jpeg, 0xEE, b"Adobe\0")
    np.testing.assert_array_equal(read_image(damaged), read_image(jpeg))


def test_a_size_with_a_wrong_checksum_is_damage():
    with pytest.raises(ImageError):
        read_image(with_crc(PNG, b"IHDR"))


@pytest.mark.costly
@settings(max_examples=60, deadline=None)
@given(st.integers(20, len(JPEG) - 1), st.sampled_from([95, 40]), st.booleans())
def test_a_jpeg_that_is_cut_off_is_refused_unless_its_pixels_are_whole(cut, quality, progressive):
    content = saved("JPEG", quality=quality, progressive=progressive)
    try:
        read = read_image(content[: min(cut, len(content) - 1)])
    except ImageError:
        return
    np.testing.assert_array_equal(read, read_image(content))
