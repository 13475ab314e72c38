"""Train a model, save it, and measure it on pictures used for no choice.

Two protocols of measurement: balanced random pairs, judged at the threshold that validation chose;
and the nearest references of a gallery, by majority.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from embedder.data.bundled import is_bundled
from embedder.data.label_rule import AUTOMATIC, LabelRule
from embedder.data.sources import Dataset, load, records
from embedder.data.splits import overlap
from embedder.destination import check_destination
from embedder.manifest import write_manifest
from embedder.model import Embedder
from embedder.text import counted
from embedder.training.division import divided
from embedder.training.recipes import RECIPES, Recipe
from embedder.transfer.backbones import require_backbone
from embedder.transfer.settings import DEFAULT, TransferRecipe
from likewise.arrays import Floats
from likewise.joins import LabelJoin
from likewise.metrics.pairs import pair_distances
from likewise.metrics.rates import det_curve, equal_error_rate, pair_accuracy
from likewise.recipe_choice import choose_recipe
from likewise.recipe_names import recipe_of

_TRAINING, _TEST = "mnist/train", "mnist/test"
_PAIRS = 100_000  # pairs of each kind, for each seed
_SEEDS = 5
_NEAREST = 5  # references that vote
_AT_ONCE = 1024  # pictures that are embedded together


def train(
    data: str,
    out: Path,
    recipe: str | None = None,
    *,
    split: str | None = None,
    rule: LabelRule = AUTOMATIC,
    preprocessing: str | None = None,
    test: str | None = None,
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
            `default` for digits, and for a thousand drawings or small grey pictures and more;
            `transfer` for photographs and for few pictures.
        split: `train` or `test`, for data that holds both.
        rule: Where labels stand in paths, if not on the one level of folders that divides.
        preprocessing: How pictures reach the network; `digit2` for the bundled digits and
            `resize` for all else when None.
        test: Labelled pictures to measure the model on; the bundled test digits for the bundled
            training digits when None.
        resume: Go on with a training that was cut off.
        tell: Called with sentences about the data and the recipe that was chosen for it.
        progress: Called, in a transfer, with the number of pictures whose features are there.
        settings: What to change in the recipe; None changes nothing.

    Raises:
        ModuleNotFoundError: If TensorFlow is not installed.
        DatasetError: If the data cannot be read or does not suffice.
        ModelError: If there is something else at `out`, or an unfinished training.
        ValueError: If a setting is out of its range.

    Example:
        >>> folder = Path(tempfile.mkdtemp())
        >>> embedder = train("mnist/test", folder / "model", "tutorial", epochs=1)
        >>> embedder.input_shape, embedder.dim
        ((28, 28), 128)
    """
    check_destination(out, data, *([test] if test else []))
    recipe = recipe or recipe_of({**settings, "preprocessing": preprocessing})
    if recipe is not None:
        _changed(recipe, settings)  # refused before pictures are read
    data = _TRAINING if data == "mnist" and split != "test" else data
    remarks: list[str] = []
    dataset = load(data, split=split, rule=rule, remarks=remarks, keep=False)
    for sentence in remarks:
        tell(sentence)
    if recipe is None and not is_bundled(data):
        choice = choose_recipe(dataset)
        tell(choice.sentence)
        recipe, settings = choice.name, {**choice.settings, **_named(settings)}
    changed = _changed(recipe or "default", settings)
    if test is not None:
        _require_spelling(dataset, test)
    fitted, held = divided(dataset, changed.validation, changed.seed)  # before seconds of import
    tell(_held_out(fitted, held))
    if isinstance(changed, TransferRecipe):
        from embedder.transfer.train import transfer

        model = transfer(dataset, out, changed, resume=resume, progress=progress)
    else:
        from embedder.runtime.quiet import without_notices

        with without_notices():
            from embedder.training.train import train as fit
        chosen = preprocessing or ("digit2" if is_bundled(data) else "resize")
        model = fit(dataset, out, changed, preprocessing=chosen, resume=resume, verbose=True)
    if test is None and data == _TRAINING:
        test = _TEST
    if test is None:
        return model
    return record(model, "test", measure(model, dataset, load(test, remarks=[], keep=False)))


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


