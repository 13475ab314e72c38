"""Read a Keras file, `.keras` or `.h5`: its configuration, and where its weights lie.

Nothing is built, imported or run. Both generations write `.keras` as a zip of `config.json` and
`model.weights.h5`; `.h5` holds the configuration as an attribute and the weights by layer.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedder.errors import ModelError
from embedder.importing.keras_files.hdf5 import opened_hdf5

_LARGEST_CONFIG = 64 << 20  # bytes
_LARGEST_WEIGHTS = 2 << 30
_ZIP_WEIGHTS = "model.weights.h5"


@dataclass(frozen=True)
class KerasFile:
    """A Keras file, open for reading.

    Attributes:
        name: The file's name, for messages.
        config: The model's configuration: `class_name`, `config`, perhaps more.
        version: Keras's, as the file says, such as `3.12.0`.
        weights: An open `h5py.File`, or its group `model_weights`.
        by_name: Whether weights lie by the layers' names (`.h5`) or by class and order (`.keras`).
    """

    name: str
    config: dict[str, Any]
    version: str
    weights: Any
    by_name: bool


@contextmanager
def opened_keras(path: Path) -> Iterator[KerasFile]:
    """Open a Keras file.

    Raises:
        ModelError: If it is damaged, is no saved model, or points out of itself.
    """
    with path.open("rb") as file:
        if zipfile.is_zipfile(file):
            file.seek(0)
            with zipfile.ZipFile(file) as archive, _from_zip(archive, path.name) as opened:
                yield opened
        else:
            file.seek(0)
            with opened_hdf5(file, path.name) as opened:
                yield _from_hdf5(opened, path.name)


@contextmanager
def _from_zip(archive: zipfile.ZipFile, name: str) -> Iterator[KerasFile]:
    config = _parsed(_member(archive, "config.json", _LARGEST_CONFIG, name), name)
    metadata = _parsed(_member(archive, "metadata.json", _LARGEST_CONFIG, name), name)
    weights = _member(archive, _ZIP_WEIGHTS, _LARGEST_WEIGHTS, name)
    version = str(metadata.get("keras_version", ""))
    with opened_hdf5(io.BytesIO(weights), name) as opened:
        yield KerasFile(name, config, version, opened, by_name=False)


def _from_hdf5(opened: Any, name: str) -> KerasFile:
    config, weights = opened.attrs.get("model_config"), opened.get("model_weights")
    if config is None or weights is None:
        raise ModelError(
            f"{name} holds weights alone, without the layers they belong to. Save the whole model "
            "with `model.save('model.keras')` and import that."
        )
    text = config.decode() if isinstance(config, bytes) else str(config)
    version = opened.attrs.get("keras_version", "")
    version = version.decode() if isinstance(version, bytes) else str(version)
    return KerasFile(name, _parsed(text, name), version, weights, by_name=True)


def _member(archive: zipfile.ZipFile, member: str, most: int, name: str) -> bytes:
    """Read one file of the zip, up to `most` bytes whatever its header says."""
    try:
        with archive.open(member) as packed:
            content = packed.read(most + 1)
    except (KeyError, OSError, RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{name} lacks a readable {member}: it is damaged, or was not written by Keras. "
            "Save the model again with `model.save('model.keras')`."
        ) from error
    if len(content) > most:
        raise ModelError(
            f"{member} in {name} unpacks to more than {most >> 20} MiB: it was not read further. "
            "Get the model from a source that you trust."
        )
    return content


def _parsed(text: str | bytes, name: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(
            f"The configuration in {name} is not JSON: the file is damaged. "
            "Save the model again with `model.save('model.keras')`."
        ) from error
    if not isinstance(parsed, dict):
        raise ModelError(
            f"The configuration in {name} is not that of a model. "
            "Save the model again with `model.save('model.keras')`."
        )
    return parsed
