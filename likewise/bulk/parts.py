"""Parts of a sharded output: found, compared, and read in the order of the input.

A part begins with a line of JSON, the settings that its shard ran with, and ends with one that says
how many pictures the whole input has, with digests of their ids and of the part. Between them
`check` writes a line for each picture; `embed` a line with ids, labels and reasons of some, then
their vectors; `build` the same with what else there is to know of them, and their pictures.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np

from likewise.arrays import Floats
from likewise.bulk.embeddings import ROWS_TOGETHER, Embedded, Name
from likewise.bulk.journal import journal_path
from likewise.bulk.shard import Shard, parts_of
from likewise.errors import LikewiseError

T = TypeVar("T")

OF_A_SHARD = ("shard", "made_by", "gallery", "inputs")  # settings in which parts may differ
_TAIL = 4096  # bytes that the last line fits into
_BLOCK = 1 << 20


class PartsError(LikewiseError):
    """Parts are missing, damaged, or not of one job."""


@dataclass(frozen=True, slots=True)
class Part:
    """A whole part.

    Attributes:
        shard: Which one.
        path: Its file.
        settings: What it was made with.
        end: Its last line.
    """

    shard: Shard
    path: Path
    settings: dict[str, Any]
    end: dict[str, Any]


def read_parts(output: Path) -> list[Part]:
    """Read all parts of an output file, in order, and compare them.

    Args:
        output: The whole file.

    Raises:
        PartsError: If there are none, one is missing or damaged, or they are not of one job.
    """
    found = parts_of(output)
    if not found:
        raise PartsError(
            f"There are no parts of {output}: expected {output}.part-1-of-N and so on, as "
            "`--shard 1/N` writes them."
        )
    counts = sorted({shard.count for shard in found})
    if len(counts) > 1:
        raise PartsError(
            f"There are parts of several divisions of {output}, into "
            f"{' and into '.join(map(str, counts))}: remove those that do not belong to it."
        )
    for shard in (Shard(number, counts[0]) for number in range(1, counts[0] + 1)):
        if shard not in found:
            raise PartsError(_missing(shard, output))
    parts = [_read(shard, path) for shard, path in found.items()]
    _require_one_job(parts)
    return parts


def makers(parts: Sequence[Part]) -> list[str]:
    """Name what made the parts: processors and versions, one for each that differs.

    Args:
        parts: All parts.
    """
    texts = (", ".join(map(str, part.settings["made_by"].values())) for part in parts)
    return list(dict.fromkeys(texts))


def lines(parts: Sequence[Part]) -> Iterator[bytes]:
    """Give the rows of all parts in the order of the input, as they are written.

    Args:
        parts: All parts, in order.

    Raises:
        PartsError: If a part has not as many rows as it should.
    """
    total = parts[0].end["pictures"]
    with ExitStack() as opened:
        files = [opened.enter_context(part.path.open("rb")) for part in parts]
        for file in files:
            file.readline()
        for position in range(total):
            place = position % len(parts)
            line = files[place].readline()
            if not line.startswith(b'{"id"'):
                raise _damaged(parts[place].path)
            yield line
        for part, file in zip(parts, files, strict=True):
            if file.readline().startswith(b'{"id"'):
                raise _damaged(part.path)


def vectors(parts: Sequence[Part]) -> Iterator[Embedded]:
    """Give the vectors of all parts in the order of the input.

    Args:
        parts: All parts of `likewise embed`, in order.

    Raises:
        PartsError: If a part has not as many rows as it should.
    """
    rows = interleaved(parts, _embedded)
    while block := list(islice(rows, ROWS_TOGETHER)):
        yield Embedded([name for name, _ in block], np.stack([vector for _, vector in block]))


def interleaved(parts: Sequence[Part], rows: Callable[[Part], Iterator[T]]) -> Iterator[T]:
    """Give the rows of all parts in the order of the input.

    Args:
        parts: All parts, in order.
        rows: Reads the rows of a part.

    Raises:
        PartsError: If a part has not as many rows as it should.
    """
    streams = list(map(rows, parts))
    for position in range(parts[0].end["pictures"]):
        place = position % len(parts)
        if (row := next(streams[place], None)) is None:
            raise _damaged(parts[place].path)
        yield row
    for part, stream in zip(parts, streams, strict=True):
        if next(stream, None) is not None:
            raise _damaged(part.path)


def blocks(part: Part) -> Iterator[tuple[list[Any], Callable[[int], bytes]]]:
    """Give the blocks of a part: a line with `rows`, and then bytes and a line's end.

    Args:
        part: One of `embed` or `build`.

    Yields:
        The rows, and what reads so many bytes of the block; all must be read before the next.

    Raises:
        PartsError: If the part ends within a block.
    """

    def read(size: int) -> bytes:
        if len(content := file.read(size)) != size:
            raise _damaged(part.path)
        return content

    with part.path.open("rb") as file:
        file.readline()
        while "rows" in (block := _parsed(part.path, file.readline())):
            yield block["rows"], read
            read(1)


def _embedded(part: Part) -> Iterator[tuple[Name, Floats]]:
    for names, read in blocks(part):
        vectors = unpacked_vectors(read, len(names), part.settings["dim"])
        yield from zip(map(tuple, names), vectors, strict=True)


def unpacked_vectors(read: Callable[[int], bytes], count: int, dim: int) -> Floats:
    """Read vectors of a block, `(count, dim)`.

    Args:
        read: Function of `blocks`.
        count: How many.
        dim: Length of each.
    """
    return np.frombuffer(read(4 * dim * count), "<f4").reshape(-1, dim)


def _read(shard: Shard, path: Path) -> Part:
    """Read the first and the last line of a part whose digest is right."""
    with path.open("rb") as file:
        settings = _parsed(path, file.readline())
        begin, end = _last_line(path, file)
        if _digest(file, begin) != end.pop("sha256", None):
            raise _damaged(path)
    if settings.get("shard") != str(shard) or {*end} != {"pictures", "ids"}:
        raise _damaged(path)
    return Part(shard, path, settings, end)


def _last_line(path: Path, file: BinaryIO) -> tuple[int, dict[str, Any]]:
    """Where the last line begins, and what it says."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _TAIL))
    line = file.read().rstrip(b"\n").rpartition(b"\n")[2]
    return size - len(line) - 1, _parsed(path, line)


