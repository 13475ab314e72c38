"""Decode records to network-ready pixels, in threads that run ahead.

A chunk of records becomes one array. Pictures keep their own size only for a moment, so a folder of
large photographs takes little more memory than one of small ones.

Small pictures are decoded by one thread at a time, and digits prepared: nearly all of their work
holds Python's lock, and two threads that contend for it take twice as long as one. Large pictures,
and those on a slow disk, are decoded in parallel.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from itertools import compress, islice
from typing import TypeVar

import numpy as np

from embedder.data.cloud import fetched
from embedder.data.content import content_hash
from embedder.data.records import Record
from embedder.errors import ImageError
from embedder.model import Embedder
from embedder.preprocessing.flat import remarks_on_flat
from embedder.preprocessing.prepare import holds_lock, refusal
from likewise import parallel
from likewise.arrays import Bools, Floats, Pixels
from likewise.embedding import NOT_FINITE, embed

T = TypeVar("T")

_PART = 64  # records decoded by one task
_THREADS = min(8, parallel.count())
_PROBE, _SMALL = 4, 0.001  # pictures that are timed, and seconds up to which each is small
_MAX_WAITING = 8 << 20  # bytes of pictures at their own size that are prepared together

_small_pictures = threading.Lock()  # held while small pictures are decoded


def _free_small_pictures() -> None:
    """Threads do not survive a fork, and one that held the lock would never release it."""
    global _small_pictures
    _small_pictures = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_small_pictures)


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """Decoded records.

    Attributes:
        records: n records, in input order.
        images: `(m, *input_shape)`, uint8: pixels of the m readable records, in order.
        contents: Content hashes of those m pictures; empty unless asked for.
        reasons: Why a record cannot be read, by its position among the n.
        remarks: On pictures that are nearly one grey value, by their positions among the n.
    """

    records: list[Record]
    images: Pixels
    contents: list[bytes] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    remarks: dict[int, str] = field(default_factory=dict)

    @property
    def readable(self) -> list[Record]:
        """The m records that `images` and `contents` belong to."""
        return [record for place, record in enumerate(self.records) if place not in self.reasons]

    def embedded(self, embedder: Embedder) -> tuple[Decoded, Floats]:
        """Embed the pictures, `(m, dim)`; one that has no embedding cannot be read."""
        vectors, has_vector = embed(embedder, self.images)
        return (self, vectors) if has_vector.all() else (self.only(has_vector), vectors[has_vector])

    def only(self, has_vector: Bools) -> Decoded:
        """Keep those of the m pictures that have an embedding, `(m,)`."""
        places = [place for place in range(len(self.records)) if place not in self.reasons]
        rows = zip(places, has_vector.tolist(), strict=True)
        lost = {place: NOT_FINITE for place, is_kept in rows if not is_kept}
        return replace(
            self,
            images=self.images[has_vector],
            contents=list(compress(self.contents, has_vector.tolist())),
            reasons=self.reasons | lost,
            remarks={at: remark for at, remark in self.remarks.items() if at not in lost},
        )


def decode(
    records: Sequence[Record],
    embedder: Embedder,
    *,
    hashed: bool = False,
    stopped: threading.Event | None = None,
) -> Decoded:
    """Read the pictures of records and bring them to the shape that the network takes.

    Args:
        records: At least one; a picture that cannot be read becomes a reason.
        embedder: Prepares the pictures.
        hashed: Whether to hash the pictures, before they are prepared.
        stopped: Once it is set, no further picture is read.

    Raises:
        CancelledError: If it was stopped.

    Example:
        >>> blank = Record("blank", None, np.zeros((40, 30), np.uint8))
        >>> decode([blank], Embedder.load()).images.shape
        (1, 28, 28)
    """
    contents: list[bytes] = []
    reasons: dict[int, str] = {}
    prepared = _Prepared(embedder)
    with ExitStack() as turn:
        turn.enter_context(_small_pictures)
        for place, pixels in enumerate(_read(records, turn)):
            if stopped is not None and stopped.is_set():
                raise CancelledError
            if isinstance(pixels, ImageError):
                reasons[place] = str(pixels)
                continue
            if reason := refusal(pixels, embedder.preprocessing, embedder.input_shape):
                reasons[place] = reason
                continue
            if hashed:
                contents.append(content_hash(pixels))
            prepared.add(pixels)
        if not holds_lock(embedder.preprocessing):
            turn.close()
        images = prepared.images()
    return Decoded(list(records), images, contents, reasons, _remarks(images, reasons))


def _remarks(images: Pixels, reasons: Collection[int]) -> dict[int, str]:
    flat = remarks_on_flat(images)
    if not flat:
        return {}
    places = [place for place in range(len(images) + len(reasons)) if place not in reasons]
    return {places[row]: remark for row, remark in flat.items()}


class _Prepared:
    """Collects network-ready pixels; pictures wait at their own size until they are many bytes."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._parts: list[Pixels] = []
        self._waiting: list[Pixels] = []
        self._waiting_bytes = 0

    def add(self, pixels: Pixels) -> None:
        self._waiting.append(pixels)
        self._waiting_bytes += pixels.nbytes
        if self._waiting_bytes > _MAX_WAITING:
            self._prepare()

    def images(self) -> Pixels:
        if self._waiting:
            self._prepare()
        if not self._parts:
            return np.empty((0, *self._embedder.input_shape), np.uint8)
        return np.concatenate(self._parts) if len(self._parts) > 1 else self._parts[0]

    def _prepare(self) -> None:
        self._parts.append(self._embedder.prepare(self._waiting))
        self._waiting, self._waiting_bytes = [], 0


