"""The head: a linear map of a backbone's features, or of their square roots, at length 1.

Means of a rectifier's outputs, as a convolutional network ends with, are many small values and a
few large ones. Their square roots are compared more fairly (Perronnin, Sánchez, Mensink,
"Improving the Fisher Kernel for Large-Scale Image Classification", ECCV 2010).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from likewise.arrays import Floats


@dataclass(slots=True, eq=False)
class Head:
    """A linear map.

    Attributes:
        weights: `(d, dim)`, float32.
        bias: `(dim,)`, float32.
        rooted: Whether it maps the square roots of features.
    """

    weights: Floats
    bias: Floats
    rooted: bool = False

    @classmethod
    def of_components(cls, features: Floats, dim: int) -> Head:
        """The projection on the principal components of features, about their mean.

        A random projection loses more of what tells groups apart that are never trained on.

        Args:
            features: `(n, d)`, float32; their square roots are taken where none is below 0.
            dim: Number of components; fewer where n or d is smaller.
        """
        rooted = bool((features >= 0).all())
        features = np.sqrt(features) if rooted else features
        mean = features.mean(axis=0)
        weights = _components(features - mean, min(dim, *features.shape))
        return cls(weights, -mean @ weights, rooted)

    def inputs(self, features: Floats) -> Floats:
        """What the map takes of features, `(n, d)`."""
        return np.sqrt(np.maximum(features, 0)) if self.rooted else features

    def embed(self, features: Floats) -> Floats:
        """Map features, `(n, d)`, to embeddings of length 1, `(n, dim)`."""
        return unit(self.inputs(features) @ self.weights + self.bias)


def _components(centred: Floats, count: int) -> Floats:
    """The first principal components, `(d, count)`, orthonormal.

    They come from the smaller of the two matrices of products, which takes a quarter of the time
    of a singular value decomposition. Where rows are fewer than columns, its eigenvectors are
    weights of the rows, and what they sum up to is made orthonormal.
    """
    few = len(centred) <= centred.shape[1]
    products = (centred @ centred.T if few else centred.T @ centred).astype(np.float64)
    _, vectors = np.linalg.eigh(products)  # ascending
    leading = vectors[:, ::-1][:, :count].astype(np.float32)
    components: Floats = np.linalg.qr(centred.T @ leading)[0] if few else leading
    return np.ascontiguousarray(components)


def unit(rows: Floats) -> Floats:
    """Bring rows to length 1; one of length 0 stays.

    Example:
        >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
        [[0.6, 0.8], [0.0, 0.0]]
    """
    scaled: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return scaled