def _require_spelling(dataset: Dataset, test: str) -> None:
    """Refuse test data whose labels are the training's in another spelling: all would be wrong.

    Raises:
        UnmatchedLabelsError: Naming such a label.
    """
    join = LabelJoin(set(dataset.labels))
    join.count(record.label for record in records(test))
    join.require_spelling(f"Give both data sets, {dataset.name} and {test}, the same labels.")


def measure(embedder: Embedder, references: Dataset, queries: Dataset) -> dict[str, Any]:
    """Measure pairs among the queries, and the queries' nearest references.

    Args:
        embedder: The model to judge.
        references: Labelled pictures that the queries are searched among.
        queries: Labelled pictures that were used neither in training nor for any choice.

    Returns:
        The entries of `model.json`: `pair_accuracy` at the model's own threshold, `eer` and
        `pair_accuracy_at_0.5`, each the mean over seeds with its standard deviation as `…_spread`;
        `nearest_neighbour_error`, the share of queries of the references' groups whose 5 nearest
        references have another label by majority, with its count as `nearest_neighbour_errors`,
        None without such queries; and the sample sizes, queries of other groups as `strangers`.
    """
    embeddings = np.concatenate(list(_embedded(embedder, queries)))
    threshold = embedder.operating_points["eer"]["threshold"]
    answers = _nearest_labels(embedder, references, embeddings)
    join = LabelJoin(set(references.labels))
    join.count(queries.labels)
    wrong = sum(
        answer != label
        for answer, label in zip(answers, queries.labels, strict=True)
        if label in join
    )
    return {
        "queries": len(queries),
        **({"strangers": join.strangers.total()} if join.strangers else {}),
        "references": len(references),
        "in_both": len(overlap(references, queries)),
        "pairs": 2 * _PAIRS,
        "seeds": _SEEDS,
        **_pair_figures(embeddings, queries.labels, threshold),
        "nearest_neighbours": _NEAREST,
        "nearest_neighbour_error": wrong / join.known if join.known else None,
        "nearest_neighbour_errors": wrong,
    }


def record(embedder: Embedder, split: str, figures: dict[str, Any]) -> Embedder:
    """Write figures into the model's `model.json`, and open it again.

    Args:
        embedder: The model that was measured.
        split: Name to write them under, such as `test`.
        figures: The result of `measure`.
    """
    metadata = {**embedder.metadata}
    metadata["figures"] = {**metadata["figures"], split: figures}
    write_manifest(embedder.path, metadata)
    return Embedder.load(embedder.path)


def _pair_figures(embeddings: Floats, labels: list[str], threshold: float) -> dict[str, float]:
    rows = []
    for seed in range(_SEEDS):
        same, different = pair_distances(embeddings, labels, _PAIRS, seed)
        rows.append(
            (
                pair_accuracy(same, different, threshold),
                equal_error_rate(det_curve(same, different)).rate,
                pair_accuracy(same, different, 0.5),
            )
        )
    names = ("pair_accuracy", "eer", "pair_accuracy_at_0.5")
    means = dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))
    spreads = np.std(rows, axis=0, ddof=1).tolist()
    return means | {f"{name}_spread": spread for name, spread in zip(names, spreads, strict=True)}


def _nearest_labels(
    embedder: Embedder, references: Dataset, embeddings: Floats
) -> list[str | None]:
    """The majority label of each query's nearest references, at any distance."""
    from index.decision import CheckOptions
    from index.gallery import Gallery  # FAISS, after TensorFlow has been loaded

    options = CheckOptions(k=_NEAREST, threshold=sys.float_info.max)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gallery"
        with Gallery.create(path, dim=embedder.dim, fingerprint=embedder.fingerprint) as gallery:
            start = 0
            for vectors in _embedded(embedder, references):
                rows = slice(start, start + len(vectors))
                gallery.add(references.ids[rows], vectors, references.labels[rows])
                start = rows.stop
            decisions = gallery.check(embeddings, options)
    return [decision.label for decision in decisions]


def _embedded(embedder: Embedder, dataset: Dataset) -> Iterator[Floats]:
    """Embed pictures, `_AT_ONCE` at a time."""
    prepared = dataset.each(lambda row, picture: embedder.prepare([picture])[0])
    while batch := list(islice(prepared, _AT_ONCE)):
        yield embedder.embed(np.stack(batch))
