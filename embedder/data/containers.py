"""Files that are not pictures: named by their first bytes, with advice."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import NamedTuple

from embedder.errors import UnreadFormatError

HEAD = 512  # bytes that identify a container


class Container(NamedTuple):
    """A form of file.

    Attributes:
        what: Its name, with an article.
        advice: What to do with it.
    """

    what: str
    advice: str


_UNPACK = "unpack it, and give the folder"
_PIXELS = "save its pictures and labels with numpy.savez(images=..., labels=...)"
_BEGINNINGS = (
    (rb"\x80[\x02-\x05].|\(?[ld]p?\d*\n|ccopy_reg|cnumpy", "a Python pickle", _PIXELS),
    (rb"MATLAB [57]", "a MATLAB file", _PIXELS),
    (rb"\x89HDF\r\n\x1a\n", "an HDF5 file", _PIXELS),
    (rb"PK\x03\x04|PK\x05\x06", "a zip archive", "give it by itself, by a name that ends in .zip"),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (rb"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (rb"\xfd7zXZ\0", "a file packed by xz", _UNPACK),
    (rb"BZh[1-9]", "a file packed by bzip2", _UNPACK),
    (rb"\x28\xb5\x2f\xfd", "a file packed by zstd", _UNPACK),
    (rb"\x04\x22\x4d\x18", "a file packed by lz4", _UNPACK),
    (rb"\x1f\x8b", "a file packed by gzip", _UNPACK),
    (rb".{257}ustar", "a tar archive", "give it as a file by itself"),
    (rb"\x93NUMPY", "a NumPy array", "give it as a file by itself"),
    (rb"PAR1", "a Parquet file", "give it as a file by itself"),
    (rb"ARROW1|FEA1|\xff\xff\xff\xff.\x02?\0\0", "an Arrow file", "save it as Parquet"),
    (rb"SQLite format 3\0", "an SQLite database", "export its pictures as files"),
    (rb".{16}\xde\xc0\xef\xbe", "an LMDB database", "export its pictures as files"),
    (rb".{128}DICM", "a DICOM file", "export its pictures as PNG"),
    (rb".{344}n[+i]1\0", "a NIfTI file", "export its slices as PNG"),
    (
        rb".{4}ftyp(?:isom|iso[2-9]|mp4[12]|avc1|qt  |M4V |dash|3gp)|\x1a\x45\xdf\xa3|RIFF.{4}AVI ",
        "a video",
        "export its frames as pictures",
    ),
    (rb"RIFF.{4}WAVE|ID3|fLaC|OggS", "a sound", "give pictures"),
    (
        rb"\s*<(?i:!doctype html|html|head|\?xml.{0,80}<Error)",
        "a web page",
        "download the picture itself",
    ),
    (rb"\s*(?:data:image/|iVBORw0KGgo|/9j/|R0lGOD)", "a picture as base64 text", "decode it"),
    (
        rb"\x89PNG(?!\r\n\x1a\n)|(?:\xc2\x89|\xef\xbf\xbd)PNG|\xc3\xbf\xc3\x98|(?:\xef\xbf\xbd){4}",
        "a picture that a transfer as text has damaged",
        "copy it again as binary data",
    ),
    (rb"version https://git-lfs", "a pointer of Git LFS", "fetch its file: git lfs pull"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL picture", "save it as PNG or JPEG"),
    (rb"\x76\x2f\x31\x01", "an OpenEXR picture", "save it as PNG or TIFF"),
    (rb".{4}ftypcrx |FUJIFILMCCD-RAW|IIU\0", "a camera's raw picture", "export it as JPEG"),
    (rb"\0asm|\x7fELF|MZ", "a program", "give pictures"),
)
_MAGIC = tuple(
    (re.compile(begins, re.DOTALL), Container(what, advice)) for begins, what, advice in _BEGINNINGS
)
_ENDINGS = {
    **dict.fromkeys(
        ("tfrecord", "tfrecords"), Container("a TFRecord file", "export its pictures as files")
    ),
    **dict.fromkeys(("rec",), Container("a RecordIO file", "export its pictures as files")),
    **dict.fromkeys(
        ("pt", "pth", "ckpt", "safetensors", "onnx", "keras", "tflite"),
        Container("a model or tensors", "give pictures; a model goes to --model"),
    ),
    **dict.fromkeys(("pkl", "pickle", "p"), Container("a Python pickle", _PIXELS)),
    **dict.fromkeys(
        ("json", "xml", "yaml", "yml"),
        Container(
            "annotations", "give a list with the columns path and label, as CSV or JSON lines"
        ),
    ),
    **dict.fromkeys(
        ("txt", "lst", "list", "md", "log"),
        Container(
            "text", "give a list as CSV with the columns path and label, or paths on stdin: -"
        ),
    ),
    **dict.fromkeys(("xlsx", "xls", "ods"), Container("a spreadsheet", "save it as CSV")),
}
READ = (
    "Read are pictures, folders, zips and tars of them, lists (CSV, JSONL, Parquet), IDX, .npz and "
    ".npy"
)


def head_of(path: Path) -> bytes:
    """Read the first `HEAD` bytes of a file, unpacked where it is packed by gzip, bzip2 or xz.

    Empty for an unreadable file, which its reader reports.
    """
    import bz2
    import gzip
    import lzma

    head = b""
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD)
        for begins, module in ((b"\x1f\x8b", gzip), (b"BZh", bz2), (b"\xfd7zXZ", lzma)):
            if head.startswith(begins):
                with module.open(path) as unpacked:
                    return bytes(unpacked.read(HEAD))
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        return head
    return head


def is_tar(head: bytes) -> bool:
    """Whether a file is a tar archive, by its first `HEAD` bytes, unpacked.

    The oldest form, which `tar --format=v7` and some programs write, has no signature, but each of
    its headers holds the sum of its bytes.
    """
    if head[257:262] == b"ustar":
        return True
    stated = head[148:156].strip(b" \0")
    return (
        len(head) == HEAD
        and stated.isdigit()
        and int(stated) == int(f"{sum(head[:148]) + 8 * 32 + sum(head[156:]):o}")
    )


def container_of(head: bytes, name: str = "") -> Container | None:
    """Name a file that holds something else than a picture; None where it may be one.

    Args:
        head: The first `HEAD` bytes, or the whole file.
        name: File name; some forms are known by their ending alone.

    Example:
        >>> container_of(b"MATLAB 5.0 MAT-file").what, container_of(b"PNG")
        ('a MATLAB file', None)
    """
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending in ("pt", "pth", "keras", "xlsx", "ods"):  # zips by their beginnings
        return _ENDINGS[ending]
    for begins, container in _MAGIC:
        if begins.match(head):
            return container
    return _ENDINGS.get(ending)


def refuse_container(path: Path, head: bytes) -> None:
    """Refuse a file of a known format that is not read.

    Args:
        path: The file.
        head: Its first `HEAD` bytes, unpacked where it is gzipped.

    Raises:
        UnreadFormatError: Naming what it is, and what to do.
    """
    container = container_of(head, path.name.removesuffix(".gz"))
    if container is None:  # by itself, but perhaps packed
        with path.open("rb") as stream:
            container = container_of(stream.read(HEAD))
    if container is not None:
        raise UnreadFormatError(
            f"{path} is {container.what}, which is not read: {container.advice}. {READ}."
        )
