"""From a user's words to a trained and measured model. The only way from here to TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from embedder.data.bundled import is_bundled
from embedder.data.sources import load
from embedder.model import Embedder
from embedder.training.destination import check_destination
from embedder.training.recipes import RECIPES

_TRAINING, _TEST = "mnist/train", "mnist/test"


def train(
    data: str,
    out: Path,
    recipe: str,
    *,
    split: str | None = None,
    preprocessing: str | None = None,
    test: str | None = None,
    resume: bool = False,
    **settings: Any,
) -> Embedder:
    """Train a model, save it, and measure it on pictures that it has not seen.

    Args:
        data: Labelled pictures; `mnist` means its training digits.
        out: Directory of the model.
        recipe: A name of `embedder.training.recipes.RECIPES`.
        split: `train` or `test`, for data that holds both.
        preprocessing: How pictures reach the network; `digit` for the bundled digits and
            `resize` for all else when None.
        test: Labelled pictures to measure the model on; the bundled test digits for the bundled
            training digits when None.
        resume: Go on with a training that was cut off.
        settings: What to change in the recipe; None changes nothing.

    Raises:
        ModuleNotFoundError: If TensorFlow is not installed.
        DatasetError: If the data cannot be read or does not suffice.
        ModelError: If there is something else at `out`, or an unfinished training.
        ValueError: If a setting is out of its range.
    """
    check_destination(out, data, *([test] if test else []))
    changed = RECIPES[recipe].changed(**settings)
    from embedder.training.train import train

    data = _TRAINING if data == "mnist" and split != "test" else data
    dataset = load(data, split=split)
    model = train(
        dataset,
        out,
        changed,
        preprocessing=preprocessing or ("digit" if is_bundled(data) else "resize"),
        resume=resume,
        verbose=True,
    )
    if test is None and data == _TRAINING:
        test = _TEST
    if test is None:
        return model
    from likewise.measurement import measure, record

    return record(model, "test", measure(model, dataset, load(test)))
