"""A saved model, opened for use: pictures in, embeddings out. Never imports TensorFlow.

A model is a directory:

    model.json      format number, shapes, preprocessing, recipe, seed, data, figures, fingerprint
    model.tflite    the base network for LiteRT: every use but training
    base.keras      the base network for Keras: to train on

`model.json` names the SHA-256 of both files and carries one of its own, so that an altered model
is refused instead of answering differently.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from embedder.errors import ModelError
from embedder.preprocessing.prepare import prepare
from likewise import parallel
from likewise.arrays import Floats, Pixels

FORMAT = 1
SHIPPED = Path(__file__).parent / "pretrained"
BATCH = 64  # measured: larger batches fall out of the cache, smaller ones pay per call
_LEAST = 16  # pictures that are worth a thread of their own


class Embedder:
    """A trained base network, run by LiteRT.

    Safe to share between threads. The same picture gives the same embedding, to the bit, alone
    or in a batch of any size.

    Attributes:
        path: The model's directory.
        metadata: The contents of `model.json`.
        input_shape: Shape of one picture, `(h, w)` or `(h, w, 3)`.
        dim: Length of an embedding.
        preprocessing: What `prepare` does: a name in `preprocessing.prepare.PREPROCESSINGS`.
        fingerprint: 12 hex digits that follow from network, shape and preprocessing.
        operating_points: Thresholds measured with the model, by name.

    Example:
        >>> embedder = Embedder.load()
        >>> embedder.embed(np.zeros((3, 28, 28), dtype=np.uint8)).shape
        (3, 64)
    """

    def __init__(self, path: Path, metadata: dict[str, Any], network: bytes, threads: int) -> None:
        self.path = path
        self.metadata = metadata
        self.input_shape: tuple[int, ...] = tuple(metadata["input_shape"])
        self.dim: int = metadata["dim"]
        self.preprocessing: str = metadata["preprocessing"]
        self.fingerprint: str = metadata["fingerprint"]
        self.operating_points: dict[str, dict[str, Any]] = metadata["operating_points"]
        self._network = network
        self._threads = threads
        self._idle: list[_Interpreter] = []
        self._lock = threading.Lock()

    @classmethod
    def load(
        cls, path: str | os.PathLike[str] | None = None, *, threads: int | None = None
    ) -> Embedder:
        """Open a saved model.

        Args:
            path: The model's directory; the digits model that comes with likewise when None.
            threads: Batches embedded side by side; one for each core when None.

        Raises:
            ModelError: If there is no model, or its files are not those that were saved.
        """
        directory = SHIPPED if path is None else Path(path)
        metadata = read_metadata(directory)
        network = _read(directory / "model.tflite")
        verify_file("model.tflite", network, metadata, directory)
        return cls(directory, metadata, network, threads or parallel.count())

    def prepare(self, images: Sequence[npt.NDArray[Any]] | npt.NDArray[Any]) -> Pixels:
        """Bring pictures of any size, grey or RGB, to the shape that the network takes.

        Returns:
            Pixels, shape `(n, *input_shape)`, uint8, by the model's own preprocessing.
        """
        return prepare(images, self.preprocessing, self.input_shape)

    def embed(self, images: Pixels) -> Floats:
        """Embed pictures of the network's own shape (see `prepare` for all others).

        Args:
            images: Pixels, shape `(n, *input_shape)`, uint8; `n` may be 0. Left unchanged.

        Returns:
            Floats, shape `(n, dim)`, float32.

        Raises:
            ValueError: If `images` has another shape or dtype.
        """
        images = np.asarray(images)
        if images.shape[1:] != self.input_shape or images.dtype != np.uint8:
            raise ValueError(
                f"`images` must be uint8 of shape (n, {', '.join(map(str, self.input_shape))}) "
                f"for this model. Received: {images.dtype} of shape {images.shape}. "
                "Bring other pictures to that shape with `prepare`."
            )
        embeddings = np.empty((len(images), self.dim), dtype=np.float32)
        size = min(BATCH, max(_LEAST, -(-len(images) // self._threads)))  # rounded up
        batches = [slice(start, start + size) for start in range(0, len(images), size)]

        def run(rows: slice) -> None:
            interpreter = self._borrow()
            interpreter.run(images[rows], embeddings[rows])
            with self._lock:
                self._idle.append(interpreter)

        parallel.side_by_side(run, batches, threads=self._threads)
        return embeddings

    def _borrow(self) -> _Interpreter:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return _Interpreter(self._network)


class _Interpreter:
    """One LiteRT interpreter; it may serve one thread at a time."""

    def __init__(self, network: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        with _stderr_closed():  # LiteRT tells there, once, that it uses the processor
            self._interpreter = Interpreter(model_content=network, num_threads=1)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self._rows = 0

    def run(self, images: Pixels, embeddings: Floats) -> None:
        """Embed up to a batch of pictures into `embeddings`, of as many rows."""
        if len(images) != self._rows:
            self._interpreter.resize_tensor_input(self._input, images.shape)
            self._interpreter.allocate_tensors()
            self._rows = len(images)
        self._interpreter.set_tensor(self._input, images)
        self._interpreter.invoke()
        embeddings[:] = self._interpreter.get_tensor(self._output)


_one_at_a_time = threading.Lock()


@contextmanager
def _stderr_closed() -> Iterator[None]:
    """Throw away what native code writes to stderr; it has no other way to be silenced."""
    with _one_at_a_time, open(os.devnull, "w") as nowhere:
        kept = os.dup(2)
        try:
            os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def read_metadata(directory: Path) -> dict[str, Any]:
    """Read and check `model.json`.

    Raises:
        ModelError: If it is missing, damaged, altered or of a later format.
    """
    raw = _read(directory / "model.json")
    try:
        metadata = json.loads(raw)
        stated = metadata.pop("checksum")
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise ModelError(
            f"{directory / 'model.json'} is not the description of a model. "
            "Give a directory that `likewise train --out` wrote."
        ) from error
    if metadata.get("format") != FORMAT:
        raise ModelError(
            f"Model {str(directory)!r} has format {metadata.get('format')}, this likewise reads "
            f"format {FORMAT}. Use the version of likewise that wrote it, or train it again."
        )
    if stated != checksum(metadata):
        raise _altered(directory, "model.json")
    return dict(metadata)


def fingerprint(network: bytes, input_shape: Sequence[int], preprocessing: str) -> str:
    """Name a network and how pictures reach it: 12 hex digits, equal for equal trainings.

    Args:
        network: Contents of `model.tflite`.
        input_shape: Shape of one picture.
        preprocessing: A name of `embedder.preprocessing.prepare.PREPROCESSINGS`.
    """
    parts = [hashlib.sha256(network).hexdigest(), list(input_shape), preprocessing]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def checksum(metadata: dict[str, Any]) -> str:
    """SHA-256 of `model.json`'s contents without its own `checksum`, in hex."""
    return hashlib.sha256(json.dumps(metadata, sort_keys=True).encode()).hexdigest()


def write_metadata(directory: Path, metadata: Mapping[str, Any]) -> None:
    """Write `model.json` with its checksum, whole or not at all."""
    plain = json.loads(json.dumps({k: v for k, v in metadata.items() if k != "checksum"}))
    text = json.dumps({**plain, "checksum": checksum(plain)}, indent=2) + "\n"
    part = directory / "model.json.part"
    part.write_text(text)
    os.replace(part, directory / "model.json")


def verify_file(name: str, content: bytes, metadata: dict[str, Any], directory: Path) -> None:
    """Raise `ModelError` unless `content` is what `model.json` says of the file `name`."""
    if hashlib.sha256(content).hexdigest() != metadata["files"][name]:
        raise _altered(directory, name)


def _altered(directory: Path, name: str) -> ModelError:
    return ModelError(
        f"{name} of model {str(directory)!r} is not the file that was saved: it was altered or "
        "damaged. Restore it from a copy, or train the model again."
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"There is no model at {str(path.parent)!r}: {path.name} could not be read "
            f"({error.strerror}). Give a directory that `likewise train --out` wrote."
        ) from error
