"""Import a model from elsewhere, and measure its thresholds where there are pictures for it."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from embedder.errors import DatasetError
from embedder.importing.adopt import adopt as import_model
from embedder.importing.options import ImportOptions
from embedder.manifest import write_manifest
from embedder.model import Embedder
from index.gallery import Gallery
from likewise.metrics.pairs import pair_distances

_PAIRS = 100_000  # pairs of each kind
_OF_A_GALLERY = ("evidence", "pictures", "gallery_size", "generation")  # fields of a point


def adopt(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    data: str | None = None,
    tell: Callable[[str], object] | None = None,
    **options: Any,
) -> Embedder:
    """Import a model from elsewhere and write it as one of likewise.

    Of a Siamese or triplet network the shared base is taken, of a classifier the layers before its
    head. No code in the file is run.

    Args:
        source: A Keras file (`.keras` or `.h5`), the directory of a SavedModel, or a `.tflite`.
        out: Directory of the model; an earlier model is replaced.
        data: Labelled pictures that the network was not trained on, to measure its thresholds with.
            Without them it brings none, and each gallery measures its own.
        tell: Called with what there is to say of the data: pictures that cannot be read, and a
            threshold that misses most. When None, it is a warning.
        options: Fields of `embedder.importing.options.ImportOptions`: `pixels` (one of `0..1`,
            `-1..1`, `0..255`, `imagenet`, `caffe`), `channels`, `layout`, `size`, `resize`,
            `output`, `skip`, `as_is`, `precision`, `licence`.

    Returns:
        The model, opened.

    Raises:
        ModelError: If the source is of another kind, damaged or hostile, cannot be taken, or gives
            something else once it is converted; then nothing was written.
        ImportOptionError: If an option is missing, or impossible.
        DatasetError: If the data cannot be read, or do not suffice; the model is written, without
            thresholds.

    Example:
        >>> import likewise
        >>> likewise.adopt("siamese.onnx", "models/mine", pixels="0..1")
        Traceback (most recent call last):
        ...
        embedder.errors.ModelError: There is no model at siamese.onnx: name a file, or ...
    """
    if data is not None:
        from embedder.data.sources import records

        records(data)  # a misspelt name fails before the work
    model = import_model(source, out, ImportOptions(**options))
    return model if data is None else _measured(model, data, tell or _warn)


def _warn(sentence: str) -> None:
    warnings.warn(sentence, stacklevel=4)  # the caller of `adopt`


def _measured(model: Embedder, data: str, tell: Callable[[str], object]) -> Embedder:
    """Measure the threshold for pairs, `eer`, and that for searches, `default`."""
    from index.operating_point import OWN
    from likewise.building import build

    with tempfile.TemporaryDirectory() as folder:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            matcher = build(Path(folder) / "gallery", data, model)
        with matcher:
            points = matcher.gallery.points.all()
            if OWN not in points:
                raise DatasetError(
                    f"The pictures of {data!r} do not suffice to measure thresholds: it takes 30 "
                    f"different ones, several of each of two groups. The model at {model.path} "
                    "brings none."
                )
            for warning in told:
                tell(str(warning.message))
            search = points[OWN].to_json()
            pairs = _pair_point(matcher.gallery)
    words = f"{search['queries']} pictures of {data}, each among the others"
    default = {key: value for key, value in search.items() if key not in _OF_A_GALLERY}
    write_manifest(
        model.path,
        model.metadata
        | {"operating_points": {"eer": pairs, "default": default | {"measured_on": words}}},
    )
    return Embedder.load(model.path)


def _pair_point(gallery: Gallery) -> dict[str, Any]:
    from embedder.training.thresholds import pair_point

    _, labels, vectors = gallery.references()
    same, different = pair_distances(vectors, labels.tolist(), _PAIRS, 0)
    return pair_point(same, different, images=len(labels))
