"""The manifest of a saved model, `model.json`: reading, checking, writing, fingerprinting.

It names the SHA-256 of the model's other files and carries one of its own, so an altered model is
refused before it gives other embeddings.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embedder.errors import ModelError

TRAINED, IMPORTED = 1, 2  # formats: the network takes pixels, or `ends` says what it takes
_NAME = "model.json"
FOREIGN = (".keras", ".h5", ".hdf5", ".tflite")  # files that `likewise import` reads


def read_manifest(directory: Path) -> dict[str, Any]:
    """Read and check the manifest of the model in `directory`.

    Raises:
        ModelError: If it is missing, damaged, altered or of another format.
    """
    raw = _read(directory / _NAME)
    try:
        manifest = json.loads(raw)
        stored_checksum = manifest.pop("checksum")
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise ModelError(
            f"{directory / _NAME} is not the description of a model. "
            "Give a directory that `likewise train --out` or `likewise import --out` wrote."
        ) from error
    if manifest.get("format") not in (TRAINED, IMPORTED):
        raise ModelError(
            f"Model {str(directory)!r} has format {manifest.get('format')}, this likewise reads "
            f"formats {TRAINED} and {IMPORTED}. Use the version of likewise that wrote it, or "
            "train or import it again."
        )
    if stored_checksum != _checksum(manifest):
        raise _altered(directory, _NAME)
    return dict(manifest)


def read_file(directory: Path, name: str, manifest: Mapping[str, Any]) -> bytes:
    """Read a file of a model and verify it against the manifest.

    Args:
        directory: The model's directory.
        name: Name of the file in it.
        manifest: As `read_manifest` returns it.

    Raises:
        ModelError: If the file is missing, or is not the one that was saved.
    """
    content = _read(directory / name)
    if hashlib.sha256(content).hexdigest() != manifest["files"][name]:
        raise _altered(directory, name)
    return content


def write_manifest(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest and its checksum, atomically.

    Args:
        directory: The model's directory.
        manifest: Its entries, as JSON can hold them; an older checksum among them is replaced.
    """
    entries = json.loads(json.dumps({k: v for k, v in manifest.items() if k != "checksum"}))
    text = json.dumps({**entries, "checksum": _checksum(entries)}, indent=2) + "\n"
    part = directory / f"{_NAME}.part"
    part.write_text(text)
    os.replace(part, directory / _NAME)


def fingerprint(network: bytes, input_shape: Sequence[int], preprocessing: str) -> str:
    """Fingerprint a network and its preprocessing: 12 hex digits, equal for equal trainings.

    Args:
        network: Contents of `model.tflite`.
        input_shape: Shape of one picture, `(h, w)` or `(h, w, 3)`.
        preprocessing: A name of `embedder.preprocessing.prepare.PREPROCESSINGS`.
    """
    return _named([hashlib.sha256(network).hexdigest(), list(input_shape), preprocessing])


def imported_fingerprint(
    network: bytes, input_shape: Sequence[int], preprocessing: str, ends: Mapping[str, Any]
) -> str:
    """Name an imported network, its preprocessing and its ends: 12 hex digits.

    Args:
        network: Contents of `model.tflite`.
        input_shape: Shape of one picture, `(h, w)` or `(h, w, 3)`.
        preprocessing: A name of `embedder.preprocessing.prepare.PREPROCESSINGS`.
        ends: What stands between pixels, network and embedding, as `Ends.to_json` writes it.
    """
    digest = hashlib.sha256(network).hexdigest()
    return _named([IMPORTED, digest, list(input_shape), preprocessing, dict(ends)])


def _named(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def _checksum(entries: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()


def _is_foreign(path: Path) -> bool:
    """Tell whether a path looks like a model that `likewise import` takes."""
    return path.suffix in FOREIGN or (path / "saved_model.pb").is_file()


def _altered(directory: Path, name: str) -> ModelError:
    return ModelError(
        f"{name} of model {str(directory)!r} is not the file that was saved: it was altered or "
        "damaged. Restore it from a copy, or train the model again."
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        if _is_foreign(path.parent):
            raise ModelError(
                f"{str(path.parent)!r} is a model of another program. Bring it in first: "
                f"likewise import {path.parent} --out MODEL"
            ) from error
        if isinstance(error, PermissionError):
            raise ModelError(
                f"The model at {str(path.parent)!r} cannot be read: {path.name} belongs to another "
                "user. Let its owner give you the right to read it (chmod -R a+rX)."
            ) from error
        raise ModelError(
            f"There is no model at {str(path.parent)!r}: {path.name} could not be read "
            f"({error.strerror}). Give a directory that `likewise train --out` wrote."
        ) from error
