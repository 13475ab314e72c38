"""Supported picture formats: names, signatures and file name endings.

A format that is not named here is never opened. Among Pillow's other plug-ins are some that start
programs (EPS) and some that hand a file on to any plug-in (IPTC).
"""

from __future__ import annotations

import functools
import re
from importlib import import_module

from embedder.errors import FormatError

# Read everywhere. By the names of Pillow's plug-ins: the plug-in's module, and how a file begins.
_COMMON = {
    "PNG": ("PIL.PngImagePlugin", rb"\x89PNG\r\n\x1a\n"),
    "JPEG": ("PIL.JpegImagePlugin", rb"\xff\xd8\xff"),
    "GIF": ("PIL.GifImagePlugin", rb"GIF8[79]a"),
    "BMP": ("PIL.BmpImagePlugin", rb"BM"),
    "TIFF": ("PIL.TiffImagePlugin", rb"II[*+]\0|MM\0[*+]"),
    "WEBP": ("PIL.WebPImagePlugin", rb"RIFF.{4}WEBP"),
    "PPM": ("PIL.PpmImagePlugin", rb"P[1-6Ff]\s"),
    "AVIF": ("PIL.AvifImagePlugin", rb".{4}ftyp(?:avi[fs]|m[is]f1.{0,48}?avi[fs])"),
    "HEIF": ("pillow_heif", rb".{4}ftyp(?:he[iv][cxms]|m[is]f1)"),
}
# Read by decoder processes alone, and not over HTTP: seldom met, and their decoders seldom tested.
_RARE = {
    "JPEG2000": ("PIL.Jpeg2KImagePlugin", rb"\xff\x4f\xff\x51|\0\0\0\x0cjP {2}\r\n\x87\n"),
    "ICO": ("PIL.IcoImagePlugin", rb"\0\0\x01\0"),
    "ICNS": ("PIL.IcnsImagePlugin", rb"icns"),
    "PCX": ("PIL.PcxImagePlugin", rb"\x0a[\0\x02\x03\x05]\x01"),
    "DCX": ("PIL.DcxImagePlugin", rb"\xb1\x68\xde\x3a"),
    "SGI": ("PIL.SgiImagePlugin", rb"\x01\xda"),
    "SUN": ("PIL.SunImagePlugin", rb"\x59\xa6\x6a\x95"),
    "QOI": ("PIL.QoiImagePlugin", rb"qoif"),
    "DDS": ("PIL.DdsImagePlugin", rb"DDS "),
    "PSD": ("PIL.PsdImagePlugin", rb"8BPS"),
    "FITS": ("PIL.FitsImagePlugin", rb"SIMPLE"),
    "FLI": ("PIL.FliImagePlugin", rb".{4}[\x11\x12]\xaf"),
    "XBM": ("PIL.XbmImagePlugin", rb"\s*#define[ \t]"),
    "XPM": ("PIL.XpmImagePlugin", rb"/\* XPM \*/"),
    "CUR": ("PIL.CurImagePlugin", rb"\0\0\x02\0[^\0]"),
    # has no signature: the kinds of colours, of picture and of pixels that there are
    "TGA": ("PIL.TgaImagePlugin", rb".[\0\x01][\x01-\x03\x09-\x0b].{13}[\x01\x08\x0f\x10\x18\x20]"),
}
# Never read: drawing instructions, some in a programming language.
_DRAWINGS = {
    "EPS": rb"%!PS|\xc5\xd0\xd3\xc6",
    "PDF": rb"%PDF",
    "WMF": rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF",
    "SVG": rb"\s*(?:<\?xml(?!.{0,80}<Error)|<svg)",
}
_BEGINNINGS = {name: begins for name, (_, begins) in {**_COMMON, **_RARE}.items()} | _DRAWINGS
COMMON = tuple(_COMMON)
_LEAD = re.compile(rb"(?:\xef\xbb\xbf|\s){1,64}")
_HEAD = 128  # bytes that identify a format
_OTHER_ENDINGS = frozenset(
    (".heic", ".heif", ".hif", ".mpo", ".jps", ".eps", ".ps", ".wmf", ".emf")
)


def format_of(head: bytes) -> str | None:
    """Detect the format of a file by its first bytes; None if unknown.

    Args:
        head: The first 128 bytes or more, or the whole file.

    Example:
        >>> format_of(b"P5 2 1 255 "), format_of(b"%!PS-Adobe-3.0 EPSF-3.0"), format_of(b"milk")
        ('PPM', 'EPS', None)
    """
    beginning = head[:_HEAD]
    # Compiled one by one, as they are needed: all of them take milliseconds.
    matching = (name for name in _BEGINNINGS if re.match(_BEGINNINGS[name], beginning, re.DOTALL))
    return next(matching, None)


def without_lead(content: bytes) -> bytes:
    """Strip a byte order mark and blanks, which scripts of web servers write before a picture.

    Args:
        content: A file of no known format, or its first bytes.
    """
    lead = _LEAD.match(content)
    return content[lead.end() :] if lead else content


def is_common(name: str) -> bool:
    """Whether a format is read everywhere, over HTTP too."""
    return name in _COMMON


def refuse_drawing(name: str) -> None:
    """Refuse a format that is never read.

    Raises:
        FormatError: If it says how to draw instead of holding pixels.
    """
    if name in _DRAWINGS:
        raise FormatError(
            f"{name} describes how to draw and may be a program, which is not run: export it as PNG"
        )


def load_plugin(name: str) -> None:
    """Import the decoder of a format on first use.

    Raises:
        FormatError: If it is not installed.
    """
    module = {**_COMMON, **_RARE}[name][0]
    try:
        plugin = import_module(module)
    except ModuleNotFoundError as error:
        if name != "HEIF":
            raise
        raise FormatError(
            "HEIF, as phones write it, needs a package that is not installed: "
            "pip install 'likewise[heif]', or save it as JPEG"
        ) from error
    if name == "HEIF":
        plugin.register_heif_opener()


@functools.cache
def endings() -> frozenset[str]:
    """File name endings of pictures: `.png`, `.jpg` and so on.

    Those of drawings are among them, so that these are reported instead of being passed over.
    """
    from PIL import Image

    known = Image.registered_extensions()
    named = {ending for ending, name in known.items() if name in _COMMON or name in _RARE}
    return frozenset(named | _OTHER_ENDINGS)
