"""Pictures of every common format and mode, and broken files."""

from __future__ import annotations

import contextlib
import io
import re
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from embedder.data import images
from embedder.data.images import read_image
from embedder.data.modes import upright_pixels
from embedder.data.plain_png import plain_png
from embedder.errors import ImageError, TooManyPixelsError

RAMP = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5  # 0, 5 … 235
COLOURS = np.stack([RAMP, RAMP[::-1], 255 - RAMP], axis=-1)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("PPM", {}),
        ("WEBP", {"lossless": True}),
        ("TGA", {}),
    ],
)
@pytest.mark.parametrize("pixels", [RAMP, COLOURS], ids=["grey", "rgb"])
def test_a_lossless_file_gives_its_pixels_back(tmp_path, pixels, kind, options):
    path = tmp_path / f"picture.{kind.lower()}"
    path.write_bytes(encoded(Image.fromarray(pixels), kind, **options))
    read = read_image(path)
    assert read.dtype == np.uint8
    wanted = pixels if read.ndim == pixels.ndim else np.repeat(pixels[..., None], 3, axis=2)
    np.testing.assert_array_equal(read, wanted)  # WebP knows no grey: it gives equal channels


def test_jpeg_comes_near_its_pixels():
    smooth = np.linspace(0, 255, 32 * 32).reshape(32, 32).astype(np.uint8)
    read = read_image(encoded(Image.fromarray(smooth), "JPEG", quality=95))
    assert read.shape == (32, 32)
    assert np.abs(read.astype(int) - smooth).max() <= 4


def test_a_path_as_text_bytes_and_a_stream_give_the_same(tmp_path):
    content = encoded(Image.fromarray(COLOURS))
    (tmp_path / "a.png").write_bytes(content)
    for source in (tmp_path / "a.png", str(tmp_path / "a.png"), content, io.BytesIO(content)):
        np.testing.assert_array_equal(read_image(source), COLOURS)


def outcome(source: images.Source) -> str:
    try:
        pixels = read_image(source)
        return f"{pixels.shape} {pixels.tobytes().hex()}"
    except ImageError as error:
        return str(error)


@pytest.mark.costly
@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["L", "RGB", "RGBA", "LA", "1", "P", "I;16"]),
    st.integers(0, 400),
    st.integers(0, 255),
    st.floats(0.1, 1),
)
def test_a_small_png_file_is_read_as_any_other_source_is(
    tmp_path_factory, mode, place, change, share
):
    content = bytearray(encoded(Image.fromarray(COLOURS).convert("RGBA").convert(mode)))
    content[place % len(content)] ^= change  # 0 leaves it whole
    content = content[: round(len(content) * share)]
    path = tmp_path_factory.getbasetemp() / "altered.png"
    path.write_bytes(content)
    assert outcome(path) == outcome(bytes(content))


@pytest.mark.parametrize("pixels", [RAMP, COLOURS], ids=["grey", "rgb"])
def test_a_plain_png_is_decoded_without_its_plug_in(pixels):
    content = encoded(Image.fromarray(pixels))
    np.testing.assert_array_equal(plain_png(content, images.MAX_PIXELS), pixels)


def test_what_is_not_a_plain_png_is_left_to_the_plug_in():
    content = encoded(Image.fromarray(RAMP))
    altered = [
        content[:index] + b"?" + content[index + 1 :] for index in (20, 50, len(content) - 1)
    ]
    richer = [encoded(Image.fromarray(RAMP), dpi=(72, 72)), encoded(Image.new("P", (8, 6)))]
    for other in [*altered, *richer, content[:-1], content + b" "]:
        assert plain_png(other, images.MAX_PIXELS) is None
    assert plain_png(content, RAMP.size - 1) is None


# orientation -> what a viewer must do to the stored pixels
TURNS = {
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.T,
    6: lambda p: np.rot90(p, -1),
    7: lambda p: np.rot90(p.T, 2),
    8: lambda p: np.rot90(p),
}


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_exif_orientation_turns_the_picture_upright(kind, orientation):
    stored = np.zeros((8, 16), np.uint8)
    stored[:, 8:], stored[4:, :8] = 240, 120  # every turn of it looks different
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = read_image(encoded(Image.fromarray(stored), kind, exif=exif))
    grey = read if read.ndim == 2 else read[..., 0]
    turned = TURNS[orientation](stored).astype(int)
    assert grey.shape == turned.shape
    assert np.median(np.abs(grey - turned)) <= 3


