"""Refuse a network that gives NaN or infinity, and say whether it, its weights or LiteRT does."""

from __future__ import annotations

import numpy as np

from embedder.errors import ModelError
from embedder.importing.imported import Imported
from likewise.arrays import Bools, Floats, Pixels

_MOST = 0.5  # of the pictures
_DIVIDES = (
    "most likely it divides by the length of a vector of zeros, as UnitNormalization does. If that "
    "is the last layer of a Keras file, leave it out with --skip LAYER, because likewise "
    "normalises itself; else save the network with x / maximum(length, 1e-12) in its place."
)
_WEIGHTS = (
    "its weights are not finite, or too large to compute with. Import an earlier save of it, or "
    "train it again."
)
_CONVERTED_WRONG = (
    "its weights are damaged. This happens to a Keras 3 model that was converted with "
    "`from_concrete_functions` or from `tf.saved_model.save`: convert it with `from_keras_model`, "
    "or import the Keras file."
)


def require_finite(imported: Imported, pictures: Pixels, embeddings: Floats) -> None:
    """Refuse a network whose embeddings are not all finite.

    Args:
        imported: The model.
        pictures: Pictures of `verify.sample`.
        embeddings: What the converted network gives for them, `(n, dim)`.

    Raises:
        ModelError: Naming the pictures, the cause and the remedy.
    """
    bad = _not_finite(embeddings)
    if not bad.any():
        return
    source = imported.source
    if source is not None and np.isfinite(source(pictures[bad])).all():
        raise ModelError(
            f"Once converted, the network gives NaN for {_which(bad)}, although its source gives "
            f"numbers: {_DIVIDES}"
        )
    few = bad.mean() < _MOST  # weights that are not finite spoil nearly all pictures
    cause = _DIVIDES if few else _CONVERTED_WRONG if source is None else _WEIGHTS
    raise ModelError(
        "The network itself gives embeddings that are not finite numbers (NaN or infinity) for "
        f"{_which(bad)}: {cause}"
    )


def require_finite_source(expected: Floats) -> None:
    """Refuse a network whose source gives what no conversion can be compared with.

    Args:
        expected: Embeddings of the source for pictures of `verify.sample`, `(n, dim)`.

    Raises:
        ModelError: If any is not finite.
    """
    bad = _not_finite(expected)
    if bad.any():
        raise ModelError(
            "The source itself gives embeddings that are not finite numbers (NaN or infinity) for "
            f"{_which(bad)}, so the converted network cannot be compared with it: {_WEIGHTS}"
        )


def _not_finite(embeddings: Floats) -> Bools:
    return np.asarray(~np.isfinite(embeddings).all(axis=1))


def _which(bad: Bools) -> str:
    """Name pictures of `verify.sample`, whose first is black and whose second is white."""
    if bad[0] and bad.sum() == 1:
        return "a black picture"
    return f"{bad.sum()} of {len(bad)} pictures that were tried"
