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
from embedder.errors import DatasetError
from embedder.model import Embedder
from embedder.preprocessing.prepare import prepare
from embedder.training.batches import BalancedImages, Batches, DrawnPairs
from embedder.training.checkpoint import State
from embedder.training.division import divided
from embedder.training.export import save_model
from embedder.training.fitting import Labelled, fit
from embedder.training.further import Start, mixed, network_of, together
from embedder.training.measuring import measured
from embedder.training.networks import base_network, multiply_adds
from embedder.training.plots import draw_history, draw_pairs
from embedder.training.recipes import RECIPES, Recipe
from embedder.training.turned import with_turned
from embedder.training.writing.shapes import DIGITS
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
    start: Start | None = None,
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
        start: A model to go on from, instead of a network that knows nothing; with the recipe of
            `embedder.training.further.further_recipe`, and the model's own preprocessing.
        resume: Go on from the last whole epoch of a training that was cut off.
        verbose: Show Keras's progress, on stderr.

    Returns:
        The saved model, opened.

    Raises:
        DatasetError: If the pictures or labels do not suffice, or are no digits where the recipe is
            for these.
        ModelError: If `out` exists and is not a model, or if there is an unfinished training that
            should not be resumed, or has other settings.
    """
    out = Path(out)
    check_destination(out)
    _seed_everything(recipe.seed)
    _require_digits(dataset, recipe)
    parts = divided(dataset, recipe.validation, recipe.seed)
    state = _state(out, dataset, recipe, preprocessing, start, resume)
    if start is None:
        base = base_network(recipe.network, _input_shape(dataset, recipe), recipe.dim)
    else:
        base = network_of(start.model)
    fitted_on, validation = _labelled(parts, preprocessing, base)
    if start is not None and start.kept is not None:
        old = divided(start.kept, recipe.validation, recipe.seed)
        old_fitted, old_validation = _labelled(old, preprocessing, base)
        fitted_on = mixed(fitted_on, old_fitted)
        validation = together(validation, old_validation)
    batches = _batches(fitted_on, recipe, len(state.epochs))
    fit(base, batches, validation, recipe, state, verbose=verbose)
    details = _origin(base, dataset, recipe, state) | measured(base, fitted_on, validation, recipe)
    if start is not None:
        details |= {"from": _settings(start)}
    save_model(base, out, preprocessing, details)
    embedder = Embedder.load(out)
    _illustrate(embedder, validation, state, recipe)
    shutil.rmtree(state.path)
    return embedder


def _seed_everything(seed: int) -> None:
    keras.utils.set_random_seed(seed)
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


def _labelled(
    parts: tuple[Dataset, Dataset], preprocessing: str, base: keras.Model
) -> tuple[Labelled, Labelled]:
    first, second = (
        Labelled(_prepared(part, preprocessing, base.input_shape[1:]), part.labels)
        for part in parts
    )
    return first, second


def _prepared(part: Dataset, preprocessing: str, shape: tuple[int, ...]) -> Pixels:
    """Pictures as the network takes them; at their own size they come and go."""
    if isinstance(part.images, np.ndarray):
        return prepare(part.images, preprocessing, shape)
    pixels = np.empty((len(part), *shape), np.uint8)
    one = part.each(lambda row, picture: prepare([picture], preprocessing, shape)[0])
    for row, picture in enumerate(one):
        pixels[row] = picture
    return pixels


def _require_digits(dataset: Dataset, recipe: Recipe) -> None:
    others = sorted({*dataset.labels} - {*DIGITS}) if recipe.writing else []
    if others:
        raise DatasetError(
            f"The recipe {recipe.name} is for pictures of digits, labelled 0 to 9, but "
            f"{dataset.name!r} has the label {others[0]!r}. Name another recipe, or none."
        )


def _input_shape(dataset: Dataset, recipe: Recipe) -> tuple[int, ...]:
    """The pictures' own shape where they share a small one, else a square; RGB if any is.

    Args:
        dataset: The pictures.
        recipe: Names the side of the square; digits of other writing are grey.
    """
    shapes, size = dataset.shapes, recipe.size
    colour = (3,) if any(len(shape) == 3 for shape in shapes) and not recipe.writing else ()
    sizes = {shape[:2] for shape in shapes}
    if not size and len(sizes) == 1 and max(own := sizes.pop()) <= _LARGEST_OWN:
        return (*own, *colour)
    return (size or _SIDE, size or _SIDE, *colour)


def _state(
    out: Path,
    dataset: Dataset,
    recipe: Recipe,
    preprocessing: str,
    start: Start | None,
    resume: bool,
) -> State:
    settings = {**recipe.described(), "preprocessing": preprocessing, "data": dataset.digest}
    if start is not None:
        settings["from"] = _settings(start)
    state = State(out.with_name(out.name + ".training"), settings)
    if resume:
        state.resume()
    else:
        state.begin()
    return state


def _settings(start: Start) -> dict[str, Any]:
    """What a training went on from."""
    kept = start.kept
    data = None if kept is None else {"name": kept.name, "sha256": kept.digest}
    return {"fingerprint": start.model.fingerprint, "kept": data}


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
