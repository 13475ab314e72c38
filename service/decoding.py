"""Records to the pixels that the network takes, in threads that run ahead of it.

A chunk of records becomes one array. Pictures wait at their own size only for a moment, so a
folder of large photographs takes little more memory than one of small ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from embedder.errors import ImageError
from embedder.model import Embedder
from embedder.records import Record
from embedder.splits import content_hash

Pixels = npt.NDArray[np.uint8]
T = TypeVar("T")
R = TypeVar("R")

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
    for place, record in enumerate(records):
        try:
            pixels = record.pixels()
        except ImageError as error:
            reasons[place] = str(error)
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


def _none(embedder: Embedder) -> Pixels:
    return np.empty((0, *embedder.input_shape), np.uint8)
