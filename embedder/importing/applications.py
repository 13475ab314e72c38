"""Fetch a network of keras.applications with its weights, and import it without its classifier."""

from __future__ import annotations

import tempfile
from pathlib import Path

import keras

from embedder.errors import ModelError
from embedder.importing.adopt import adopt
from embedder.importing.options import ImportOptions

_SIDE = 224  # pixels, as their weights were trained


def fetch(application: str, directory: Path) -> None:
    """Download a network and write it as a model.

    Args:
        application: Its name in `keras.applications`, of those whose download Keras checks by hash.
        directory: An empty directory to write to.

    Raises:
        ModelError: If its weights cannot be downloaded.
    """
    try:
        network = getattr(keras.applications, application)(
            input_shape=(_SIDE, _SIDE, 3), include_top=False, pooling="avg"
        )
    except Exception as error:  # Keras raises it bare where a download fails, or has another hash
        raise ModelError(
            f"The weights of {application} could not be downloaded: {error}. Run this once with "
            "access to the internet, or use the photos model."
        ) from error
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{application}.keras"
        network.save(file)
        made = adopt(file, Path(folder) / "model", ImportOptions(pixels="0..255"))
        for part in made.path.iterdir():
            part.rename(directory / part.name)
