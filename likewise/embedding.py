"""Embed pictures, and set those apart for which the model gives no vector to search with.

A network may divide by a length of 0 or overflow for one picture among many. That picture counts
as unreadable; the others keep their answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embedder.errors import EmbeddingError
from embedder.model import Embedder
from embedder.preprocessing.flat import remarks_on_flat
from index.search.checked import searchable
from likewise.arrays import Bools, Floats, Pixels

NOT_FINITE = "the model gives no finite numbers for it"


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """The vectors of n pictures.

    Attributes:
        vectors: Vectors of the m readable ones, `(m, dim)`, float32.
        reasons: Why each of the others cannot be read, by its place among the n.
        remarks: On those that are nearly one grey value, by their places among the n.
    """

    vectors: Floats
    reasons: dict[int, str]
    remarks: dict[int, str]


def embed(embedder: Embedder, images: Pixels) -> tuple[Floats, Bools]:
    """Embed pictures, and say for which of them the model gives a vector to search with.

    Args:
        embedder: The model.
        images: `(n, *input_shape)`, uint8.

    Returns:
        The n embeddings, `(n, dim)`, and which of them are fit for a search, `(n,)`.
    """
    vectors = embedder.embed(images)
    return vectors, searchable(vectors)


def embedded(embedder: Embedder, images: Pixels) -> Embedded:
    """Embed pictures, with the reason where one has no vector, and remarks.

    Args:
        embedder: The model.
        images: `(n, *input_shape)`, uint8.
    """
    vectors, has_vector = embed(embedder, images)
    remarks = remarks_on_flat(images)
    if has_vector.all():
        return Embedded(vectors, {}, remarks)
    reasons = dict.fromkeys(np.flatnonzero(~has_vector).tolist(), NOT_FINITE)
    remarks = {place: remark for place, remark in remarks.items() if place not in reasons}
    return Embedded(vectors[has_vector], reasons, remarks)


def embed_named(embedder: Embedder, images: Pixels, names: Sequence[str]) -> Floats:
    """Embed pictures that are needed together.

    Args:
        embedder: The model.
        images: `(n, *input_shape)`, uint8.
        names: n names, for the error.

    Raises:
        EmbeddingError: If the model gives no vector to search with for one of them.
    """
    vectors, has_vector = embed(embedder, images)
    if not has_vector.all():
        lost = names[int(np.argmin(has_vector))]
        raise EmbeddingError(f"the model gives no finite numbers for {lost}")
    return vectors
