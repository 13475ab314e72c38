"""Every mode and format with transparency: no picture silently becomes blank."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from embedder.data.bundled import mnist
from embedder.data.images import read_image
from embedder.data.modes import upright_pixels
from embedder.data.transparency import flattened

SEVEN = np.asarray(Image.fromarray(mnist("test")[0][0]).resize((48, 48)))  # white on black
DEEP = SEVEN.astype(np.uint16) * 200 + 300


def with_palette(kind: str, colour: int) -> bytes:
    """The digit by a palette of greys, one of them transparent."""
    stream = io.BytesIO()
    Image.fromarray(SEVEN).convert("P").save(stream, kind, transparency=colour)
    return stream.getvalue()


def png(values: np.ndarray, colour: int, *chunks: bytes) -> bytes:
    """A PNG of 8 or 16 bits with further chunks, as Pillow cannot write it."""
    depth = values.dtype.itemsize * 8
    rows = b"".join(b"\0" + row.astype(values.dtype.newbyteorder(">")).tobytes() for row in values)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def key(*values: int) -> bytes:
    return chunk(b"tRNS", struct.pack(f">{len(values)}H", *values))


def with_alpha(alpha: int, kind: str) -> bytes:
    layers = np.dstack([SEVEN] * 3 + [np.full_like(SEVEN, alpha)])
    stream = io.BytesIO()
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    Image.fromarray(layers).save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TGA", "TIFF", "BMP", "ICO", "SGI", "DDS"])
@pytest.mark.parametrize("alpha", [0, 1, 16, 128, 254])
def test_an_alpha_channel_that_is_the_same_everywhere_hides_nothing(kind, alpha):
    np.testing.assert_array_equal(
        read_image(with_alpha(alpha, kind)), read_image(with_alpha(255, kind))
    )


DIGITS = {
    "16 bits, a transparent value that no pixel has": png(DEEP, 0, key(0)),
    "16 bits, the paper transparent": png(DEEP, 0, key(300)),
    "16 bits, black paper transparent": png(DEEP - 300, 0, key(0)),
    "8 bits, a transparent value that no pixel has": png(np.maximum(SEVEN, 1), 0, key(0)),
    "8 bits, black paper transparent": png(SEVEN, 0, key(0)),
    "8 bits, white paper transparent": png(255 - SEVEN, 0, key(255)),
    "RGB, black paper transparent": png(np.dstack([SEVEN] * 3), 2, key(0, 0, 0)),
    "RGB of 16 bits, unused": png(np.dstack([DEEP] * 3), 2, key(65535, 0, 0)),
    "grey and alpha of 16 bits": png(np.dstack([DEEP, DEEP * 0 + 65535]), 4),
    "grey and alpha of 16 bits, alpha 0": png(np.dstack([DEEP, DEEP * 0]), 4),
    "RGBA of 16 bits, alpha of 255 in 65535": png(np.dstack([DEEP] * 3 + [DEEP * 0 + 255]), 6),
    "white ink, alpha the drawing": png(np.dstack([SEVEN * 0 + 255, SEVEN]), 4),
    "black ink, alpha the drawing": png(np.dstack([SEVEN * 0, SEVEN]), 4),
    "alpha the drawing, as 0 and 1": png(np.dstack([SEVEN * 0, SEVEN // 200]), 4),
    "alpha the drawing, faint": png(np.dstack([SEVEN * 0 + 255, SEVEN // 4]), 4),
    "nearly white ink": png(np.dstack([SEVEN * 0 + 230, SEVEN]), 4),
    "PNG of a palette, black paper transparent": with_palette("PNG", 0),
    "GIF of a palette, black paper transparent": with_palette("GIF", 0),
    "PNG of a palette, a grey that few pixels have": with_palette("PNG", 7),
    "a hole in white paper": png(np.dstack([SEVEN * 0 + 255, 255 - SEVEN]), 4),
}


@pytest.mark.parametrize("form", DIGITS)
def test_the_digit_can_be_seen(form):
    read = read_image(DIGITS[form]).astype(float)
    grey = read if read.ndim == 2 else read[..., 0]
    assert np.ptp(grey) >= 60  # of 255
    alike = abs(np.corrcoef(grey.ravel(), SEVEN.ravel())[0, 1])
    assert alike > 0.8  # 1 for the same picture, also in negative


def test_sixteen_bits_with_an_unused_transparent_value_are_read_as_without_it():
    np.testing.assert_array_equal(read_image(png(DEEP, 0, key(0))), read_image(png(DEEP, 0)))


@pytest.mark.parametrize("mode", ["LA", "La", "RGBA", "RGBa", "PA"])
def test_each_mode_with_an_alpha_channel_is_flattened_on_white(mode):
    layers = np.array([[[0, 0, 0, 255], [0, 0, 0, 0]]], np.uint8)
    picture = Image.fromarray(layers)
    for step in {"La": ("LA", "La"), "PA": ("P", "PA")}.get(mode, (mode,)):
        picture = picture.convert(step)
    if mode == "PA":  # conversion keeps no transparency
        picture.putalpha(Image.fromarray(layers[..., 3]))
    read = upright_pixels(picture)
    assert read.reshape(2, -1)[:, 0].tolist() == [0, 255]


def test_what_is_wholly_transparent_and_of_one_colour_stays_blank():
    blank = np.full((2, 2, 3), 9, np.uint8)
    np.testing.assert_array_equal(flattened(blank, np.zeros((2, 2), np.uint8)), blank)
