"""Whether the header of a picture bounds the cost of decoding it."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from embedder.data.formats import format_of
from embedder.data.headers import bounded_pixels
from tests.embedder.bombs import encoded, repeated_scans

GREY = Image.linear_gradient("L").resize((40, 30))  # 1200 pixels
FRAMES = {"save_all": True, "append_images": [GREY.rotate(90)]}
LARGE = Image.new("L", (300, 300))


def interlaced(image: Image.Image) -> bytes:
    """The PNG file of a picture, whose header says that it is interlaced."""
    content = bytearray(encoded(image, "PNG"))
    content[28] = 1
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4)
    return bytes(content)


def with_chunks(count: int, name: bytes = b"IDAT", data: bytes = b"") -> bytes:
    """A PNG file with further chunks after its header."""
    content = encoded(GREY, "PNG")
    chunk = struct.pack(">I", len(data)) + name + data
    chunk += zlib.crc32(name + data).to_bytes(4)
    return content[:33] + count * chunk + content[33:]


def with_segments(count: int) -> bytes:
    """A JPEG file with comments before its picture."""
    content = encoded(GREY, "JPEG")
    return content[:2] + count * b"\xff\xfe\0\2" + content[2:]


def altered(content: bytes, old: bytes, new: bytes) -> bytes:
    assert old in content
    return content.replace(old, new, 1)


BASELINE = encoded(GREY.convert("RGB"), "JPEG")
BOUNDED = {
    "PNG": encoded(GREY, "PNG"),
    "PNG, interlaced and small": interlaced(GREY),
    "PNG, with a profile and texts": with_chunks(8, b"iTXt", b"Title\0\0\0\0\0digits"),
    "PNG, cut off": encoded(GREY, "PNG")[:60],
    "JPEG, baseline": BASELINE,
    "JPEG, progressive": encoded(GREY.convert("RGB"), "JPEG", progressive=True),
    "JPEG, of 16 scans": repeated_scans(40, 16),
    "JPEG, with 100 comments": with_segments(100),
    "JPEG, baseline, whose scan is followed by others": BASELINE + 100 * b"\xff\xda",
    "GIF": encoded(GREY, "GIF"),
    "GIF, of two frames": encoded(GREY, "GIF", **FRAMES),
    "BMP": encoded(GREY, "BMP"),
    "PGM": encoded(GREY, "PPM"),
    "PGM with a comment": b"P5\n# drawn\n40 30\n255\n" + bytes(1200),
    "PBM": encoded(GREY.convert("1"), "PPM"),
    "WebP": encoded(GREY, "WEBP"),
    "WebP, lossless": encoded(GREY, "WEBP", lossless=True),
    "WebP, with EXIF": encoded(GREY, "WEBP", exif=b"Exif\0\0II*\0"),
    "TIFF": encoded(GREY, "TIFF"),
    "TIFF, big-endian, deflate": encoded(GREY, "TIFF", compression="tiff_adobe_deflate"),
}
UNBOUNDED = {
    "PNG, interlaced and large": interlaced(LARGE),
    "PNG, animated": encoded(GREY, "PNG", **FRAMES),
    "PNG, in a thousand pieces": with_chunks(1000),
    "PNG, with many packed texts": with_chunks(9, b"zTXt", b"a\0\0" + zlib.compress(b"b")),
    "JPEG, of 17 scans": repeated_scans(40, 17),
    "JPEG, of two thousand scans": repeated_scans(40, 2000),
    "JPEG, of separate scans": altered(BASELINE, b"\xff\xda\0\x0c\x03", b"\xff\xda\0\x0c\x01")
    + 17 * b"\xff\xda",
    "JPEG, arithmetic": altered(BASELINE, b"\xff\xc0", b"\xff\xc9"),
    "JPEG, lossless": altered(BASELINE, b"\xff\xc0", b"\xff\xc3"),
    "JPEG, with a thousand comments": with_segments(1000),
    "JPEG, with bytes between its segments": BASELINE[:20] + b"\0" + BASELINE[20:],
    "GIF, with a thousand comments": altered(
        encoded(GREY, "GIF"), b"\x2c\0\0\0\0", 1000 * b"\x21\xfe\1a\0" + b"\x2c\0\0\0\0"
    ),
    "BMP, run-length encoded": altered(
        encoded(GREY, "BMP"), b"\1\0\x08\0\0\0\0\0", b"\1\0\x08\0\1\0\0\0"
    ),
    "PGM, as text": b"P2 40 30 255 " + 1200 * b"0 ",
    "PGM, of 16 bits": b"P5 40 30 65535 " + bytes(2400),
    "WebP, animated": encoded(GREY, "WEBP", **FRAMES),
    "TIFF, of JPEGs": encoded(GREY, "TIFF", compression="jpeg"),
    "TIFF, the large kind": encoded(GREY, "TIFF", big_tiff=True),
    "JPEG 2000": encoded(GREY, "JPEG2000"),
    "AVIF": encoded(GREY, "AVIF"),
    "TGA": encoded(GREY, "TGA"),
    "JPEG, nothing but its beginning": b"\xff\xd8\xff",
}


def pixels_of(content: bytes) -> int | None:
    name = format_of(content)
    assert name is not None
    return bounded_pixels(name, content)


@pytest.mark.parametrize("name", BOUNDED)
def test_an_ordinary_file_costs_what_its_pixels_say(name):
    side = 40 * 40 if name == "JPEG, of 16 scans" else 1200
    assert pixels_of(BOUNDED[name]) == side


@pytest.mark.parametrize("name", UNBOUNDED)
def test_a_file_that_may_cost_anything_is_seen(name):
    assert pixels_of(UNBOUNDED[name]) is None


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(BOUNDED)), st.integers(0, 10_000), st.integers(0, 255), st.floats(0, 1)
)
def test_no_damage_makes_a_look_at_a_header_fail(name, place, value, share):
    content = bytearray(BOUNDED[name])
    content[place % len(content)] = value
    content = content[: round(len(content) * share)]
    kind = format_of(bytes(content))
    if kind is not None:
        pixels = bounded_pixels(kind, bytes(content))
        assert pixels is None or pixels >= 0
