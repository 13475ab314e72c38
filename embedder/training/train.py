"""From labelled pictures to a saved model: split, fit, keep the best, measure, write.

Does not search and does not decide: the thresholds stored with a model are measured on the
validation pictures, which the weights were not fitted to (`thresholds`).
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from embedder.data.sources import Dataset
from embedder.data.splits import split
from embedder.errors import DatasetError
from embedder.model import Embedder
from embedder.preprocessing.prepare import prepare
from embedder.text import counted
from embedder.training.averaging import averaging
from embedder.training.batches import BalancedImages, Batches, DrawnPairs
from embedder.training.checkpoint import State, ValidationEER
from embedder.training.destination import check_destination
from embedder.training.export import save_model
from embedder.training.loss import AllPairsContrastiveLoss, contrastive_loss_with_margin
from embedder.training.networks import base_network, multiply_adds, siamese_network
from embedder.training.outliers import make_outliers
from embedder.training.plots import draw_history, draw_pairs
from embedder.training.recipes import RECIPES, Recipe
from embedder.training.thresholds import Point, pair_point, search_point
from likewise.arrays import Pixels
from likewise.metrics.groups import Groups
from likewise.metrics.pairs import pair_distances
from likewise.metrics.rates import det_curve, equal_error_rate, pair_accuracy

LARGEST_SIDE = 64  # pictures of mixed or larger sizes are brought to a square of this side
TUTORIAL_THRESHOLD = 0.5
MEASURED_PAIRS = 200_000
MADE_TO_MEASURE = 5_000
RENEWING_BATCHES = 20

Labelled = tuple[Pixels, list[str]]  # pictures as the network takes them


def train(
    dataset: Dataset,
    out: str | Path,
    recipe: Recipe = RECIPES["default"],
    *,
    preprocessing: str = "resize",
    resume: bool = False,
    verbose: bool = False,
) -> Embedder:
    """Train an embedder and save it.

    Args:
        dataset: Labelled pictures: at least two labels, with two pictures each.
        out: Model directory to write, whole or not at all; an earlier model there is replaced.
            Until it is written, the state of the training lies in `<out>.training`.
        recipe: How to train.
        preprocessing: How pictures reach the network, now and whenever the model is used: a name
            of `embedder.preprocessing.prepare.PREPROCESSINGS`.
        resume: Go on from the last whole epoch of a training that was cut off.
        verbose: Show Keras's progress, on stderr.

    Returns:
        The saved model, opened.

    Raises:
        DatasetError: If the pictures or labels do not suffice.
        ModelError: If `out` is there and is no model, or if there is an unfinished training that
            should not be resumed, or has other settings.
    """
    out = Path(out)
    check_destination(out)
    _seed_everything(recipe.seed)
    fitted_on, held_out = split(dataset, recipe.validation, recipe.seed)
    _check(fitted_on, "training")
    _check(held_out, "validation")
    shape = _input_shape(dataset)
    state = State(out.with_name(out.name + ".training"), _settings(dataset, recipe, preprocessing))
    if resume:
        state.resume()
    else:
        state.begin()
    validation = prepare(held_out.images, preprocessing, shape)
    base = base_network(recipe.network, shape, recipe.dim)
    pictures = prepare(fitted_on.images, preprocessing, shape)
    batches = _batches(pictures, fitted_on.labels, recipe, len(state.epochs))
    _fit(base, batches, (validation, held_out.labels), recipe, state, verbose)
    base.load_weights(state.best_weights)
    details = _details(base, dataset, recipe, (validation, held_out.labels), state)
    if recipe.outliers:
        point = _search_point(
            base, (pictures, fitted_on.labels), (validation, held_out.labels), recipe.seed
        )
        details["operating_points"]["default"] = point
    save_model(base, out, preprocessing, details)
    embedder = Embedder.load(out)
    _illustrate(embedder, validation, held_out.labels, state, recipe)
    shutil.rmtree(state.path)
    return embedder


def _seed_everything(seed: int) -> None:
    keras.utils.set_random_seed(seed)
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


def _check(dataset: Dataset, part: str) -> None:
    groups = Groups.of(dataset.labels)
    if len(groups.names) < 2 or groups.sizes.max(initial=0) < 2:
        raise DatasetError(
            f"The {part} part of {dataset.name!r} needs at least 2 labels and 2 pictures of one "
            f"of them. Received: {counted(len(dataset.labels), 'picture')} of "
            f"{counted(len(groups.names), 'label')}. "
            "Add pictures, or change --validation."
        )


def _input_shape(dataset: Dataset) -> tuple[int, ...]:
    """The pictures' own shape where they share a small one, else a square; RGB if any is."""
    shapes = {image.shape for image in dataset.images}
    colour = (3,) if any(len(shape) == 3 for shape in shapes) else ()
    sizes = {shape[:2] for shape in shapes}
    size = sizes.pop() if len(sizes) == 1 else (LARGEST_SIDE, LARGEST_SIDE)
    return (*(size if max(size) <= LARGEST_SIDE else (LARGEST_SIDE, LARGEST_SIDE)), *colour)


