"""Records to the pixels that the network takes, in threads that run ahead of it.

A chunk of records becomes one array. Pictures wait at their own size only for a moment, so a
folder of large photographs takes little more memory than one of small ones.

Small pictures are decoded in one thread at a time: nearly all of their work holds Python's lock,
and two threads that pass it to and fro take twice as long as one. Large pictures, and those on a
slow disk, are decoded side by side.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

import numpy as np

from embedder.data.records import Record
from embedder.data.splits import content_hash
from embedder.errors import ImageError
from embedder.model import Embedder
from likewise.arrays import Pixels

_turn = threading.Lock()

T = TypeVar("T")
R = TypeVar("R")

_PIECE = 64  # records decoded by one task
_THREADS = min(8, os.cpu_count() or 1)
_TRIED, _QUICK = 4, 0.001  # after so many pictures: seconds for each that still count as small
_WAITING_BYTES = 8 << 20  # pictures at their own size that are brought to the network's together


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """Some records and their pixels.

    Attributes:
        records: n records, in input order.
        images: `(m, *input_shape)`, uint8: those of the m records that can be read, in order.
        contents: Content hashes of those m pictures; empty unless asked for.
        reasons: Why a record cannot be read, by its position among the n.
    """

    records: list[Record]
    images: Pixels
    contents: list[bytes] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)

    @property
    def readable(self) -> list[Record]:
        """The m records that `images` and `contents` belong to."""
        return [record for place, record in enumerate(self.records) if place not in self.reasons]


def decode(records: Sequence[Record], embedder: Embedder, *, hashed: bool = False) -> Decoded:
    """Read the pictures of some records and bring them to the shape that the network takes.

    Args:
        records: At least one; a picture that cannot be read becomes a reason.
        embedder: Says how pictures are prepared.
        hashed: Whether to hash the pictures, as they were before they were prepared.

    Example:
        >>> blank = Record("blank", None, np.zeros((40, 30), np.uint8))
        >>> decode([blank], Embedder.load()).images.shape
        (1, 28, 28)
    """
    contents: list[bytes] = []
    reasons: dict[int, str] = {}
    parts: list[Pixels] = []
    waiting: list[Pixels] = []
    weight = 0
    with closing(_read(records)) as pictures:  # an error must not keep the turn
        for place, pixels in enumerate(pictures):
            if isinstance(pixels, ImageError):
                reasons[place] = str(pixels)
                continue
            if hashed:
                contents.append(content_hash(pixels))
            waiting.append(pixels)
            weight += pixels.nbytes
            if weight > _WAITING_BYTES:
                parts.append(embedder.prepare(waiting))
                waiting, weight = [], 0
    if waiting:
        parts.append(embedder.prepare(waiting))
    images = np.concatenate(parts) if len(parts) > 1 else [*parts, _none(embedder)][0]
    return Decoded(list(records), images, contents, reasons)


def _read(records: Sequence[Record]) -> Generator[Pixels | ImageError, None, None]:
    """Read pictures while no other thread does, until they prove to be slow ones."""
    with ExitStack() as turn:
        turn.enter_context(_turn)
        started = time.perf_counter()
        for count, record in enumerate(records, start=1):
            try:
                yield record.pixels()
            except ImageError as error:
                yield error
            if count == _TRIED and time.perf_counter() - started > _QUICK * count:
                turn.close()


def decode_stream(
    records: Iterable[Record],
    embedder: Embedder,
    *,
    size: int,
    seconds: float,
    hashed: bool = False,
) -> Generator[Decoded, None, None]:
    """Decode a stream of any length, a chunk ahead of the one that was yielded.

    Args:
        records: Drawn in the caller's thread.
        embedder: Says how pictures are prepared.
        size: Records in a chunk.
        seconds: How long a chunk may take to fill; slow pictures come in smaller chunks.
        hashed: As for `decode`.

    Example:
        >>> from embedder.data.sources import records
        >>> stream = decode_stream(records("mnist/test"), Embedder.load(), size=4000, seconds=60.0)
        >>> [len(chunk.records) for chunk in stream]
        [512, 1024, 2048, 4032, 2384]
    """

    def decoded(some: list[Record]) -> Decoded:
        return decode(some, embedder, hashed=hashed)

    piece = min(size, _PIECE)
    pieces = chunks(records, piece)
    with closing(ahead(decoded, pieces, threads=_THREADS, waiting=2 * size // piece)) as parts:
        yield from gathered(parts, size, seconds)


def gathered(parts: Iterable[Decoded], size: int, seconds: float) -> Iterator[Decoded]:
    """Put parts together until there are `size` records, or until `seconds` have gone by.

    So slow pictures come in small steps, fast ones in the large ones that a search is best at.
    The first steps are an eighth, a quarter and a half of `size`, so that whoever works on them
    need not wait long for the first.

    Args:
        parts: Decoded records, in order.
        size: No further part is waited for once so many records are there.
        seconds: Nor once the first of them has waited for so long.

    Example:
        >>> blank = Record("blank", None, np.zeros((28, 28), np.uint8))
        >>> parts = [decode([blank, blank], Embedder.load())] * 8
        >>> [len(some.records) for some in gathered(parts, size=8, seconds=60.0)]
        [2, 2, 4, 8]
    """
    waiting: list[Decoded] = []
    count, since, wanted = 0, time.monotonic(), size / 8
    for part in parts:
        if not waiting:
            since = time.monotonic()
        waiting.append(part)
        count += len(part.records)
        if count >= wanted or time.monotonic() - since >= seconds:
            yield _merged(waiting)
            waiting, count, wanted = [], 0, min(2 * wanted, size)
    if waiting:
        yield _merged(waiting)


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut a stream into lists of `size`, the last one shorter.

    Example:
        >>> list(chunks("abcde", 2))
        [['a', 'b'], ['c', 'd'], ['e']]
    """
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def ahead(
    function: Callable[[T], R], items: Iterable[T], *, threads: int, waiting: int
) -> Generator[R, None, None]:
    """Call a function on each item in threads; yield the results in the order of the items.

    Args:
        function: Called in a thread; what it raises is raised here, in its turn.
        items: Drawn in the caller's thread, never further ahead than `waiting`.
        threads: How many run side by side.
        waiting: Results that may be under way or lie ready beside the one just yielded.

    Example:
        >>> list(ahead(str.upper, "abc", threads=2, waiting=2))
        ['A', 'B', 'C']
    """
    futures: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads, "ahead") as pool:
        try:
            for item in items:
                futures.append(pool.submit(function, item))
                if len(futures) > waiting:
                    yield futures.popleft().result()
            while futures:
                yield futures.popleft().result()
        finally:
            for future in futures:
                future.cancel()


def _merged(parts: list[Decoded]) -> Decoded:
    records: list[Record] = []
    reasons: dict[int, str] = {}
    for part in parts:
        reasons |= {len(records) + place: reason for place, reason in part.reasons.items()}
        records += part.records
    contents = [content for part in parts for content in part.contents]
    images = parts[0].images if len(parts) == 1 else np.concatenate([p.images for p in parts])
    return Decoded(records, images, contents, reasons)


def _none(embedder: Embedder) -> Pixels:
    return np.empty((0, *embedder.input_shape), np.uint8)
