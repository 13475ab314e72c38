"""The embedder: a saved model in use, from pictures to embeddings. Never imports TensorFlow.

A model is a directory:

    model.json      the manifest: format, shapes, preprocessing, recipe, seed, figures, fingerprint
    model.tflite    the base network for LiteRT: for every use but training
    base.keras      the base network for Keras: to train it further; not with every imported model
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from embedder.manifest import read_file, read_manifest
from embedder.preprocessing.prepare import prepare
from embedder.runtime.litert import LiteRT
from likewise.arrays import Floats, Pixels

SHIPPED = Path(__file__).parent / "pretrained"
DIGITS, PHOTOS = "digits", "photos"  # models that have a name


class Embedder:
    """A trained base network with its preprocessing.

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

    def __init__(
        self, path: Path, metadata: dict[str, Any], network: bytes, threads: int | None
    ) -> None:
        self.path = path
        self.metadata = metadata
        self.input_shape: tuple[int, ...] = tuple(metadata["input_shape"])
        self.dim: int = metadata["dim"]
        self.preprocessing: str = metadata["preprocessing"]
        self.fingerprint: str = metadata["fingerprint"]
        self.operating_points: dict[str, dict[str, Any]] = metadata["operating_points"]
        self._runtime = LiteRT(network, self.dim, threads, metadata.get("ends"))

    @classmethod
    def load(
        cls, path: str | os.PathLike[str] | None = None, *, threads: int | None = None
    ) -> Embedder:
        """Open a saved model, trained or imported.

        Args:
            path: The model's directory, or a name: `digits`, the model that comes with likewise,
                or `photos`, for which the extra `photos` is needed; `digits` when None. A model
                that lies in a directory of that name comes first.
            threads: Batches embedded side by side; one per core when None.

        Raises:
            ModelError: If there is no model, or its files are not those that were saved.
        """
        directory = SHIPPED if path is None else _directory(path)
        manifest = read_manifest(directory)
        network = read_file(directory, "model.tflite", manifest)
        return cls(directory, manifest, network, threads)

    def prepare(self, images: Sequence[npt.NDArray[Any]] | npt.NDArray[Any]) -> Pixels:
        """Fit pictures of any size, grey or RGB, to the network's input shape.

        Returns:
            Pixels, shape `(n, *input_shape)`, uint8, by the model's own preprocessing.

        Raises:
            PreparationError: If the model is of version 0.1.0 and a picture is not ready for it.
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
        return self._runtime.run(images)


def _directory(path: str | os.PathLike[str]) -> Path:
    """The directory of a model that a user names."""
    directory, name = Path(path), os.fspath(path)
    if name not in (DIGITS, PHOTOS) or (directory / "model.json").exists():
        return directory
    if name == DIGITS:
        return SHIPPED
    from embedder.photos.model import photos_directory

    return photos_directory()
