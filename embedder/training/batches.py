"""Batches for Keras, drawn for each epoch from seed and epoch alone.

Nothing is remembered between epochs, so a training that goes on after a kill sees the same
batches as one that was never killed.
"""

from __future__ import annotations

from copy import copy
from itertools import islice
from typing import Any

import keras
import numpy as np

from embedder.training.composites import make_composites
from embedder.training.outliers import OF_NO_GROUP, make_outliers
from embedder.training.pairs import balanced_batches, pair_positions
from embedder.training.recipes import Recipe
from embedder.training.turned import turns_of
from embedder.training.writing.making import make_signs, make_writing
from likewise.arrays import Indices, Pixels
from likewise.metrics.groups import Groups

MADE_WRITING = 50_000  # pictures at most, made once for a training
MADE_OUTLIERS = 20_000  # outliers at most, made once for a training; each batch draws from them


class Batches(keras.utils.PyDataset):
    """Batches, epoch by epoch; a subclass implements `drawn`."""

    def __init__(self, recipe: Recipe, epoch: int) -> None:
        super().__init__()
        self.recipe = recipe
        self.epoch = epoch
        self._drawn = self.drawn()

    def drawn(self) -> list[Indices]:
        """Draw the batches of `self.epoch`, as positions."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self._drawn)

    def inputs(self, count: int) -> list[Any]:
        """Draw at most `count` batches of epoch 0, in any epoch."""
        first = copy(self)
        first.epoch = 0
        first._drawn = first.drawn()
        return [first[position][0] for position in range(min(count, len(first)))]

    def on_epoch_end(self) -> None:
        """Draw the next epoch's batches."""
        self.epoch += 1
        self._drawn = self.drawn()


class DrawnPairs(Batches):
    """The tutorial's batches: fixed pairs from `create_pairs`, shuffled each epoch."""

    def __init__(self, images: Pixels, labels: list[str], recipe: Recipe, epoch: int = 0) -> None:
        self.images = images
        self.first, self.second, self.same = pair_positions(
            labels, seed=recipe.seed, pairs_per_image=recipe.pairs_per_image
        )
        super().__init__(recipe, epoch)

    def drawn(self) -> list[Indices]:
        """Shuffle the pairs and cut them into batches."""
        order = np.random.default_rng([self.recipe.seed, self.epoch]).permutation(len(self.same))
        return np.split(order, range(self.recipe.batch, len(order), self.recipe.batch))

    def __getitem__(self, position: int) -> tuple[Any, Any]:
        """Return `((left, right), same)` of one batch."""
        pairs = self._drawn[position]
        left, right = self.images[self.first[pairs]], self.images[self.second[pairs]]
        return (left, right), self.same[pairs]


class BalancedImages(Batches):
    """Class-balanced batches of single pictures with their label codes, for all pairs in them.

    After them in each batch come digits of other writing, `recipe.writing` as many; outliers and
    signs, `recipe.outliers` and `recipe.signs` as many, of the code `OF_NO_GROUP`; and pictures of
    made groups, `recipe.composites` as many, of codes below it.
    """

    def __init__(self, images: Pixels, labels: list[str], recipe: Recipe, epoch: int = 0) -> None:
        self.images = images
        self.groups = Groups.of(labels)
        count = min(MADE_OUTLIERS, len(images)) if recipe.outliers else 0
        self.outliers = make_outliers(images, self.groups.codes, count, recipe.seed)
        count = min(MADE_WRITING, len(images)) if recipe.writing else 0
        self.writing = make_writing(images, self.groups, count, recipe.seed)
        count = min(MADE_OUTLIERS, len(images)) if recipe.signs else 0
        self.signs = make_signs(images.shape[1:], count, recipe.seed)
        super().__init__(recipe, epoch)

    def drawn(self) -> list[Indices]:
        """Draw an epoch of class-balanced batches."""
        recipe = self.recipe
        fewest = -(-recipe.steps // recipe.epochs)  # rounded up
        batches = balanced_batches(
            self.groups.codes, recipe.batch, recipe.seed, self.epoch, fewest=fewest
        )
        if not recipe.turned:
            return list(batches)
        turns = len(turns_of(*self.images.shape[1:3]))
        alone = len(self.images) // turns // recipe.batch  # as long without the turned ones
        return list(islice(batches, max(fewest, alone)))

    def __getitem__(self, position: int) -> tuple[Any, Any]:
        """Return `(images, codes)` of one batch."""
        positions = self._drawn[position]
        rng = np.random.default_rng([self.recipe.seed, self.epoch, position])
        recipe, size = self.recipe, len(positions)
        written = rng.choice(len(self.writing.codes), round(recipe.writing * size))
        outliers = rng.choice(len(self.outliers), round(recipe.outliers * size))
        signs = rng.choice(len(self.signs), round(recipe.signs * size))
        halves, made = make_composites(
            self.images, self.groups, round(recipe.composites * size), rng
        )
        images = [
            *(self.images[positions], self.writing.pixels[written]),
            *(self.outliers[outliers], self.signs[signs], halves),
        ]
        codes = [
            *(self.groups.codes[positions], self.writing.codes[written]),
            *(np.full(len(outliers) + len(signs), OF_NO_GROUP), made),
        ]
        return np.concatenate(images), np.concatenate(codes)
