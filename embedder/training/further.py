"""Go on training a model with pictures of one's own, without losing what it knows.

Pictures that the model was trained on are mixed in: a network that is shown new pictures alone
forgets the old ones.

Source: Robins, "Catastrophic forgetting, rehearsal and pseudorehearsal", Connection Science 1995.
"""

from __future__ import annotations

from dataclasses import fields
from typing import NamedTuple

import keras
import numpy as np

from embedder.data.dataset import Dataset
from embedder.errors import ModelError
from embedder.manifest import TRAINED
from embedder.model import Embedder
from embedder.training.fitting import Labelled
from embedder.training.recipes import RECIPES, Recipe

EPOCHS = 4
STEPS = 100  # at least: a few hundred pictures are one batch
KEPT = 12_000  # pictures of the earlier training that are mixed in, at most
VALIDATION = 0.2
_SLOWER = 5  # the earlier learning rate divided by this
_OWN, _OTHERS = 3, 7  # of ten pictures in an epoch, at least so many are one's own


class Start(NamedTuple):
    """Where a training goes on from.

    Attributes:
        model: A model that likewise trained.
        kept: Pictures that it was trained on, to be mixed in; None for none.
    """

    model: Embedder
    kept: Dataset | None


def further_recipe(model: Embedder) -> Recipe:
    """Derive from a model's recipe how to go on: shorter, and by smaller steps.

    Args:
        model: A model that likewise trained, by this version or an earlier one.

    Raises:
        ModelError: If it was not trained from nothing, so that there is no network to go on with.
    """
    stored = model.metadata.get("recipe")
    if stored and stored["name"] == "transfer":
        raise ModelError(
            f"Cannot go on from {str(model.path)!r}: the recipe transfer keeps no network. "
            "Train again on its pictures and yours together, which takes minutes."
        )
    network = model.path / "base.keras"
    if model.metadata.get("format") != TRAINED or not stored or not network.exists():
        raise ModelError(
            f"Cannot go on from {str(model.path)!r}: it holds no network that likewise trained. "
            "Name a model of the recipe digits, default or tutorial."
        )
    base = RECIPES[stored["name"]]
    known = {field.name for field in fields(Recipe)}
    if base.pairs == "batch":
        known.discard("pairs_per_image")  # earlier versions took any, and drew none
    recipe = base.changed(**{name: value for name, value in stored.items() if name in known})
    return recipe.changed(
        epochs=EPOCHS,
        steps=STEPS if recipe.pairs == "batch" else 0,
        patience=EPOCHS,
        learning_rate=recipe.learning_rate / _SLOWER,
        kept="last",
        validation=VALIDATION,
        size=model.input_shape[0] if model.input_shape[0] == model.input_shape[1] else 0,
    )


def network_of(model: Embedder) -> keras.Model:
    """Open the Keras network of a model that likewise trained."""
    base: keras.Model = keras.saving.load_model(model.path / "base.keras", compile=False)
    return base


def beside(kept: Dataset, own: Dataset) -> Dataset:
    """Leave out the kept pictures that one's own hold too.

    One that is in both would be divided twice, and so be trained on and held out.

    Args:
        kept: Pictures of the earlier training.
        own: One's own pictures.

    Example:
        >>> pictures = np.arange(3, dtype=np.uint8).reshape(3, 1, 1)
        >>> three = Dataset(["a", "b", "c"], ["1", "1", "2"], pictures)
        >>> beside(three, three.subset([1])).ids
        ['a', 'c']
    """
    known = set(own.contents)
    rows = [row for row, content in enumerate(kept.contents) if content not in known]
    return kept if len(rows) == len(kept) else kept.subset(rows)


def sampled(kept: Dataset, seed: int) -> Dataset:
    """Take at most `KEPT` pictures of the earlier training.

    Args:
        kept: Its pictures.
        seed: Another seed takes others.
    """
    if len(kept) <= KEPT:
        return kept
    rows = np.random.default_rng([seed, 10]).permutation(len(kept))[:KEPT]
    return kept.subset(np.sort(rows).tolist())


def mixed(own: Labelled, kept: Labelled) -> Labelled:
    """Put two sets of pictures together, one's own as often as needed for their share.

    Args:
        own: One's own pictures; at least one.
        kept: Pictures of the earlier training.

    Returns:
        All kept pictures, after own ones, each of these once or more.

    Example:
        >>> own = Labelled(np.zeros((2, 1, 1), np.uint8), ["a", "b"])
        >>> kept = Labelled(np.ones((7, 1, 1), np.uint8), list("abababa"))
        >>> len(mixed(own, kept).labels)  # 2 of 9 are fewer than 3 of 10, 4 of 11 are more
        11
    """
    times = max(1, -(-_OWN * len(kept.labels) // (_OTHERS * len(own.labels))))  # rounded up
    repeated = np.tile(own.pixels, (times, *[1] * (own.pixels.ndim - 1)))
    return together(Labelled(repeated, own.labels * times), kept)


def together(own: Labelled, kept: Labelled) -> Labelled:
    """Put two sets of pictures together, each picture once.

    Args:
        own: One's own pictures.
        kept: Pictures of the earlier training.
    """
    return Labelled(np.concatenate([own.pixels, kept.pixels]), own.labels + kept.labels)
