"""Write a trained base network as a model directory: LiteRT, Keras and manifest."""

from __future__ import annotations

import contextlib
import hashlib
import io
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from embedder.manifest import FORMAT, fingerprint, write_manifest
from embedder.training.destination import check_destination


def to_litert(base: keras.Model) -> bytes:
    """Convert a base network to LiteRT; the same weights give the same bytes."""
    with contextlib.redirect_stdout(io.StringIO()):  # the converter prints the signature
        return bytes(tf.lite.TFLiteConverter.from_keras_model(base).convert())


def save_model(
    base: keras.Model, out: Path, preprocessing: str, details: Mapping[str, Any]
) -> dict[str, Any]:
    """Write a model directory, atomically.

    Args:
        base: The trained base network.
        out: Directory to write; an earlier model is replaced once the new one is whole.
        preprocessing: How pictures reach the network.
        details: Further entries of `model.json`: recipe, data, figures, operating points.

    Returns:
        The contents of `model.json`.

    Raises:
        ModelError: If `out` exists and is not a model.
    """
    check_destination(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        network = to_litert(base)
        (staging / "model.tflite").write_bytes(network)
        base.save(staging / "base.keras")
        manifest = {
            "format": FORMAT,
            "fingerprint": fingerprint(network, base.input_shape[1:], preprocessing),
            "input_shape": list(base.input_shape[1:]),
            "dim": base.output_shape[-1],
            "preprocessing": preprocessing,
            "files": {file.name: _sha256(file) for file in sorted(staging.iterdir())},
            **details,
        }
        write_manifest(staging, manifest)
        staging.chmod(0o755)
        _put(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return manifest


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _put(staging: Path, out: Path) -> None:
    """Rename `made` to `out`; an older model is set aside first and deleted last."""
    old = out.with_name(f".{out.name}-old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    staging.rename(out)
    shutil.rmtree(old, ignore_errors=True)
