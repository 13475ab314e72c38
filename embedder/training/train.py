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
import numpy as np

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
from embedder.training.turned import with_turned
from likewise.arrays import Pixels
from likewise.metrics.groups import Groups

_LARGEST_OWN = 48  # side up to which pictures of one shape keep it
_SIDE = 32  # side of the square that others are brought to: with 64, small sets were memorised


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
        dataset: Labelled pictures: at least two labels with four pictures each, or four with two.
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
    shape = _input_shape(dataset, recipe.size)
    base = base_network(recipe.network, shape, recipe.dim)
    fitted_on, validation = (
        Labelled(_prepared(part, preprocessing, shape), part.labels) for part in parts
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


def _prepared(part: Dataset, preprocessing: str, shape: tuple[int, ...]) -> Pixels:
    """Pictures as the network takes them; at their own size they come and go."""
    if isinstance(part.images, np.ndarray):
        return prepare(part.images, preprocessing, shape)
    pixels = np.empty((len(part), *shape), np.uint8)
    one = part.each(lambda row, picture: prepare([picture], preprocessing, shape)[0])
    for row, picture in enumerate(one):
        pixels[row] = picture
    return pixels


def _input_shape(dataset: Dataset, size: int) -> tuple[int, ...]:
    """The pictures' own shape where they share a small one, else a square; RGB if any is.

    Args:
        dataset: The pictures.
        size: Side of the square; 0 to choose.
    """
    shapes = dataset.shapes
    colour = (3,) if any(len(shape) == 3 for shape in shapes) else ()
    sizes = {shape[:2] for shape in shapes}
    if not size and len(sizes) == 1 and max(own := sizes.pop()) <= _LARGEST_OWN:
        return (*own, *colour)
    return (size or _SIDE, size or _SIDE, *colour)


def _state(out: Path, dataset: Dataset, recipe: Recipe, preprocessing: str, resume: bool) -> State:
    settings = {**recipe.described(), "preprocessing": preprocessing, "data": dataset.digest}
    state = State(out.with_name(out.name + ".training"), settings)
    if resume:
        state.resume()
    else:
        state.begin()
    return state


def _batches(fitted_on: Labelled, recipe: Recipe, epoch: int) -> Batches:
    if recipe.pairs == "drawn":
        return DrawnPairs(fitted_on.pixels, fitted_on.labels, recipe, epoch)
    if recipe.turned:
        fitted_on = Labelled(*with_turned(*fitted_on))
    return BalancedImages(fitted_on.pixels, fitted_on.labels, recipe, epoch)


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
