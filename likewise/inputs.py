"""What a user names as input: files, folders, globs, data sets, and `-` for a list of paths.

Sources are looked at before the first picture is read, so a misspelt one fails at once. Pictures
themselves are looked at when their turn comes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from embedder.data.bundled import is_bundled
from embedder.data.records import Record
from embedder.data.sources import records
from embedder.errors import DatasetError, ImageError

STDIN = "-"
# Common pictures need no look inside to tell them from IDX files and lists.
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")
_TABLES = (".csv", ".jsonl", ".ndjson")


def read_inputs(
    sources: Iterable[str], listed: Iterable[str] = (), *, split: str | None = None
) -> Iterator[Record]:
    """Stream the pictures of all sources, one source after the other.

    Args:
        sources: Whatever `embedder.data.sources.records` takes, or `-` for the paths in `listed`.
        listed: Lines of text, a path of a picture file or the name of a bundled digit each.
        split: `train` or `test`, for sources that hold both.

    Raises:
        DatasetError: If there is no such source; before the first picture is given.

    Example:
        >>> [record.id for record in read_inputs(["-"], ["a.png", "b.png"])]
        ['a.png', 'b.png']
    """
    return chain.from_iterable([_open(source, listed, split) for source in sources])


def located(sources: Iterable[str]) -> list[str]:
    """Name sources so that they are the same from every working directory.

    Example:
        >>> located(["mnist/test"]), located(["/scans/"])
        (['mnist/test'], ['/scans'])
    """
    return [source if is_bundled(source) else os.path.abspath(source) for source in sources]


def count_inputs(sources: Iterable[str], *, split: str | None = None) -> int | None:
    """Count the pictures of all sources for a progress bar; None where that would take long.

    Example:
        >>> count_inputs(["mnist/test"]), count_inputs(["-"])
        (10000, None)
    """
    total = 0
    for source in sources:
        if source == STDIN or source.endswith(".gz"):
            return None
        if source.lower().endswith(_TABLES):
            total += _lines(source) - source.lower().endswith(".csv")
        else:
            total += sum(1 for _ in _open(source, (), split))
    return total


def _open(source: str, listed: Iterable[str], split: str | None) -> Iterator[Record]:
    if not source:  # pathlib would take it for the current folder
        raise DatasetError(
            "An input is empty, as a variable that is not set would be: name pictures, or . for "
            "the current folder."
        )
    if source == STDIN:
        return (record for line in listed for record in _listed(line.rstrip("\r\n")))
    if source.lower().endswith(_PICTURES) and os.path.isfile(source):
        return iter((Record(source, None, Path(source)),))
    return records(source, split=split)


def _listed(line: str) -> Iterable[Record]:
    if not line:
        return ()
    if not is_bundled(line):
        return (Record(line, None, Path(line)),)
    try:
        return records(line)
    except DatasetError as error:  # no such digit
        return (Record(line, None, ImageError(str(error))),)


def _lines(path: str) -> int:
    with open(path, "rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
