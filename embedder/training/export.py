"""Write a trained base network as a model directory: LiteRT, Keras and manifest."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from embedder.destination import describe, new_model
from embedder.manifest import TRAINED, fingerprint


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
    with new_model(out) as staging:
        network = to_litert(base)
        (staging / "model.tflite").write_bytes(network)
        base.save(staging / "base.keras")
        entries = {
            "format": TRAINED,
            "fingerprint": fingerprint(network, base.input_shape[1:], preprocessing),
            "input_shape": list(base.input_shape[1:]),
            "dim": base.output_shape[-1],
            "preprocessing": preprocessing,
            "files": {},  # its place in the file
            **details,
        }
        return describe(staging, entries)
