"""Floors: the bare libraries at their fastest, which every figure is compared with.

Nothing is checked or stored here: it is the least work that gives the same vectors and neighbours.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from bench.measure import seconds
from likewise import parallel
from likewise.arrays import Floats, Pixels

CORES = parallel.count()
BATCHES = (16, 32, 64, 128, 256)
TRIAL = 6_144  # images for choosing a layout


class BareLiteRT:
    """LiteRT on one file: `workers` interpreters of `threads` threads, fixed batches.

    Args:
        network: Path of the .tflite file.
        batch: Images per call.
        workers: Interpreters side by side, each in a thread of its own.
        threads: Threads inside each interpreter.
    """

    def __init__(self, network: Path, batch: int, workers: int, threads: int) -> None:
        self.layout = f"batch {batch}, {workers} x {threads} threads"
        self.batch = batch
        self.interpreters = [
            Interpreter(model_path=str(network), num_threads=threads) for _ in range(workers)
        ]
        for interpreter in self.interpreters:
            shape = interpreter.get_input_details()[0]["shape"]
            interpreter.resize_tensor_input(self._input(interpreter), [batch, *shape[1:]])
            interpreter.allocate_tensors()
        self.dim = int(self.interpreters[0].get_output_details()[0]["shape"][-1])
        self.pool = ThreadPoolExecutor(workers)

    def __call__(self, images: Pixels) -> Floats:
        """Embed images; a remainder that fills no batch is padded."""
        vectors = np.empty((len(images), self.dim), np.float32)
        workers = len(self.interpreters)
        if workers == 1:
            self._part(self.interpreters[0], images, vectors, 0, 1)
        else:
            jobs = [
                self.pool.submit(self._part, interpreter, images, vectors, part, workers)
                for part, interpreter in enumerate(self.interpreters)
            ]
            for job in jobs:
                job.result()
        return vectors

    def _part(
        self, interpreter: Any, images: Pixels, vectors: Floats, part: int, parts: int
    ) -> None:
        source, target = self._input(interpreter), self._output(interpreter)
        for start in range(part * self.batch, len(images), parts * self.batch):
            batch = images[start : start + self.batch]
            if len(batch) < self.batch:
                batch = np.resize(batch, (self.batch, *batch.shape[1:]))
            interpreter.set_tensor(source, batch)
            interpreter.invoke()
            rows = vectors[start : start + self.batch]
            rows[:] = interpreter.get_tensor(target)[: len(rows)]

    @staticmethod
    def _input(interpreter: Any) -> int:
        return int(interpreter.get_input_details()[0]["index"])

    @staticmethod
    def _output(interpreter: Any) -> int:
        return int(interpreter.get_output_details()[0]["index"])


def best_litert(network: Path, images: Pixels) -> BareLiteRT:
    """The fastest layout on this machine: every batch size, threads inside and outside."""
    layouts = [
        BareLiteRT(network, batch, workers, CORES // workers)
        for batch in BATCHES
        for workers in sorted({1, CORES})
    ]
    return fastest(layouts, images[:TRIAL])


def best_litert_for_one(network: Path, image: Pixels) -> BareLiteRT:
    """The fastest number of threads for one image alone, shape `(1, *input_shape)`."""
    layouts = [BareLiteRT(network, 1, 1, threads) for threads in range(1, CORES + 1)]
    return fastest(layouts, image, rounds=200)


def fastest(layouts: Sequence[BareLiteRT], images: Pixels, rounds: int = 5) -> BareLiteRT:
    """The candidate with the least time over several alternating rounds."""
    for layout in layouts:
        layout(images)
    times = [[seconds(partial(layout, images)) for layout in layouts] for _ in range(rounds)]
    return layouts[int(np.argmin(np.min(times, axis=0)))]


def flat_index(vectors: Floats) -> Any:
    """FAISS's exact index with these vectors added."""
    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    return index


def write_and_sync(path: Path, size: int) -> None:
    """Write this many bytes to a file and wait until they are on the disk."""
    with path.open("wb") as file:
        file.write(b"\xa5" * size)
        file.flush()
        os.fsync(file.fileno())


def decode(paths: Sequence[Path]) -> Pixels:
    """Pillow alone, one file after the other, in one thread; all pictures of one size."""
    return np.stack([np.asarray(Image.open(path)) for path in paths])


def over_the_cores(work: Callable[[], Any]) -> float:
    """Seconds of work in one thread, divided by the number of cores, as if shared perfectly."""
    return seconds(work) / CORES
