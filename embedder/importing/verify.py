"""Verify an imported model before writing it: against its source, and alone against batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from embedder.errors import ModelError
from embedder.importing.finite import require_finite, require_finite_source
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
    """Compare a converted model with its source, and pictures alone with pictures in batches.

    Args:
        imported: The model.
        runtime: Runs the model's network.

    Returns:
        Entries of `model.json`: how many pictures were compared, the largest difference, and a
        warning if all embeddings are the same.

    Raises:
        ModelError: If embeddings differ from the source's, are not finite, or differ between a
            batch and each picture alone.
    """
    pictures = sample(imported.input_shape, BATCH)
    alone = np.concatenate([runtime.run(picture[None]) for picture in pictures])
    require_finite(imported, pictures, alone)
    for size in _BATCHES:
        if not np.array_equal(runtime.run(pictures[:size]), alone[:size]):
            raise ModelError(
                f"The network gives other embeddings in a batch of {size} than for each picture "
                "alone, so answers would depend on the other pictures. It cannot be imported."
            )
    constant = {} if np.ptp(alone, axis=0).any() else {"warning": _CONSTANT}
    return _compared(imported, pictures[:_COMPARED], alone[:_COMPARED]) | constant


def _compared(imported: Imported, pictures: Pixels, embeddings: Floats) -> dict[str, Any]:
    if imported.source is None:
        return {}
    expected = imported.source(pictures)
    require_finite_source(expected)
    typical, largest = differences(embeddings, expected)
    if not (typical <= imported.bound and largest <= 10 * imported.bound):
        raise ModelError(
            f"The converted network differs from its source by {typical:.2g} on average and "
            f"{largest:.2g} at most, but a conversion may differ by {imported.bound:g} and "
            f"{10 * imported.bound:g}. It was not written."
        )
    figures = {"mean_difference": typical, "largest_difference": largest}
    return {"compared": {"pictures": len(pictures), **figures}}


def differences(embeddings: Floats, expected: Floats) -> tuple[float, float]:
    """Compare embeddings, relative to the longest if its length exceeds 1.

    Args:
        embeddings: The embeddings, `(n, dim)`.
        expected: Embeddings of the source, the same shape.

    Returns:
        The root mean square of the differences of elements, and the largest.

    Example:
        >>> differences(np.array([[0.0, 40.0]]), np.array([[10.0, 50.0]])) == (10 / 2600**0.5,) * 2
        True
    """
    length = max(1.0, float(np.linalg.norm(expected, axis=1).max()))
    gaps = np.abs(np.float64(embeddings) - expected) / length
    return float(np.sqrt(np.mean(gaps**2))), float(gaps.max())


def sample(shape: tuple[int, ...], count: int) -> Pixels:
    """Synthetic pictures, the same on every call: black, white, and coarse and fine noise.

    Args:
        shape: Shape of one picture, `(h, w)` or `(h, w, 3)`.
        count: Number of pictures, 2 or more.
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
