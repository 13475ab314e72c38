"""Recipes: named sets of all training settings.

`default` trains the small convolutional network on all pairs inside class-balanced batches.
`digits` is for digits from anywhere: it adds digits as others write and copy them, and letters.
`tutorial` is the widely known tutorial to the letter: one partner per image, a dense network,
a two-input model with a distance on top, 20 epochs of RMSprop, threshold 0.5.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

TUTORIAL_THRESHOLD = 0.5  # the tutorial takes a pair for the same up to this distance


@dataclass(frozen=True)
class Recipe:
    """One way to train, complete: recorded in the model that it makes.

    Attributes:
        name: `default`, `digits` or `tutorial`: what `changed` started from.
        network: Base network, a name of `embedder.training.networks.NETWORKS`.
        pairs: `drawn`, pairs made by `create_pairs` once; or `batch`, all pairs of each
            class-balanced batch.
        pairs_per_image: Partners per image where pairs are drawn.
        dim: Length of an embedding.
        margin: Distance beyond which a different pair costs nothing, at most 10.
        near: Distance within which a same pair of a batch costs nothing.
        epochs: Passes over the training images, at most.
        steps: Batches in all epochs together, at least: an epoch of few images passes over them
            more than once. 0 where `epochs` is changed and `steps` is not; 0 where pairs are drawn.
        patience: Epochs without a better validation EER after which training stops.
        batch: Pairs (drawn) or images (batch) per step.
        learning_rate: Largest step size, at most 1.
        schedule: `constant`, or `cosine`: up over the first epoch, then down to 1 % of
            `learning_rate` along a half cosine.
        optimizer: `rmsprop` or `adamw`.
        weight_decay: Weight decay of AdamW.
        augmentation: Strength of the distortions, 0 for none.
        outliers: Made pictures of no group beside the images of a batch, as a share of them.
        writing: Digits as others write and copy them (`embedder.training.writing`), beside the
            images of a batch, as a share of them; for groups that are named by digits.
        signs: Letters and signs of no group beside the images of a batch, as a share of them.
        composites: Pictures of made groups beside the images of a batch, as a share of them.
        turned: Whether each group's images turned by 90, 180 and 270 degrees are groups of their
            own: it helps with groups that come later, where turned images are other things.
        size: Side of the square that images are brought to; 0 for their own shape where they share
            one of at most 48 pixels, and 32 pixels where they do not.
        made_margin: Distance beyond which a different pair costs nothing where a picture of it is
            an outlier or of a made group.
        averaging: Share of the training over which weights are averaged, exponentially; 0: none.
        kept: `best`, the epoch with the lowest validation EER; or `last`, where validation pictures
            are too much like those that are trained on to tell when others suffer.
        validation: Share of the images held out to stop and to measure the threshold by.
        seed: Decides the split, the weights at the start, every draw.
    """

    name: str
    network: str
    pairs: str
    pairs_per_image: int
    dim: int
    margin: float
    near: float
    epochs: int
    steps: int
    patience: int
    batch: int
    learning_rate: float
    schedule: str
    optimizer: str
    weight_decay: float
    augmentation: float
    outliers: float
    writing: float
    signs: float
    composites: float
    turned: bool
    size: int
    made_margin: float
    averaging: float
    kept: str
    validation: float
    seed: int = 0

    def changed(self, **settings: Any) -> Recipe:
        """Return this recipe with the settings that are not None put in.

        Raises:
            ValueError: If a setting is out of its range.

        Example:
            >>> RECIPES["tutorial"].changed(epochs=5, margin=None).epochs
            5
        """
        chosen = {name: value for name, value in settings.items() if value is not None}
        if "epochs" in chosen:
            chosen.setdefault("steps", 0)
        recipe = replace(self, **chosen)
        recipe._check_steps()
        recipe._check_shares()
        return recipe

    def _check_steps(self) -> None:
        for name in ("epochs", "batch", "pairs_per_image", "dim"):
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name}` must be above 0. Received: {getattr(self, name)}.")
        for name, limit in (("margin", 10), ("learning_rate", 1)):
            if not 0 < getattr(self, name) <= limit:
                raise ValueError(
                    f"`{name}` must be above 0 and at most {limit}. "
                    f"Received: {getattr(self, name)}."
                )
        for name, limit in (("steps", 1_000_000), ("size", 1024), ("seed", 2**32 - 1)):
            if not 0 <= getattr(self, name) <= limit:
                raise ValueError(
                    f"`{name}` must be from 0 to {limit}. Received: {getattr(self, name)}."
                )

    def _check_shares(self) -> None:
        if self.pairs != "batch" and (self.steps or self.turned):
            raise ValueError("`steps` and `turned` are for recipes that do not draw pairs.")
        if self.pairs == "batch" and self.pairs_per_image != 1:
            raise ValueError(
                "`pairs_per_image` is for the recipe tutorial, which draws pairs: all others take "
                f"every pair of a batch. Received: {self.pairs_per_image}. Leave it out."
            )
        for name in ("outliers", "writing", "signs", "composites"):
            share = getattr(self, name)
            if not 0 <= share <= 1 or (share and self.pairs != "batch"):
                raise ValueError(
                    f"`{name}` must be a share from 0 to 1, and 0 for a recipe that draws pairs. "
                    f"Received: {share}."
                )
        if not 0 <= self.averaging < 1:
            raise ValueError(
                f"`averaging` must be a share >= 0 and below 1. Received: {self.averaging}."
            )
        if not 0 < self.validation < 1:
            raise ValueError(
                f"`validation` must be a share between 0 and 1. Received: {self.validation}."
            )

    def described(self) -> dict[str, Any]:
        """Return the settings as they stand in `model.json`."""
        return asdict(self)


_DEFAULT = Recipe(
    name="default",
    network="conv",
    pairs="batch",
    pairs_per_image=1,
    dim=64,
    margin=1.2,
    near=0.3,
    epochs=30,
    steps=600,
    patience=30,
    batch=320,
    learning_rate=0.015,
    schedule="cosine",
    optimizer="adamw",
    weight_decay=0.001,
    augmentation=0.75,
    outliers=0.2,
    writing=0.0,
    signs=0.0,
    composites=0.0,
    turned=False,
    size=0,
    made_margin=0.6,
    averaging=0.1,
    kept="best",
    validation=1 / 12,
)

RECIPES = {
    "default": _DEFAULT,
    "digits": replace(
        _DEFAULT,
        name="digits",
        epochs=20,
        steps=0,
        patience=20,
        size=28,
        outliers=0.1,
        writing=0.35,
        signs=0.3,
        kept="last",
    ),
    "tutorial": Recipe(
        name="tutorial",
        network="dense",
        pairs="drawn",
        pairs_per_image=1,
        dim=128,
        margin=1.0,
        near=0.0,
        epochs=20,
        steps=0,
        patience=20,
        batch=128,
        learning_rate=0.001,
        schedule="constant",
        optimizer="rmsprop",
        weight_decay=0.0,
        augmentation=0.0,
        outliers=0.0,
        writing=0.0,
        signs=0.0,
        composites=0.0,
        turned=False,
        size=0,
        made_margin=0.0,
        averaging=0.0,
        kept="best",
        validation=1 / 12,
    ),
}
