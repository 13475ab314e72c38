"""The head: a linear map of a backbone's features, brought to length 1."""

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
    """

    weights: Floats
    bias: Floats

    @classmethod
    def of_components(cls, features: Floats, dim: int) -> Head:
        """The projection on the principal components of features, about their mean.

        A random projection loses more of what tells groups apart that are never trained on.

        Args:
            features: `(n, d)`, float32.
            dim: Number of components; fewer where n or d is smaller.
        """
        mean = features.mean(axis=0)
        _, _, axes = np.linalg.svd(features - mean, full_matrices=False)
        weights = np.ascontiguousarray(axes[: min(dim, *features.shape)].T)
        return cls(weights, -mean @ weights)

    def embed(self, features: Floats) -> Floats:
        """Map features, `(n, d)`, to embeddings of length 1, `(n, dim)`."""
        return unit(features @ self.weights + self.bias)


def unit(rows: Floats) -> Floats:
    """Bring rows to length 1; one of length 0 stays.

    Example:
        >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
        [[0.6, 0.8], [0.0, 0.0]]
    """
    scaled: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return scaled