def _read(records: Sequence[Record], turn: ExitStack) -> Iterator[Pixels | ImageError]:
    """Read pictures; end this thread's turn if they prove to be slow."""
    started = time.perf_counter()
    for count, record in enumerate(fetched(records), start=1):
        try:
            yield record.pixels()
        except ImageError as error:
            yield error
        if count == _PROBE and time.perf_counter() - started > _SMALL * count:
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
        embedder: Prepares the pictures.
        size: Records in a chunk.
        seconds: How long a chunk may take to fill; slow pictures come in smaller chunks.
        hashed: As for `decode`.

    Example:
        >>> from embedder.data.sources import records
        >>> stream = decode_stream(records("mnist/test"), Embedder.load(), size=4000, seconds=60.0)
        >>> [len(chunk.records) for chunk in stream]
        [512, 1024, 2048, 4032, 2384]
    """
    stopped = threading.Event()  # or an interrupt would wait for the slow pictures of whole parts

    def decoded(part: list[Record]) -> Decoded:
        return decode(part, embedder, hashed=hashed, stopped=stopped)

    part_size = min(size, _PART)
    waiting = 2 * size // part_size
    ahead = parallel.ahead(
        decoded, chunks(records, part_size), threads=_THREADS, waiting=waiting, stopped=stopped
    )
    with closing(ahead) as parts:
        yield from gathered(parts, size, seconds)


def gathered(parts: Iterable[Decoded], size: int, seconds: float) -> Iterator[Decoded]:
    """Merge parts into chunks of `size` records, or of fewer where parts come slowly.

    The first chunks are an eighth, a quarter and a half of `size`, so that the consumer starts
    early; the later ones have the size that a search is fastest at.

    Args:
        parts: Decoded records, in order.
        size: A chunk is complete once it has this many records.
        seconds: It is also complete once its first part has waited for this long.

    Example:
        >>> blank = Record("blank", None, np.zeros((28, 28), np.uint8))
        >>> parts = [decode([blank, blank], Embedder.load())] * 8
        >>> [len(chunk.records) for chunk in gathered(parts, size=8, seconds=60.0)]
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
    """Cut a stream into lists.

    Args:
        items: The stream.
        size: Items in a list, 1 or more; the last one may be shorter.

    Example:
        >>> list(chunks("abcde", 2))
        [['a', 'b'], ['c', 'd'], ['e']]
    """
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _merged(parts: list[Decoded]) -> Decoded:
    if len(parts) == 1:
        return parts[0]
    records: list[Record] = []
    reasons: dict[int, str] = {}
    remarks: dict[int, str] = {}
    for part in parts:
        reasons |= {len(records) + place: reason for place, reason in part.reasons.items()}
        remarks |= {len(records) + place: remark for place, remark in part.remarks.items()}
        records += part.records
    contents = [content for part in parts for content in part.contents]
    images = np.concatenate([part.images for part in parts])
    return Decoded(records, images, contents, reasons, remarks)
