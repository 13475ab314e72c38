"""The settings of a transfer, recorded in the model that it makes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

# The least of each; a batch of one group, or of one picture of each, has no pairs of two kinds.
_LEAST = {"groups": 2, "per_group": 2, "views": 0, "near": 0, "anchor": 0}


@dataclass(frozen=True, slots=True)
class TransferRecipe:
    """How a head is fitted to the features of a model that exists, the backbone.

    Chosen on photographs of groceries and of faces: see docs/decisions/transfer.md.

    Attributes:
        name: `transfer`.
        backbone: A name of a model that comes with likewise, of one in
            `embedder.transfer.backbones.KERAS`, or a model's directory.
        dim: Length of an embedding; at most that of the backbone's.
        views: Altered views of each training picture, beside the picture itself.
        flip: Whether views may be mirrored: not where left and right matter, as in writing.
        steps: Steps of gradient descent.
        groups: Groups in a step.
        per_group: Pictures of each group in a step.
        learning_rate: Largest step size; it falls to 0 along a half cosine.
        margin: Distance beyond which a pair of two groups costs nothing, above 0 and at most 2.
        near: Distance within which a pair of one group costs nothing.
        anchor: Weight of the head's relative distance from its start: the larger, the better
            groups are told apart that the training never saw.
        validation: Share of the pictures held out to measure by.
        seed: Decides the division and every draw.
    """

    name: str = "transfer"
    backbone: str = "photos"
    dim: int = 128
    views: int = 3
    flip: bool = False
    steps: int = 1000
    groups: int = 16
    per_group: int = 4
    learning_rate: float = 1e-3
    margin: float = 1.2
    near: float = 0.5
    anchor: float = 0.1
    validation: float = 1 / 12
    seed: int = 0

    def changed(self, **settings: Any) -> TransferRecipe:
        """Return this recipe with the settings that are not None put in.

        Raises:
            ValueError: If a setting is out of its range.

        Example:
            >>> TransferRecipe().changed(steps=50, margin=None).steps
            50
        """
        recipe = replace(self, **{k: v for k, v in settings.items() if v is not None})
        for name in ("dim", "steps"):
            if not getattr(recipe, name) > 0:
                raise ValueError(f"`{name}` must be above 0. Received: {getattr(recipe, name)}.")
        for name, least in _LEAST.items():
            if not getattr(recipe, name) >= least:
                raise ValueError(
                    f"`{name}` must be at least {least}. Received: {getattr(recipe, name)}."
                )
        if not recipe.near < recipe.margin:
            raise ValueError(
                f"`margin` must be above `near`, {recipe.near}. Received: {recipe.margin}."
            )
        if recipe.validation == 1:
            raise ValueError("`validation` must be below 1: nothing would be left to train with.")
        for name, limit in (("margin", 2), ("learning_rate", 1), ("validation", 1)):
            if not 0 < getattr(recipe, name) <= limit:
                raise ValueError(
                    f"`{name}` must be above 0 and at most {limit}. "
                    f"Received: {getattr(recipe, name)}."
                )
        return recipe

    def described(self) -> dict[str, Any]:
        """Return the settings as they stand in `model.json`."""
        return asdict(self)


DEFAULT = TransferRecipe()
