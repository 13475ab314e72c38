"""The lines of a text file, plain or gzip, and the start of a table."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from embedder.data.encodings import UTF_8, text_encoding
from embedder.data.records import Record, Records
from embedder.errors import DatasetError, ImageError

MOST_IN_LINE = 16 << 20  # characters: a picture of 2000 x 2000 pixels has no more
_HEAD = 64  # bytes that tell the encoding
_FIRST_ROWS = 10  # rows that tell whether a table is what it seems to be


def text_lines(path: Path, keep_ends: bool = False) -> Iterator[str]:
    """Give the lines of a text file, plain or gzip, blank ones left out.

    UTF-8 or UTF-16, with or without a byte order mark. Bytes that are no UTF-8 stay what they are,
    for they may be a file's name.

    Args:
        path: The file.
        keep_ends: Whether lines keep their ends.
    """
    packed = path.name.endswith(".gz")
    number = 0  # also what the message names
    try:
        with gzip.open(path) if packed else path.open("rb") as stream:
            encoding = text_encoding(stream.read(_HEAD))
            stream.seek(0)
            errors = "surrogateescape" if encoding == UTF_8 else "replace"
            text = io.TextIOWrapper(stream, encoding, errors, newline="")
            while line := text.readline(MOST_IN_LINE):
                number += 1
                if len(line) == MOST_IN_LINE:
                    raise DatasetError(
                        f"{path}, line {number} has more than {MOST_IN_LINE >> 20} million "
                        "characters: check that its lines end."
                    )
                if line.strip():
                    yield line if keep_ends else line.rstrip("\r\n")
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(
            f"{path} cannot be read after line {number} ({error}): restore it from a copy."
        ) from error


def count_lines(path: Path, header: int = 0) -> int | None:
    """Count the lines below a header, blank ones included; None for gzip, which is slow.

    Args:
        path: The file.
        header: Number of lines before the first row.
    """
    if path.name.endswith(".gz"):
        return None
    with path.open("rb") as stream:
        blocks = iter(lambda: stream.read(1 << 20), b"")
        return sum(block.count(b"\n") for block in blocks) - header


def begun(
    path: Path, stream: Callable[[], Iterator[Record]], count: Callable[[], int | None]
) -> Records:
    """Refuse a table whose first rows are all damaged, before anything is made of it.

    A damaged row among others is an error of its own.

    Args:
        path: The file.
        stream: Reads its records anew.
        count: Counts them.
    """
    first = [record.image for record in islice(stream(), _FIRST_ROWS)]
    if first and all(isinstance(image, ImageError) for image in first):
        raise DatasetError(f"{path}, {first[0]}")
    return Records(stream, count)


def begun_csv(path: Path, stream: Callable[[], Iterator[Record]], header: int) -> Records:
    """Do so for a CSV.

    Args:
        path: The file.
        stream: Reads its records anew.
        header: Number of lines before the first row.
    """
    return begun(path, stream, partial(count_lines, path, header))