def _settings(dataset: Dataset, recipe: Recipe, preprocessing: str) -> dict[str, Any]:
    return {**recipe.described(), "preprocessing": preprocessing, "data": dataset.digest}


def _batches(pictures: Pixels, labels: list[str], recipe: Recipe, epoch: int) -> Batches:
    kind = DrawnPairs if recipe.pairs == "drawn" else BalancedImages
    return kind(pictures, labels, recipe, epoch)


def _fit(
    base: keras.Model,
    batches: Batches,
    validation: Labelled,
    recipe: Recipe,
    state: State,
    verbose: bool,
) -> None:
    """Train `base` from the last epoch in `state` on; `state` holds the result."""
    model = _trainable(base, recipe, len(batches))
    if state.epochs:
        model.load_weights(state.checkpoint)
    inputs = batches.inputs(RENEWING_BATCHES)
    watch = ValidationEER(base, inputs, *validation, state, recipe.patience, recipe.seed)
    with contextlib.redirect_stdout(sys.stderr):
        model.fit(
            batches,
            epochs=recipe.epochs,
            initial_epoch=len(state.epochs),
            shuffle=False,  # the batches are drawn by seed and epoch
            callbacks=[watch],
            verbose="auto" if verbose else 0,
        )


def _trainable(base: keras.Model, recipe: Recipe, steps: int) -> keras.Model:
    """Put the base network into the model that is fitted, and compile that."""
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
        loss = AllPairsContrastiveLoss(recipe.margin, recipe.near, recipe.made_margin)
        model.compile(optimizer, loss, jit_compile=False)
    optimizer.build(model.trainable_variables)  # so that a checkpoint finds its variables
    return model


def _accuracy_at_half(same: Any, distance: Any) -> Any:
    """Share of the pairs that the tutorial's threshold judges rightly."""
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


def _details(
    base: keras.Model,
    dataset: Dataset,
    recipe: Recipe,
    validation: Labelled,
    state: State,
) -> dict[str, Any]:
    """The entries of `model.json` that say how the model came to be and how good it is."""
    images, labels = validation
    embeddings = base.predict(images, batch_size=500, verbose=0)
    same, different = pair_distances(embeddings, labels, MEASURED_PAIRS, recipe.seed + 1)
    point = pair_point(same, different, len(labels))
    measured = {
        "images": len(labels),
        "pairs": 2 * MEASURED_PAIRS,
        "eer": equal_error_rate(det_curve(same, different)).rate,
        "pair_accuracy": pair_accuracy(same, different, point["threshold"]),
        "pair_accuracy_at_0.5": pair_accuracy(same, different, TUTORIAL_THRESHOLD),
    }
    return {
        "recipe": recipe.described(),
        "epochs": len(state.epochs),
        "best_epoch": state.best["epoch"],
        "multiply_adds": multiply_adds(base),
        "data": {"name": dataset.name, "images": len(dataset.labels), "sha256": dataset.digest},
        "labels": Groups.of(dataset.labels).names,
        "figures": {"validation": measured},
        "operating_points": {"eer": point},
    }


def _search_point(base: keras.Model, fitted_on: Labelled, held_out: Labelled, seed: int) -> Point:
    """Measure a threshold for galleries on held-out pictures, and on outliers made of these."""
    images, labels = held_out
    made = make_outliers(images, Groups.of(labels).codes, MADE_TO_MEASURE, seed)
    references, known, unknown = (
        base.predict(pictures, batch_size=500, verbose=0)
        for pictures in (fitted_on[0], images, made)
    )
    return search_point(references, np.array(fitted_on[1]), known, np.array(labels), unknown)


def _illustrate(
    embedder: Embedder,
    pictures: Pixels,
    labels: list[str],
    state: State,
    recipe: Recipe,
) -> None:
    """Leave the history, as JSON and as a picture, and 16 random pairs beside the model."""
    history = {"settings": state.settings, "epochs": state.epochs}
    (embedder.path / "history.json").write_text(json.dumps(history, indent=1) + "\n")
    draw_history(state.epochs, embedder.path / "history.png")
    threshold = embedder.operating_points["eer"]["threshold"]
    draw_pairs(embedder, pictures, labels, threshold, recipe.seed, embedder.path / "pairs.png")
