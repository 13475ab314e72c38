"""Which formats are read, and where; how others are refused."""

from __future__ import annotations

import subprocess

import pytest
from PIL import Image

from embedder.data.formats import format_of, is_common
from embedder.data.images import read_image
from embedder.data.listing import is_picture
from embedder.decoders import pool
from embedder.errors import FormatError, ImageError
from tests.embedder.bombs import encoded

GREY = Image.linear_gradient("L").resize((48, 32))
HERE = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")  # of a common file: in this process
ELSEWHERE = ("AVIF", "JPEG2000", "ICO", "ICNS", "PCX", "SGI", "TGA", "DDS", "QOI", "XBM")
COMMON = (*HERE, "AVIF")
DRAWINGS = {
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n{} loop\n%%EOF\n",
    "EPS for Windows": b"\xc5\xd0\xd3\xc6" + bytes(40),
    "PDF": b"%PDF-1.7\n",
    "WMF": b"\xd7\xcd\xc6\x9a" + bytes(40),
    "EMF": b"\x01\0\0\0" + bytes(36) + b" EMF" + bytes(40),
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "SVG with a prologue": b'<?xml version="1.0"?><svg/>',
}
# Pillow opens these; nothing here does
NEVER = {
    "GRIB": b"GRIB\0\0\0\1" + bytes(40),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(40),
    "IPTC": b"\x1c\x03\x3c\0\x01\0" + bytes(40),
    "MPEG": b"\0\0\1\xb3" + bytes(40),
    "nothing": b"milk, bread",
}


def file_of(kind: str) -> bytes:
    modes = {"QOI": "RGB", "XBM": "1"}
    return encoded(GREY.convert(modes.get(kind, "L")), kind)


@pytest.fixture
def no_process(monkeypatch):
    """Fails a test that starts a process."""

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError(f"a process was started: {arguments}")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(pool, "shared", refuse)


@pytest.mark.parametrize("kind", HERE)
def test_a_common_format_is_read_in_this_process(kind, no_process):
    content = file_of(kind)
    assert (format_of(content), is_common(kind)) == (kind, True)
    assert read_image(content).shape[:2] == (32, 48)


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_any_other_format_is_read_by_a_decoder_process(kind, tmp_path):
    content = file_of(kind)
    assert (format_of(content), is_common(kind)) == (kind, kind in COMMON)
    (tmp_path / "picture").write_bytes(content)
    read = read_image(content)
    assert read.ndim in (2, 3)
    assert (read_image(tmp_path / "picture") == read).all()


@pytest.mark.parametrize("kind", DRAWINGS)
def test_a_drawing_is_never_run_and_named_for_what_it_is(kind, no_process):
    with pytest.raises(FormatError, match=r"describes how to draw .*: export it as PNG") as caught:
        read_image(DRAWINGS[kind])
    assert not isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("kind", NEVER)
def test_a_format_that_is_not_named_is_not_opened(kind, no_process):
    with pytest.raises(
        ImageError,
        match=r"^not a picture in a format that can be read$|^an HDF5 file, which is not read: ",
    ):
        read_image(NEVER[kind])


@pytest.mark.parametrize("ending", [".png", ".JPG", ".tif", ".heic", ".avif", ".jp2", ".eps", ""])
def test_what_is_read_and_what_is_refused_by_name_is_found_in_folders(ending):
    assert is_picture(f"a{ending}")


@pytest.mark.parametrize("ending", [".txt", ".h5", ".grib", ".mpg", ".py"])
def test_other_files_are_passed_over_in_folders(ending):
    assert not is_picture(f"a{ending}")


def test_heif_says_which_package_reads_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    from embedder.data.formats import load_plugin

    assert format_of(b"\0\0\0\x18ftypheic" + bytes(40)) == "HEIF"
    with pytest.raises(FormatError, match=r"pip install 'likewise\[heif\]'"):
        load_plugin("HEIF")
