"""Import a model from elsewhere, with the options as plain arguments."""

from __future__ import annotations

import os
from typing import Any

from embedder.importing.adopt import adopt as import_model
from embedder.importing.options import ImportOptions
from embedder.model import Embedder


def adopt(source: str | os.PathLike[str], out: str | os.PathLike[str], **options: Any) -> Embedder:
    """Import a model from elsewhere and write it as one of likewise.

    Of a Siamese or triplet network the shared base is taken, of a classifier the layers before its
    head. No code in the file is run.

    Args:
        source: A Keras file (`.keras` or `.h5`), the directory of a SavedModel, or a `.tflite`.
        out: Directory of the model; an earlier model is replaced.
        options: Of `embedder.importing.options.ImportOptions`: `pixels` (one of `0..1`, `-1..1`,
            `0..255`, `imagenet`, `caffe`), `channels`, `layout`, `size`, `resize`, `output`,
            `skip`, `as_is`, `precision`, `licence`.

    Returns:
        The model, opened.

    Raises:
        ModelError: If the source is of another kind, damaged or hostile, cannot be taken, or gives
            something else once it is converted; then nothing was written.
        ImportOptionError: If an option is missing, or cannot be.

    Example:
        >>> import likewise
        >>> likewise.adopt("siamese.onnx", "models/mine", pixels="0..1")
        Traceback (most recent call last):
        ...
        embedder.errors.ModelError: There is no model at siamese.onnx: name a file, or ...
    """
    return import_model(source, out, ImportOptions(**options))
