"""Fit a base network: the model around it, its loss and optimizer, the best epoch kept."""

from __future__ import annotations

import contextlib
import sys
from typing import Any, NamedTuple

import keras

from embedder.training.averaging import averaging
from embedder.training.batches import Batches
from embedder.training.checkpoint import State, ValidationEER
from embedder.training.loss import AllPairsContrastiveLoss, contrastive_loss_with_margin
from embedder.training.memory import KeepFreedMemory
from embedder.training.networks import UNIT, siamese_network
from embedder.training.recipes import TUTORIAL_THRESHOLD, Recipe
from likewise.arrays import Pixels

_RENEWING_BATCHES = 20  # batches for the statistics of averaged weights


class Labelled(NamedTuple):
    """Pictures as the network takes them, `(n, *input_shape)` uint8, and their n labels."""

    pixels: Pixels
    labels: list[str]


def fit(
    base: keras.Model,
    batches: Batches,
    validation: Labelled,
    recipe: Recipe,
    state: State,
    *,
    verbose: bool = False,
) -> None:
    """Train `base`, continuing after the last epoch in `state`; keep the best epoch's weights.

    Args:
        base: The base network.
        batches: Training pictures, by epoch.
        validation: Pictures by whose EER the best epoch is chosen.
        recipe: Loss, optimizer and number of epochs.
        state: Where checkpoints and the history are kept.
        verbose: Show Keras's progress, on stderr.
    """
    model = _trainable(base, recipe, len(batches))
    if state.epochs:
        model.load_weights(state.checkpoint)
    inputs = batches.inputs(_RENEWING_BATCHES)
    watch = ValidationEER(base, inputs, *validation, state, recipe.patience, recipe.seed)
    is_over = state.has_stopped(recipe.patience)  # and was cut off before its model was written
    with contextlib.redirect_stdout(sys.stderr):
        model.fit(
            batches,
            epochs=len(state.epochs) if is_over else recipe.epochs,
            initial_epoch=len(state.epochs),
            shuffle=False,  # the batches are drawn by seed and epoch
            callbacks=[watch, KeepFreedMemory()],
            verbose=_progress() if verbose else 0,
        )
    base.load_weights(state.best_weights)


def _progress() -> str | int:
    """Keras's value for a bar in a terminal, or for a plain line per epoch in a log."""
    return "auto" if sys.stderr.isatty() else 2


def _trainable(base: keras.Model, recipe: Recipe, steps: int) -> keras.Model:
    """Build and compile the model around the base network: pairs, or distorted batches."""
    optimizer = _optimizer(recipe, steps)
    if recipe.pairs == "drawn":
        model = siamese_network(base)
        model.compile(
            optimizer,
            contrastive_loss_with_margin(recipe.margin),
            metrics=[_accuracy_at_half],
            jit_compile=False,
        )
    else:
        from embedder.training.augmentation import Distortion

        pixels = keras.Input(base.input_shape[1:], dtype="uint8")
        distorted = Distortion(recipe.augmentation, recipe.seed)(pixels)
        model = keras.Model(pixels, base(distorted))
        loss = AllPairsContrastiveLoss(
            recipe.margin, recipe.near, recipe.made_margin, unit=recipe.network in UNIT
        )
        model.compile(optimizer, loss, jit_compile=False)
    optimizer.build(model.trainable_variables)  # so that a checkpoint finds its variables
    return model


def _accuracy_at_half(same: Any, distance: Any) -> Any:
    """Compute the share of pairs that the tutorial's threshold judges correctly."""
    near = keras.ops.cast(distance <= TUTORIAL_THRESHOLD, "float32")
    return keras.ops.mean(keras.ops.equal(keras.ops.reshape(same, (-1, 1)), near))


def _optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    rate: Any = recipe.learning_rate
    if recipe.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(
            0.0,
            decay_steps=max(1, (recipe.epochs - 1) * steps),
            alpha=0.01,
            warmup_target=recipe.learning_rate,
            warmup_steps=steps,
        )
    averaged = averaging(recipe.averaging, recipe.epochs * steps)
    if recipe.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(rate, **averaged)
    return keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, **averaged)
