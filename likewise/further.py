"""Go on training a model with one's own pictures, and tell what it knew before and after."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from embedder.data.bundled import pictures_of
from embedder.data.dataset import Dataset
from embedder.data.sources import Record, load
from embedder.errors import DatasetError
from embedder.model import Embedder
from embedder.runtime.quiet import without_notices
from embedder.text import counted
from embedder.training.division import divided, division
from embedder.training.recipes import Recipe
from index.decision import Decision
from likewise.matcher import Matcher
from likewise.model_figures import record

_TRAINING = "mnist/train"


def train_further(
    dataset: Dataset,
    out: Path,
    start: Embedder,
    *,
    keep: str | None,
    resume: bool,
    tell: Callable[[str], object],
    settings: Mapping[str, Any],
) -> Embedder:
    """Go on training a model, and measure it before and after on held-out pictures of both kinds.

    Args:
        dataset: One's own labelled pictures.
        out: Directory of the new model.
        start: The model to go on from. Left unchanged.
        keep: Pictures that it was trained on, to be mixed in; the bundled digits, where it was
            trained on these, when None.
        resume: Go on with a training that was cut off.
        tell: Called with sentences about what is mixed in, and with the figures.
        settings: What to change in the recipe; None changes nothing.

    Returns:
        The new model; `figures` in its `model.json` has `further`: of one's own held-out pictures
        and of the kept ones the shares that are right, before and after.

    Raises:
        DatasetError: If there are too few pictures.
        ModelError: If the model holds no network to go on with.
    """
    with without_notices():
        from embedder.training.further import Start, further_recipe
        from embedder.training.train import train
    recipe = further_recipe(start).changed(**settings)
    kept = _kept(start, keep, tell)
    if kept is not None:
        kept = _mixed_in(kept, dataset, recipe, tell)
    model = train(
        dataset,
        out,
        recipe,
        preprocessing=start.preprocessing,
        start=Start(start, kept),
        resume=resume,
        verbose=True,
    )
    parts = [_Parts(dataset.name, *divided(dataset, recipe.validation, recipe.seed))]
    if kept is not None:
        parts.append(_Parts(kept.name, *divided(kept, recipe.validation, recipe.seed)))
    figures = {"before": _shares(start, parts), "after": _shares(model, parts)}
    return record(model, "further", figures)


def _mixed_in(
    kept: Dataset, own: Dataset, recipe: Recipe, tell: Callable[[str], object]
) -> Dataset | None:
    """A sample of the kept pictures, without those that are among one's own."""
    from embedder.training.further import beside, sampled

    others = beside(kept, own)
    if both := len(kept) - len(others):
        tell(f"{own.name} holds {both} of the {counted(len(kept), 'picture')} of {kept.name} too.")
        try:
            division(others, recipe.validation, recipe.seed)
        except DatasetError:
            tell("What is left of them is too little to be mixed in.")
            return None
    return sampled(others, recipe.seed)


class _Parts(NamedTuple):
    name: str
    fitted: Dataset
    held: Dataset


def _kept(start: Embedder, keep: str | None, tell: Callable[[str], object]) -> Dataset | None:
    """The pictures that are mixed in."""
    digest = start.metadata.get("data", {}).get("sha256", "")
    if keep is None and pictures_of(digest) is not None:
        keep = _TRAINING
    if keep is None:
        tell(
            f"Nothing that {start.path} was trained on is mixed in, so it may forget that. Name "
            "those pictures with --keep DATA."
        )
        return None
    return load_telling(keep, tell)


def load_telling(data: str, tell: Callable[[str], object], **options: Any) -> Dataset:
    """Load labelled pictures, and tell what in them was passed over.

    Args:
        data: Path or name of the pictures.
        tell: Called with each remark, a sentence.
        options: Further arguments of `embedder.data.sources.load`.
    """
    remarks: list[str] = []
    dataset = load(data, remarks=remarks, keep=False, **options)
    for sentence in remarks:
        tell(sentence)
    return dataset


def _shares(model: Embedder, parts: list[_Parts]) -> dict[str, dict[str, float]]:
    """Of the held-out pictures of each part, the shares that are right among all fitted ones."""
    shares = {}
    with (
        tempfile.TemporaryDirectory(prefix="likewise-") as folder,
        Matcher.create(Path(folder) / "gallery", model) as matcher,
    ):
        for number, part in enumerate(parts):
            matcher.add(_records(part.fitted, number))
        for number, part in enumerate(parts):
            asked = list(_records(part.held, number))
            decisions = matcher.check(asked)
            pairs = list(zip(decisions, part.held.labels, strict=True))
            shares[part.name] = {
                "pictures": len(asked),
                "nearest_right": _share([_nearest(d) == label for d, label in pairs]),
                "right": _share([d.label == label for d, label in pairs]),
            }
    return shares


def _records(part: Dataset, number: int) -> Iterator[Record]:
    """A part's pictures, with ids that no other part has."""
    ids = zip(part.ids, part.labels, strict=True)
    pictures = part.each(lambda row, picture: picture)
    for (id, label), picture in zip(ids, pictures, strict=True):
        yield Record(f"{number}/{id}", label, picture)


def _nearest(decision: Decision) -> str | None:
    return decision.neighbours[0].label if decision.neighbours else None


def _share(values: list[bool]) -> float:
    return sum(values) / len(values)
