"""Train a model, from nothing or from another one, save it, and measure it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from embedder.data.bundled import is_bundled
from embedder.data.label_rule import AUTOMATIC, LabelRule
from embedder.data.sources import Dataset, load, records
from embedder.destination import check_destination
from embedder.errors import DatasetError, UnlabelledError
from embedder.model import Embedder
from embedder.text import counted
from embedder.training.division import divided
from embedder.training.recipes import RECIPES, Recipe
from embedder.transfer.backbones import require_backbone
from embedder.transfer.settings import DEFAULT, TransferRecipe
from likewise.further import load_telling, train_further
from likewise.joins import LabelJoin
from likewise.metrics.groups import Groups
from likewise.model_figures import measure, record
from likewise.recipe_choice import choose_recipe
from likewise.recipe_names import OF_START, recipe_of

_TRAINING, _TEST = "mnist/train", "mnist/test"


def train(
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    recipe: str | None = None,
    *,
    start: Embedder | None = None,
    keep: str | os.PathLike[str] | None = None,
    split: str | None = None,
    rule: LabelRule = AUTOMATIC,
    preprocessing: str | None = None,
    test: str | os.PathLike[str] | None = None,
    resume: bool = False,
    tell: Callable[[str], object] = lambda sentence: None,
    progress: Callable[[int], object] = lambda count: None,
    **settings: Any,
) -> Embedder:
    """Train a model, save it, and measure it on pictures that it has not seen.

    Args:
        data: Labelled pictures; `mnist` means its training digits.
        out: Directory of the model.
        recipe: A name of `embedder.training.recipes.RECIPES`, or `transfer`: fit a head to the
            features of a model that exists, without TensorFlow. When None, what fits the pictures:
            `digits` for the bundled digits, `default` for a thousand drawings or small grey
            pictures and more, `transfer` for photographs and for few pictures.
        start: A model to go on from, with its own recipe and preprocessing, instead of a network
            that knows nothing. `figures` of the new model has `further`: what was right before and
            after, of the held-out pictures of both kinds.
        keep: With `start`, pictures that it was trained on, to be mixed in so that it does not
            forget them; the bundled digits where it was trained on these when None.
        split: `train` or `test`, for data that holds both.
        rule: Where labels stand in paths, if not on the one level of folders that divides.
        preprocessing: How pictures reach the network; `digit2` for the bundled digits and the
            recipe `digits`, `resize` for all else when None.
        test: Labelled pictures to measure the model on; the bundled test digits for the bundled
            training digits when None.
        resume: Go on with a training that was cut off.
        tell: Called with sentences about the data, what in them was passed over, and the recipe
            that was chosen for them.
        progress: Called, in a transfer, with the number of pictures whose features are there.
        settings: What to change in the recipe; None changes nothing.

    Raises:
        ModuleNotFoundError: If TensorFlow is not installed.
        DatasetError: If the data cannot be read or does not suffice.
        ModelError: If there is something else at `out`, or an unfinished training.
        UnlabelledError: If the test pictures have no labels.
        ValueError: If a setting is out of its range, or there is no such recipe.

    Example:
        >>> from tempfile import mkdtemp
        >>> folder = Path(mkdtemp())
        >>> embedder = train("mnist/test", folder / "model", "tutorial", epochs=1)
        >>> embedder.input_shape, embedder.dim
        ((28, 28), 128)
    """
    data, out = os.fspath(data), Path(out)
    keep, test = (None if name is None else os.fspath(name) for name in (keep, test))
    check_destination(out, data, *([test] if test else []))
    _check_start(start, keep, recipe, preprocessing, settings)
    recipe = recipe or recipe_of({**settings, "preprocessing": preprocessing})
    if start is not None:
        _require_tensorflow()
    elif recipe is not None:
        _changed(recipe, settings)  # refused before pictures are read
    data = _TRAINING if data == "mnist" and split != "test" else data
    dataset = load_telling(data, tell, split=split, rule=rule)
    queries = None if test is None else _queries(test, dataset, tell)
    if start is not None:
        model = train_further(
            dataset, out, start, keep=keep, resume=resume, tell=tell, settings=settings
        )
        return model if queries is None else _tested(model, dataset, queries)
    if recipe is None and not is_bundled(data):
        choice = choose_recipe(dataset)
        tell(choice.sentence)
        recipe, settings = choice.name, {**choice.settings, **_named(settings)}
    changed = _changed(recipe or "digits", settings)
    fitted, held = divided(dataset, changed.validation, changed.seed)  # before seconds of import
    tell(_held_out(fitted, held))
    if isinstance(changed, TransferRecipe):
        from embedder.transfer.train import transfer

        model = transfer(dataset, out, changed, resume=resume, progress=progress)
    else:
        from embedder.runtime.quiet import without_notices

        with without_notices():
            from embedder.training.train import train as fit
        chosen = preprocessing or ("digit2" if is_bundled(data) or changed.writing else "resize")
        model = fit(dataset, out, changed, preprocessing=chosen, resume=resume, verbose=True)
    if queries is None and data == _TRAINING:
        queries = load(_TEST, keep=False)
    return model if queries is None else _tested(model, dataset, queries)


def _queries(test: str, dataset: Dataset, tell: Callable[[str], object]) -> Dataset:
    """Read the test pictures before the training, so that no hour of work ends in a refusal.

    Raises:
        DatasetError: If they cannot be read, or make no pairs.
        UnlabelledError: If they have no labels.
    """
    _require_labels(dataset, test)
    queries = load_telling(test, tell)
    if not Groups.of(queries.labels).have_pairs:
        pictures = counted(len(queries), "picture")
        labels = counted(len(set(queries.labels)), "label")
        raise DatasetError(
            "Expected test pictures of at least two labels, two pictures of one of them, since a "
            f"model is measured by pairs. {test} has {pictures} of {labels}: add some, or measure "
            "without it."
        )
    return queries


def _tested(model: Embedder, dataset: Dataset, queries: Dataset) -> Embedder:
    return record(model, "test", measure(model, dataset, queries))


def _check_start(
    start: Embedder | None,
    keep: str | None,
    recipe: str | None,
    preprocessing: str | None,
    settings: Mapping[str, Any],
) -> None:
    """Refuse what does not go with going on, or only with it.

    Raises:
        ValueError: If there is such a setting.
    """
    if start is None and keep is not None:
        raise ValueError("`keep` goes with `start`: the pictures that this model was trained on.")
    named = {"recipe": recipe, "preprocessing": preprocessing, **settings}
    own = [name for name in OF_START if named.get(name) is not None]
    if start is not None and own:
        raise ValueError(
            f"A training that goes on from a model has that model's {own[0]}. "
            f"Received: {own[0]} = {named[own[0]]!r}. Leave it out."
        )


def _named(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the caller names."""
    return {name: value for name, value in settings.items() if value is not None}


