"""Resolve inputs: files, folders, globs, data sets, and `-` for a list of paths.

Sources are opened before the first picture is read, so a misspelt one fails at once. Pictures are
opened one by one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from embedder.data.bundled import is_bundled
from embedder.data.cloud import is_cloud, picture_at
from embedder.data.label_rule import AUTOMATIC, LabelRule
from embedder.data.records import Record, Records
from embedder.data.sources import by_rule, records
from embedder.errors import DatasetError, ImageError, UnreadFormatError

STDIN = "-"
# Files with these endings are pictures: they need not be opened to rule out IDX and lists.
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")


def read_inputs(
    sources: Iterable[str],
    listed: Iterable[str] = (),
    *,
    split: str | None = None,
    rule: LabelRule = AUTOMATIC,
    named: bool = False,
) -> Records:
    """Stream the pictures of all sources, one source after the other.

    Args:
        sources: What `embedder.data.sources.records` takes, or `-` for the paths in `listed`.
        listed: Lines of text, each the path of a picture file or the name of a bundled digit; a
            list can be read more than once.
        split: `train` or `test`, for sources that hold both; of folders also another part.
        rule: Where labels stand in paths, if not on the one level of folders that divides.
        named: Whether each record says which of several sources it comes from.

    Returns:
        Their records; the count is None where counting would take long.

    Raises:
        DatasetError: If there is no such source; before the first picture is read.

    Example:
        >>> [record.id for record in read_inputs(["-"], ["a.png", "b.png"])]
        ['a.png', 'b.png']
        >>> read_inputs(["mnist/test", "mnist/train/00007"]).count()
        10001
    """
    sources = list(sources)
    opened = _open if len(sources) == 1 or rule.wanted else _open_beside_others
    streams = [opened(source, listed, split, rule) for source in sources]
    if len(streams) > 1 and named:
        streams = [stream.mapped(partial(_named, stream.name)) for stream in streams]
    return Records.joined(streams, partial(count_all, streams))


def _named(source: str, record: Record) -> Record:
    return replace(record, source=source)


def count_all(streams: Iterable[Records]) -> int | None:
    """Count the pictures of several streams; None where one of them would take long.

    Example:
        >>> count_all([records("mnist/test"), records("mnist/test/00003")])
        10001
    """
    total = 0
    for stream in streams:
        count = stream.count()
        if count is None:
            return None
        total += count
    return total


def located(sources: Iterable[str]) -> list[str]:
    """Name sources so that they are the same from every working directory.

    Example:
        >>> located(["mnist/test"]), located(["/scans/"])
        (['mnist/test'], ['/scans'])
    """
    return [
        source if is_bundled(source) or is_cloud(source) else os.path.abspath(source)
        for source in sources
    ]


def _open_beside_others(
    source: str, listed: Iterable[str], split: str | None, rule: LabelRule
) -> Records:
    """Make one unreadable file, such as a shell's `*` names, an error in its row."""
    try:
        return _open(source, listed, split, rule)
    except UnreadFormatError:
        return Records(lambda: (Record(source, None, Path(source)),), 1)


def _open(source: str, listed: Iterable[str], split: str | None, rule: LabelRule) -> Records:
    if not source:  # pathlib would take it for the current folder
        raise DatasetError(
            "An input is an empty string, perhaps from an unset variable: name pictures, or . for "
            "the current folder."
        )
    if source == STDIN:
        lines = partial(_records_of, listed)
        stream = Records(lines if isinstance(listed, list) else lines(), None)
        return by_rule("The list on stdin", stream, rule)
    if source.lower().endswith(_PICTURES) and os.path.isfile(source):
        return by_rule(source, Records(lambda: (Record(source, None, Path(source)),), 1), rule)
    return records(source, split=split, rule=rule)


def _records_of(listed: Iterable[str]) -> Iterator[Record]:
    return (record for line in listed for record in _listed(line.rstrip("\r\n")))


def _listed(line: str) -> Iterable[Record]:
    if not line:
        return ()
    if not is_bundled(line):
        return (Record(line, None, picture_at(line)),)
    try:
        return records(line)
    except DatasetError as error:  # there is no such digit
        return (Record(line, None, ImageError(str(error))),)
