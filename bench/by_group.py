"""The distance of each query to each of a few groups, which a benchmark chooses."""

from __future__ import annotations

import numpy as np

from index.gallery import Gallery
from likewise.arrays import Floats, Ints


def nearest_by_group(gallery: Gallery, vectors: Floats) -> tuple[list[str], Floats]:
    """Search each group separately.

    Args:
        gallery: Gallery of a few groups.
        vectors: `(n, dim)`, float32.

    Returns:
        The g labels, in order, and the distances, `(n, g)`.
    """
    names = list(gallery.groups())
    nearest = [gallery.search(vectors, 1, label=name).distances[:, 0] for name in names]
    return names, np.stack(nearest, axis=1)


def set_apart(distances: Floats, columns: Ints) -> tuple[Floats, Floats]:
    """Separate the distance of each query to its own group from those to all others.

    Args:
        distances: `(n, g)`. Left unchanged.
        columns: `(n,)`, the column of each query's own group.

    Returns:
        The distances to the own groups, `(n,)`, and all others, `(n, g)` with inf in their place.

    Example:
        >>> own, others = set_apart(np.array([[0.25, 0.5]], np.float32), np.array([1]))
        >>> own.tolist(), others.tolist()
        ([0.5], [[0.25, inf]])
    """
    rows, others = np.arange(len(distances)), distances.copy()
    others[rows, columns] = np.inf
    return distances[rows, columns], others