def _changed(recipe: str, settings: Mapping[str, Any]) -> Recipe | TransferRecipe:
    """A recipe with other settings, once it is known that it can run here.

    Raises:
        ModuleNotFoundError: If it needs TensorFlow, which is not installed.
        ModelError: If there is no such backbone.
        ValueError: If a setting is out of its range.
    """
    if recipe == "transfer":
        changed = DEFAULT.changed(**settings)
        require_backbone(changed.backbone)
        return changed
    if recipe not in RECIPES:
        names = ", ".join((*RECIPES, "transfer"))
        raise ValueError(f"`recipe` must be one of {names}. Received: {recipe!r}.")
    _require_tensorflow()
    return RECIPES[recipe].changed(**settings)


def _require_tensorflow() -> None:
    """Refuse to read pictures for a training that cannot begin, without the seconds of an import.

    Raises:
        ModuleNotFoundError: If TensorFlow is not installed.
    """
    if find_spec("tensorflow") is None:
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")


def _held_out(fitted: Dataset, held: Dataset) -> str:
    pictures = counted(len(held), "picture")
    labels = counted(len(set(held.labels)), "label")
    whole = "" if {*held.labels} & {*fitted.labels} else " (whole labels: too few have 4 pictures)"
    return f"Held out to validate: {pictures} of {labels}{whole}, out of {len(fitted) + len(held)}."


def _require_labels(dataset: Dataset, test: str) -> None:
    """Refuse test data without labels, or with the training's in another spelling: all were wrong.

    Raises:
        UnlabelledError: If no test picture has a label.
        UnmatchedLabelsError: Naming such a label.
    """
    join = LabelJoin(set(dataset.labels))
    join.count(record.label for record in records(test))
    if not (join.known or join.strangers):
        raise UnlabelledError(
            f"{test} has no labels, and a model is measured by these: give a folder per label, or "
            "a list of path,label."
        )
    join.require_spelling(f"Give both data sets, {dataset.name} and {test}, the same labels.")