def _digest(file: BinaryIO, size: int) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while size and (block := file.read(min(size, _BLOCK))):
        digest.update(block)
        size -= len(block)
    return digest.hexdigest()


def _parsed(path: Path, line: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except (ValueError, TypeError):
        raise _damaged(path) from None


def _require_one_job(parts: Sequence[Part]) -> None:
    first = parts[0]
    for part in parts[1:]:
        if part.settings.get("job") != first.settings.get("job"):
            raise PartsError(
                f"{part.path} is of likewise {part.settings.get('job')}, and {first.path} of "
                f"likewise {first.settings.get('job')}: remove those that do not belong to it."
            )
        for name in sorted({*first.settings, *part.settings} - {*OF_A_SHARD}):
            was, now = first.settings.get(name), part.settings.get(name)
            if was != now:
                raise PartsError(
                    f"{part.path} and {first.path} are of different jobs: {name.replace('_', ' ')} "
                    f"{now!r} and {was!r}. Make both in the same way."
                )
        if part.end != first.end:
            counts = [each.end["pictures"] for each in (part, first)]
            difference = (
                f"{counts[0]} and {counts[1]} pictures"
                if counts[0] != counts[1]
                else "their ids, labels or order differ"
            )
            raise PartsError(
                f"{part.path} and {first.path} are of different inputs: {difference}. Give every "
                "shard the same input."
            )


def _missing(shard: Shard, output: Path) -> str:
    path = shard.part(output)
    if journal_path(path).exists():
        return f"{path} is not complete: run its shard again with --shard {shard} --resume."
    return f"{path} is missing: run its shard with --shard {shard}, or bring the file here."


def _damaged(path: Path) -> PartsError:
    return PartsError(f"{path} is no whole part, or was altered: run its shard again.")