def test_transparency_is_flattened_on_white():
    colour = np.array([[[200, 0, 0, 255], [200, 0, 0, 0], [200, 0, 0, 51]]], np.uint8)
    read = read_image(encoded(Image.fromarray(colour)))
    # a fifth of (200, 0, 0) and four fifths of white: (40 + 204, 204, 204)
    np.testing.assert_array_equal(read, [[[200, 0, 0], [255, 255, 255], [244, 204, 204]]])


def test_white_ink_on_nothing_is_flattened_on_black_so_that_it_can_be_seen():
    drawing = np.zeros((4, 4, 2), np.uint8)
    drawing[..., 0] = 255
    drawing[1:3, 1:3, 1] = 255
    read = read_image(encoded(Image.fromarray(drawing)))
    assert read.shape == (4, 4)
    assert read[0, 0] == 0
    assert read[1, 1] == 255


def test_a_transparent_colour_of_a_grey_or_palette_picture_counts_as_transparent():
    grey = encoded(Image.fromarray(np.array([[0, 90]], np.uint8)), transparency=0)
    np.testing.assert_array_equal(read_image(grey), [[255, 90]])
    palette = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    read = read_image(encoded(palette, transparency=0))
    np.testing.assert_array_equal(read, [[[255, 255, 255], [40, 50, 60]]])


def test_palette_one_bit_and_cmyk_pictures_come_as_8_bits():
    palette = Image.fromarray(COLOURS).quantize(48)
    assert read_image(encoded(palette, "GIF")).shape == (6, 8, 3)
    assert read_image(encoded(Image.fromarray(RAMP).convert("P"), "PNG")).shape == (6, 8)
    bits = read_image(encoded(Image.fromarray(RAMP > 100)))
    np.testing.assert_array_equal(bits, (RAMP > 100) * np.uint8(255))
    cmyk = read_image(encoded(Image.fromarray(COLOURS).convert("CMYK"), "TIFF"))
    np.testing.assert_array_equal(cmyk, COLOURS)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_keep_their_high_byte(kind):
    deep = RAMP.astype(np.uint16) * 257
    np.testing.assert_array_equal(read_image(encoded(Image.fromarray(deep), kind)), RAMP)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("bits", [10, 12])
def test_fewer_bits_in_a_file_of_sixteen_keep_their_range(kind, bits):
    deep = RAMP.astype(np.uint16) << (bits - 8)  # at most 235 of 255 parts of the range
    np.testing.assert_array_equal(read_image(encoded(Image.fromarray(deep), kind)), RAMP)


@pytest.mark.parametrize(("top", "bits"), [(4095, 12), (65535, 16)])
def test_a_dark_tiff_is_scaled_by_the_range_that_it_states(top, bits):
    dark = np.array([[0, 1000]], np.uint16)
    tiff = encoded(Image.fromarray(dark), "TIFF", tiffinfo={281: top})  # MaxSampleValue
    np.testing.assert_array_equal(read_image(tiff), dark >> (bits - 8))


def retagged(tiff: bytes, tag: int, value: int, kind: int = 3) -> bytes:
    """Change the value of a short tag that a TIFF of Pillow's has."""
    changed = bytearray(tiff)
    found = re.search(re.escape(struct.pack("<HHI", tag, kind, 1)), tiff)
    assert found is not None
    changed[found.end() : found.end() + 2] = struct.pack("<H", value)
    return bytes(changed)


@pytest.mark.parametrize("mode", ["L", "I;16"])
def test_a_tiff_whose_zero_is_white_is_not_read_as_a_negative(mode):
    ink = np.array([[0, 255]], np.uint8)  # as a scanner counts ink: white, black
    values = ink if mode == "L" else ink.astype(np.uint16) * 257
    tiff = retagged(encoded(Image.fromarray(values), "TIFF"), tag=262, value=0)
    np.testing.assert_array_equal(read_image(tiff), [[255, 0]])


def test_a_tiff_of_32_bits_without_a_sign_is_scaled_by_its_largest_value():
    values = np.array([[0, 2**31, 2**32 - 1]], np.uint32).view(np.int32)
    tiff = retagged(encoded(Image.fromarray(values), "TIFF"), tag=339, value=1)
    np.testing.assert_array_equal(read_image(tiff), [[0, 128, 255]])


def test_a_tiff_of_8_bits_with_a_sign_is_no_brightness_where_values_are_negative():
    tiff = encoded(Image.fromarray(np.array([[0, 100, 156]], np.uint8)), "TIFF", tiffinfo={339: 2})
    with pytest.raises(ImageError, match=r"-100"):
        read_image(tiff)


