"""Run a `.tflite` network with LiteRT, in batches, on several threads."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from likewise import parallel
from likewise.arrays import Floats, Pixels

if TYPE_CHECKING:
    from embedder.runtime.ends import Ends

BATCH = 64  # measured: larger batches exceed the cache, smaller ones have overhead per call
_VALUES = 1 << 18  # in a batch: 64 photographs would take half a gigabyte; one by one is fastest
_WORTH = 4  # parts of a batch, each of which is worth a thread


class LiteRT:
    """A network ready to run; threads may share it.

    The same picture gives the same embedding, to the bit, alone or in a batch of any size.

    Args:
        network: Contents of a `.tflite` file.
        dim: Length of an embedding.
        threads: Batches that run side by side, 1 or more; one per core when None.
        ends: What stands between pixels, network and embedding, as `Ends.to_json` writes it; None
            or empty where the network takes pixels and gives embeddings.
    """

    def __init__(
        self,
        network: bytes,
        dim: int,
        threads: int | None,
        ends: Mapping[str, Any] | None = None,
    ) -> None:
        self._network = network
        self._dim = dim
        self._threads = threads
        self._ends = _ends(ends) if ends else None
        self._idle: list[_Interpreter] = []
        self._lock = threading.Lock()

    def run(self, pixels: Pixels) -> Floats:
        """Embed pictures, `(n, *input_shape)` uint8, as float32 `(n, dim)`; `n` may be 0."""
        embeddings = np.empty((len(pixels), self._dim), dtype=np.float32)
        largest = min(BATCH, max(1, _VALUES // math.prod(pixels.shape[1:])))
        least = max(1, largest // _WORTH)
        if len(pixels) <= least:
            self._run_batch(pixels, embeddings)
            return embeddings
        threads = self._threads or parallel.count()
        size = min(largest, max(least, -(-len(pixels) // threads)))  # rounded up
        batches = [slice(start, start + size) for start in range(0, len(pixels), size)]

        def run(rows: slice) -> None:
            self._run_batch(pixels[rows], embeddings[rows])

        parallel.map_items(run, batches, threads=threads)
        return embeddings

    def _run_batch(self, pixels: Pixels, embeddings: Floats) -> None:
        if len(pixels):
            interpreter = self._borrow()
            if self._ends is None:
                embeddings[:] = interpreter.run(pixels)
            else:
                _run_between(self._ends, interpreter, pixels, embeddings)
            with self._lock:
                self._idle.append(interpreter)

    def _borrow(self) -> _Interpreter:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return _Interpreter(self._network, self._ends.output if self._ends else 0)


def _ends(stored: Mapping[str, Any]) -> Ends:
    from embedder.runtime.ends import Ends

    return Ends.from_json(stored)


def _run_between(ends: Ends, interpreter: _Interpreter, pixels: Pixels, embeddings: Floats) -> None:
    """Embed pictures by a network that has ends, as many at a time as it takes."""
    size = ends.batch or len(pixels)
    for start in range(0, len(pixels), size):
        rows = slice(start, start + size)
        batch = pixels[rows]
        embeddings[rows] = ends.decode(interpreter.run(ends.encode(batch)), len(batch))


class _Interpreter:
    """One LiteRT interpreter, for one thread at a time."""

    def __init__(self, network: bytes, output: int) -> None:
        self._interpreter = interpreter_of(network)
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[output]["index"]
        self._rows = 0

    def run(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Run the network on `(n, …)` values of its own type; the output is a copy."""
        if len(values) != self._rows:
            self._interpreter.resize_tensor_input(self._input, values.shape)
            self._interpreter.allocate_tensors()
            self._rows = len(values)
        self._interpreter.set_tensor(self._input, values)
        self._interpreter.invoke()
        output: npt.NDArray[Any] = self._interpreter.get_tensor(self._output)
        return output


def interpreter_of(network: bytes) -> Any:
    """Make LiteRT's own interpreter of a `.tflite` file's contents, ready to run.

    Raises:
        ValueError: If it is not a network, or needs operations that are not LiteRT's own.
        RuntimeError: The same.
    """
    from ai_edge_litert.interpreter import Interpreter

    with _silent_stderr():  # LiteRT prints there once that it uses the CPU
        interpreter = Interpreter(model_content=network, num_threads=1)
        interpreter.allocate_tensors()
    return interpreter


_stderr_lock = threading.Lock()


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Discard native code's output on stderr, for which LiteRT has no option."""
    with _stderr_lock, open(os.devnull, "w") as nowhere:
        saved = os.dup(2)
        try:
            os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
