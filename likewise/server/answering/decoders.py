"""Prepare pictures for the network, outside the event loop and the embedding thread.

Files that are cheap by their header are decoded by a thread of this process, all others by a
decoder process. Requests take turns: a large one lets others go first after each fifth of a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import numpy as np

from embedder.data.content import content_hash
from embedder.data.formats import format_of, is_common
from embedder.data.headers import bounded_pixels
from embedder.data.images import read_image
from embedder.decoders.pool import DecoderPool
from embedder.decoders.task import Result, Task
from embedder.errors import ImageError
from embedder.model import Embedder
from embedder.preprocessing.prepare import are_ready
from likewise import parallel
from likewise.arrays import Pixels
from likewise.server.answering.pictures import Cropped
from likewise.server.formats import refuse

Source = bytes | Cropped | Pixels

_CHEAP_FILE = 32 << 10  # bytes
_TURN = 0.2  # seconds after which a request lets others go first
_FEWEST, _MOST = 2, 4  # processes


class Decoders:
    """A small pool of decoder processes, used from the event loop.

    Args:
        embedder: Prepares pictures for its network.
        max_pixels: Largest picture, width times height.
        seconds: Processor time per picture, in seconds.
    """

    def __init__(self, embedder: Embedder, max_pixels: int, seconds: float) -> None:
        self._embedder = embedder
        self._shape, self._preprocessing = embedder.input_shape, embedder.preprocessing
        self._max_pixels = max_pixels
        size = max(_FEWEST, min(_MOST, parallel.count()))
        self._pool = DecoderPool(size, seconds, polite=True)
        self._threads = ThreadPoolExecutor(size, "decoder")  # each waits for a process

    async def prepare(
        self, sources: Sequence[Source], *, hashed: bool = False
    ) -> list[Result | ImageError]:
        """Decode pictures and bring them to the shape that the network takes.

        Cancelling gives up the rest; a picture that is being decoded keeps its process until it is
        done, or has taken too long.

        Args:
            sources: n files, parts of files, or uint8 pixels.
            hashed: Whether to hash the pictures, before they are prepared.

        Returns:
            For each its result, or the error of an unreadable picture.
        """
        results: list[Result | ImageError] = []
        given_up = Event()
        loop = asyncio.get_running_loop()
        try:
            while len(results) < len(sources):
                batch = sources[len(results) : len(results) + 64]
                results += await loop.run_in_executor(
                    self._threads, self._turn, batch, hashed, given_up
                )
        finally:
            given_up.set()
        return results

    def close(self) -> None:
        """End the processes, even in the middle of a picture."""
        self._pool.close()
        self._threads.shutdown(cancel_futures=True)

    # ------------------------------------------------------------ in a thread

    def _turn(
        self, sources: Sequence[Source], hashed: bool, given_up: Event
    ) -> list[Result | ImageError]:
        """Decode the first of these pictures, and others while there is time."""
        ends = time.monotonic() + _TURN
        results: list[Result | ImageError] = []
        for source in sources:
            if given_up.is_set() or (results and time.monotonic() > ends):
                break
            try:
                results.append(self._decoded(source, hashed))
            except ImageError as error:
                results.append(error.bare())
        return results

    def _decoded(self, source: Source, hashed: bool) -> Result:
        task = Task(self._max_pixels, self._preprocessing, self._shape, hashed)
        if isinstance(source, Cropped):
            refuse(source.content)
            box = source.box
            task = replace(task, box=(box.x, box.y, box.w, box.h))
            return self._pool.decode(task, source.content)
        if isinstance(source, bytes):
            refuse(source)
            if is_cheap(source, self._shape):
                pixels = read_image(source, max_pixels=self._max_pixels)
                if all(are_ready([pixels], self._preprocessing, self._shape)):
                    [prepared] = self._embedder.prepare([pixels])
                    return Result(prepared, content_hash(pixels) if hashed else b"")
        return self._pool.decode(task, source)


def is_cheap(content: bytes, shape: tuple[int, ...]) -> bool:
    """Whether a file costs no more than a picture of the network's own shape.

    Args:
        content: The file.
        shape: What the network takes.
    """
    name = format_of(content)
    if name is None or len(content) > _CHEAP_FILE or not is_common(name):
        return False
    pixels = bounded_pixels(name, content)
    return pixels is not None and pixels <= shape[0] * shape[1]


def unready(
    images: Sequence[object] | np.ndarray, preprocessing: str, shape: tuple[int, ...]
) -> list[int]:
    """The places of the pictures that cost more than one of the network's own shape.

    Args:
        images: Files, parts of files, uint8 pixels, and others, which cost nothing.
        preprocessing: The model's.
        shape: What its network takes.
    """
    if isinstance(images, np.ndarray):
        ready = are_ready(images, preprocessing, shape)
        return [place for place, is_ready in enumerate(ready) if not is_ready]
    return [
        place
        for place, image in enumerate(images)
        if isinstance(image, Cropped) or (isinstance(image, bytes) and not is_cheap(image, shape))
    ]