def test_a_packed_tiff_of_twelve_bits_is_read_whole():
    tiff = bytearray(encoded(Image.new("I;16", (2, 1)), "TIFF"))
    assert tiff[-4:] == bytes(4)  # two samples of 16 bits, the last thing in the file
    tiff[-4:] = bytes([0x80, 0x01, 0x00, 0])  # 0x800 and 0x100, in twelve bits each
    index = tiff.index(struct.pack("<HHIH", 258, 3, 1, 16))  # BitsPerSample
    tiff[index + 8] = 12
    np.testing.assert_array_equal(read_image(bytes(tiff)), [[0x80, 0x10]])


def test_float_pictures_are_read_as_0_to_1_or_0_to_255():
    for values in (RAMP / np.float32(255), RAMP.astype(np.float32)):
        picture = Image.fromarray(values.astype(np.float32))
        np.testing.assert_array_equal(read_image(encoded(picture, "TIFF")), RAMP)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from(["L", "RGB", "RGBA", "LA", "1", "P", "I;16", "I", "F", "CMYK", "YCbCr"]),
)
def test_any_mode_and_size_gives_uint8_grey_or_rgb(width, height, mode):
    read = upright_pixels(Image.new(mode, (width, height)))
    assert read.dtype == np.uint8
    assert read.shape in ((height, width), (height, width, 3))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_a_truncated_picture_is_an_image_error(kind):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), kind)
    for share in (0.02, 0.3, 0.9):
        with pytest.raises(ImageError):
            read_image(content[: int(len(content) * share)])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255), st.sampled_from(["PNG", "JPEG", "TIFF", "GIF"]))
def test_an_altered_byte_gives_a_picture_or_an_image_error(place, change, kind):
    content = bytearray(encoded(Image.fromarray(COLOURS), kind))
    content[place % len(content)] ^= change
    with contextlib.suppress(ImageError):  # any other exception fails the test
        assert read_image(bytes(content)).dtype == np.uint8


def test_the_reason_is_short_and_does_not_name_the_path(tmp_path):
    (tmp_path / "note.txt").write_text("milk, bread")
    (tmp_path / "empty.png").touch()
    reasons = {
        "note.txt": "not a picture in a format that can be read",
        "empty.png": "empty file",
        "gone.png": "no such file",
        "https://example.org/a.png": "an address, not a file: download it",
        ".": "a folder, not a picture",
        "a\0b": "no file has a NUL byte in its name: give a list one path a line",
        "x" * 300: "cannot be opened (File name too long)",
    }
    for name, reason in reasons.items():
        with pytest.raises(ImageError) as caught:
            read_image(tmp_path / name)
        assert str(caught.value) == reason


@pytest.mark.costly
def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path):
    bomb = encoded(Image.new("1", (12_000, 8_000)))  # 96 million pixels in a few kilobytes
    (tmp_path / "bomb.png").write_bytes(bomb)
    for source in (bomb, tmp_path / "bomb.png"):
        with pytest.raises(TooManyPixelsError, match="million are read: scale it down"):
            read_image(source)
    with pytest.raises(TooManyPixelsError, match="million are read: scale it down"):
        read_image(encoded(Image.new("1", (20_000, 10_000))))
    with pytest.raises(TooManyPixelsError, match=r"2 million pixels, but at most 1\.5 million"):
        read_image(encoded(Image.new("1", (2000, 1000))), max_pixels=1_500_000)
    assert read_image(encoded(Image.new("1", (2000, 1000))), max_pixels=2_000_000).size == 2_000_000


def test_a_damaged_tiff_is_an_error_and_prints_nothing_on_stderr(capfd):
    tiff = encoded(Image.new("L", (60, 60)), "TIFF", compression="tiff_lzw")
    with TiffImageFile(io.BytesIO(tiff)) as whole:
        [start], [length] = whole.tag_v2[273], whole.tag_v2[279]  # of its one strip
    damaged = tiff[:start] + b"\xff" * length + tiff[start + length :]
    with pytest.raises(ImageError, match="damaged picture"):
        read_image(damaged)
    assert capfd.readouterr().err == ""  # where libtiff would write by itself


def test_a_png_without_any_pixel_is_not_a_picture():
    content = bytearray(encoded(Image.fromarray(RAMP)))
    content[16:20] = bytes(4)  # its width
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    with pytest.raises(ImageError):
        read_image(bytes(content))
