"""From labelled pictures to a saved model: split, fit, keep the best, measure, write.

Does not search and does not decide: the thresholds stored with a model are measured on the
validation pictures, which the weights were not fitted to (`measuring`).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import keras

from embedder.data.sources import Dataset
from embedder.destination import check_destination
from embedder.model import Embedder
from embedder.preprocessing.prepare import prepare
from embedder.training.batches import BalancedImages, Batches, DrawnPairs
from embedder.training.checkpoint import State
from embedder.training.division import divided
from embedder.training.export import save_model
from embedder.training.fitting import Labelled, fit
from embedder.training.measuring import measured
from embedder.training.networks import base_network, multiply_adds
from embedder.training.plots import draw_history, draw_pairs
from embedder.training.recipes import RECIPES, Recipe
from likewise.metrics.groups import Groups

LARGEST_SIDE = 64  # pictures of mixed or larger sizes are brought to a square of this side


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
        ModelError: If `out` exists and is not a model, or if there is an unfinished training that
            should not be resumed, or has other settings.
    """
    out = Path(out)
    check_destination(out)
    _seed_everything(recipe.seed)
    parts = divided(dataset, recipe.validation, recipe.seed)
    state = _state(out, dataset, recipe, preprocessing, resume)
    shape = _input_shape(dataset)
    base = base_network(recipe.network, shape, recipe.dim)
    fitted_on, validation = (
        Labelled(prepare(part.images, preprocessing, shape), part.labels) for part in parts
    )
    batches = _batches(fitted_on, recipe, len(state.epochs))
    fit(base, batches, validation, recipe, state, verbose=verbose)
    details = _origin(base, dataset, recipe, state) | measured(base, fitted_on, validation, recipe)
    save_model(base, out, preprocessing, details)
    embedder = Embedder.load(out)
    _illustrate(embedder, validation, state, recipe)
    shutil.rmtree(state.path)
    return embedder


def _seed_everything(seed: int) -> None:
    keras.utils.set_random_seed(seed)
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


def _input_shape(dataset: Dataset) -> tuple[int, ...]:
    """The pictures' own shape where they share a small one, else a square; RGB if any is."""
    shapes = {image.shape for image in dataset.images}
    colour = (3,) if any(len(shape) == 3 for shape in shapes) else ()
    sizes = {shape[:2] for shape in shapes}
    size = sizes.pop() if len(sizes) == 1 else (LARGEST_SIDE, LARGEST_SIDE)
    return (*(size if max(size) <= LARGEST_SIDE else (LARGEST_SIDE, LARGEST_SIDE)), *colour)


def _state(out: Path, dataset: Dataset, recipe: Recipe, preprocessing: str, resume: bool) -> State:
    settings = {**recipe.described(), "preprocessing": preprocessing, "data": dataset.digest}
    state = State(out.with_name(out.name + ".training"), settings)
    if resume:
        state.resume()
    else:
        state.begin()
    return state


def _batches(fitted_on: Labelled, recipe: Recipe, epoch: int) -> Batches:
    kind = DrawnPairs if recipe.pairs == "drawn" else BalancedImages
    return kind(fitted_on.pixels, fitted_on.labels, recipe, epoch)


def _origin(base: keras.Model, dataset: Dataset, recipe: Recipe, state: State) -> dict[str, Any]:
    """The entries of `model.json` that say how the model came to be."""
    return {
        "recipe": recipe.described(),
        "epochs": len(state.epochs),
        "best_epoch": state.best["epoch"],
        "multiply_adds": multiply_adds(base),
        "data": {"name": dataset.name, "images": len(dataset.labels), "sha256": dataset.digest},
        "labels": Groups.of(dataset.labels).names,
    }


def _illustrate(embedder: Embedder, validation: Labelled, state: State, recipe: Recipe) -> None:
    """Write the history, as JSON and as a picture, and 16 random pairs beside the model."""
    history = {"settings": state.settings, "epochs": state.epochs}
    (embedder.path / "history.json").write_text(json.dumps(history, indent=1) + "\n")
    draw_history(state.epochs, embedder.path / "history.png")
    threshold = embedder.operating_points["eer"]["threshold"]
    draw_pairs(embedder, *validation, threshold, recipe.seed, embedder.path / "pairs.png")
