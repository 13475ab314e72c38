"""Prove an imported model before it is written: as its source, and alone as in any batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from embedder.errors import ModelError
from embedder.importing.imported import Imported
from embedder.runtime.litert import BATCH, LiteRT
from likewise.arrays import Floats, Pixels

_COMPARED = 16  # pictures
_CONSTANT = (
    "the network gives the same embedding for every picture that was tried: check --pixels, or "
    "name another layer with --output"
)
_BATCHES = (2, 3, 17, BATCH)  # no larger one ever reaches a network


def verify(imported: Imported, runtime: LiteRT) -> dict[str, Any]:
    """Compare a converted model with its source, and each picture alone with it in batches.

    Args:
        imported: With its source, where there is one.
        runtime: Runs its network.

    Returns:
        Entries of `model.json`: how many pictures were compared, the largest difference, and a
        warning if all embeddings are the same.

    Raises:
        ModelError: If it gives something else than its source, no numbers, or another
            vector in a batch than alone.
    """
    pictures = sample(imported.input_shape, BATCH)
    alone = np.concatenate([runtime.run(picture[None]) for picture in pictures])
    if not np.isfinite(alone).all():
        raise ModelError(
            "The network itself gives embeddings that are not numbers (NaN): its weights are "
            "damaged. A Keras 3 model that was converted with `from_concrete_functions` or from "
            "`tf.saved_model.save` ends so: convert it with `from_keras_model`, or import the "
            "Keras file."
        )
    for size in _BATCHES:
        if not np.array_equal(runtime.run(pictures[:size]), alone[:size]):
            raise ModelError(
                f"The network gives other embeddings in a batch of {size} than for each picture "
                "alone, so answers would depend on what is asked together. It cannot be imported."
            )
    constant = {} if np.ptp(alone, axis=0).any() else {"warning": _CONSTANT}
    return _compared(imported, pictures[:_COMPARED], alone[:_COMPARED]) | constant


def _compared(imported: Imported, pictures: Pixels, embeddings: Floats) -> dict[str, Any]:
    if imported.source is None:
        return {}
    typical, largest = differences(embeddings, imported.source(pictures))
    if not (typical <= imported.bound and largest <= 10 * imported.bound):
        raise ModelError(
            f"The converted network differs from its source by {typical:.2g} on average and "
            f"{largest:.2g} at most, and {imported.bound:g} and {10 * imported.bound:g} are "
            "expected of the conversion. It was not written."
        )
    figures = {"mean_difference": typical, "largest_difference": largest}
    return {"compared": {"pictures": len(pictures), **figures}}


def differences(embeddings: Floats, wanted: Floats) -> tuple[float, float]:
    """Compare embeddings, as a share of the longest where that is more than 1.

    Args:
        embeddings: `(n, dim)`.
        wanted: The same shape.

    Returns:
        The root mean square of the differences of elements, and the largest.

    Example:
        >>> differences(np.array([[0.0, 40.0]]), np.array([[10.0, 50.0]])) == (10 / 2600**0.5,) * 2
        True
    """
    length = max(1.0, float(np.linalg.norm(wanted, axis=1).max()))
    gaps = np.abs(np.float64(embeddings) - wanted) / length
    return float(np.sqrt(np.mean(gaps**2))), float(gaps.max())


def sample(shape: tuple[int, ...], count: int) -> Pixels:
    """Made pictures, always the same: noise, coarse and fine, black and white among them.

    Args:
        shape: Shape of one, `(h, w)` or `(h, w, 3)`.
        count: How many, 2 or more.
    """
    random = np.random.default_rng(0)
    pictures = np.empty((count, *shape), np.uint8)
    for place in range(count):
        step = 1 << place % 4  # blocks of 1, 2, 4 and 8 pixels
        coarse = random.integers(0, 256, (-(-shape[0] // step), -(-shape[1] // step), *shape[2:]))
        fine = coarse.repeat(step, axis=0).repeat(step, axis=1)
        pictures[place] = fine[: shape[0], : shape[1]]
    pictures[0], pictures[1] = 0, 255
    return pictures
