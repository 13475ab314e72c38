"""Contrastive loss with margin, on the Euclidean distance itself (never on its square).

Polarity, here and everywhere: `same` is 1 for a pair of one label and 0 for a pair of two.
A same pair costs d², a different pair costs max(margin - d, 0)²: nothing once it is farther
apart than the margin.

Source: Hadsell, Chopra, LeCun, "Dimensionality Reduction by Learning an Invariant Mapping",
CVPR 2006, equation 4, without its factor 1/2 and with the polarity turned round.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from embedder.training.outliers import OF_NO_GROUP

Tensor = Any  # Keras has no public type for its tensors


def pair_costs(same: Tensor, distance: Tensor, margin: float) -> Tensor:
    """Cost of each pair: same·d² + (1 - same)·max(margin - d, 0)², of the inputs' shape.

    Args:
        same: 1 for a pair of one label, else 0, float.
        distance: Distances, of the same shape, >= 0.
        margin: Distance beyond which different pairs cost nothing, > 0.
    """
    same = ops.cast(same, distance.dtype)
    return same * ops.square(distance) + (1.0 - same) * _hinge(margin, distance)


def contrastive_loss_with_margin(margin: float = 1.0) -> Callable[[Tensor, Tensor], Tensor]:
    """Make the loss `(same, distance) -> mean cost of the pairs`, to compile a Siamese model with.

    Args:
        margin: Distance beyond which a different pair costs nothing, > 0.

    Returns:
        A function of `same` and `distance`, both of shape `(n, 1)` or `(n,)`, to a scalar.

    Example:
        >>> loss = contrastive_loss_with_margin(margin=1.0)
        >>> round(float(loss(np.array([1.0, 0.0]), np.array([0.5, 0.8]))), 3)  # (0.25 + 0.04) / 2
        0.145
    """
    if not margin > 0:
        raise ValueError(f"`margin` must be a distance above 0. Received: {margin}.")

    def contrastive_loss(same: Tensor, distance: Tensor) -> Tensor:
        distance = ops.convert_to_tensor(distance)
        return ops.mean(pair_costs(ops.reshape(same, ops.shape(distance)), distance, margin))

    return contrastive_loss


@keras.saving.register_keras_serializable(package="likewise")
class AllPairsContrastiveLoss(keras.losses.Loss):
    """The contrastive loss over every pair inside a batch, from one forward pass per image.

    A same pair nearer than `near` costs nothing either: it need not shrink to a point. Each kind
    of pair (same or different, of true groups, with a made one, with an outlier) is averaged over
    those pairs that still cost something. In a batch most pairs are soon settled, and averaged over
    all of them the few that matter would fade away.

    Args:
        margin: Distance beyond which a pair of two groups costs nothing, in (0, 2] for embeddings
            of unit length.
        near: Distance within which a same pair costs nothing, `0 <= near < margin`; a farther
            one costs (d - near)².
        made_margin: Distance beyond which a different pair costs nothing where a picture of it is
            an outlier or of a made group.
        unit: Whether embeddings are of unit length.

    Call arguments:
        y_true: Label codes, shape `(n,)` or `(n, 1)`; `OF_NO_GROUP` for an outlier, which is
            different from every group and is compared with nothing else; below it for pictures of
            made groups.
        y_pred: Embeddings, shape `(n, dim)`.
    """

    def __init__(
        self,
        margin: float = 1.0,
        near: float = 0.0,
        made_margin: float = 1.0,
        unit: bool = True,
        name: str = "all_pairs_contrastive_loss",
    ) -> None:
        super().__init__(name=name, reduction="sum")
        self.margin = margin
        self.near = near
        self.made_margin = made_margin
        self.unit = unit

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the scalar loss of one batch."""
        codes = ops.reshape(y_true, (-1,))
        alike = ops.cast(codes[:, None] == codes[None, :], y_pred.dtype)
        itself = ops.eye(ops.shape(y_pred)[0], dtype=y_pred.dtype)
        group, composite, outlier = (
            ops.cast(kind, y_pred.dtype)
            for kind in (codes > OF_NO_GROUP, codes < OF_NO_GROUP, codes == OF_NO_GROUP)
        )
        distances = pairwise_distances(y_pred, unit=self.unit)
        same = ops.square(ops.maximum(distances - self.near, 0.0)) * (alike - itself)
        different = _hinge(self.margin, distances) * (1.0 - alike)
        made = _hinge(self.made_margin, distances) * (1.0 - alike)
        return (
            _mean_of_active(same * _pairs(group, group))
            + _mean_of_active(different * _pairs(group, group))
            + _mean_of_active(same * _pairs(composite, composite))
            + _mean_of_active(made * (_pairs(composite, composite) + _mixed(composite, group)))
            + _mean_of_active(made * _mixed(outlier, group))
        )

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds this loss."""
        return {
            "margin": self.margin,
            "near": self.near,
            "made_margin": self.made_margin,
            "unit": self.unit,
            "name": self.name,
        }


def _pairs(first: Tensor, second: Tensor) -> Tensor:
    """1 where one picture is of the first kind and the other of the second, `(n, n)`."""
    return first[:, None] * second[None, :]


def _mixed(one: Tensor, other: Tensor) -> Tensor:
    """1 where the pictures are one of each kind, in either order, `(n, n)`."""
    return _pairs(one, other) + _pairs(other, one)


def _hinge(margin: float, distances: Tensor) -> Tensor:
    return ops.square(ops.maximum(margin - distances, 0.0))


def _mean_of_active(costs: Tensor) -> Tensor:
    """Mean of the costs above 0, with one per image added to their number.

    So the very last active pair of a batch does not weigh as much as all of them at the start.
    """
    active = ops.sum(ops.cast(costs > 0, costs.dtype)) + ops.cast(ops.shape(costs)[0], costs.dtype)
    return ops.sum(costs) / active


def pairwise_distances(embeddings: Tensor, *, unit: bool = True) -> Tensor:
    """Distances between all rows, shape `(n, n)`, with a gradient of 0 at 0.

    Args:
        embeddings: Shape `(n, dim)`.
        unit: Whether all rows are of unit length, which is quicker.
    """
    products = ops.matmul(embeddings, ops.transpose(embeddings))
    if unit:
        return root(2.0 - 2.0 * products)
    lengths = ops.sum(ops.square(embeddings), axis=1)
    return root(lengths[:, None] + lengths[None, :] - 2.0 * products)


def root(squared: Tensor) -> Tensor:
    """Square root that is exactly 0 at 0 and has the gradient 0 there, instead of infinity."""
    positive = squared > 1e-12
    return ops.where(positive, ops.sqrt(ops.where(positive, squared, 1.0)), 0.0)
