"""Accuracy on groups that the embedder never saw: `python -m bench.open_set`.

Two digits at a time are kept out of the training; the other eight are enrolled, and the two come
as queries that belong to no group. Writes docs/results.md. Takes hours on 2 cores: a training for
each pair of digits and each seed. Trainings that are already in --models are reused.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from bench.by_group import nearest_by_group, set_apart
from bench.command import Benchmark
from bench.results import average, page
from bench.strangers import strangers
from embedder.data.sources import Dataset, load
from embedder.data.splits import split
from embedder.model import Embedder
from embedder.training.outliers import KINDS
from embedder.training.recipes import RECIPES, Recipe
from index.gallery import Gallery
from likewise.arrays import Floats
from likewise.metrics.groups import Groups
from likewise.metrics.limits import Limits
from likewise.metrics.searches import Mated, NonMated
from likewise.metrics.thresholds import largest_threshold, limits_by_group

Figures = dict[str, float]

HELD_OUT = ("89", "01", "23", "45", "67")  # so that each digit is unknown once
REFERENCES = 20  # of each group in a small gallery
DRAWS = 3  # of the references of a small gallery
ENROLLED = (1, 5, 20)  # references of each new group
FPIR = 0.01
OVERLAYS = 8000
# Shares of the overlays that calibrated thresholds may match; which one stands for `FPIR` is
# chosen for each pair of digits on all other pairs.
SHARES = tuple(step / 200 for step in range(1, 21))


@dataclass(frozen=True)
class Material:
    """The digits as one embedder sees them, and which two of them it never saw."""

    embedder: Embedder
    held_out: str
    train: Floats
    train_labels: npt.NDArray[np.str_]
    test: Floats
    test_labels: npt.NDArray[np.str_]
    overlays: Floats  # of pictures that were held out from training, of known digits alone
    strangers: dict[str, Floats]

    @property
    def mated(self) -> npt.NDArray[np.bool_]:
        """Which test digits belong to an enrolled group."""
        return ~np.isin(self.test_labels, list(self.held_out))

    def references(self, count: int | None, seed: int, labels: Sequence[str]) -> npt.NDArray[Any]:
        """Draw training digits of each label; all of them when `count` is None."""
        rng = np.random.default_rng([seed, 1])
        members = [np.flatnonzero(self.train_labels == label) for label in labels]
        return np.concatenate([rng.permutation(rows)[:count] for rows in members])


@click.command(cls=Benchmark)
@click.option("--held-out", multiple=True, default=HELD_OUT, show_default=True)
@click.option(
    "--recipe",
    "name",
    type=click.Choice(["default", "digits"]),
    default="digits",
    show_default=True,
    help="Base of the settings of each training.",
)
@click.option("--seeds", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--epochs", type=click.IntRange(min=1), default=12, show_default=True)
@click.option("--composites", type=click.FloatRange(0), default=0.3, show_default=True)
@click.option("--models", type=click.Path(path_type=Path), default=Path("build/open_set"))
@click.option("--out", type=click.Path(path_type=Path), default=Path("docs/results.md"))
def main(
    held_out: Sequence[str],
    name: str,
    seeds: int,
    epochs: int,
    composites: float,
    models: Path,
    out: Path,
) -> None:
    """Train without each of the pairs of digits, measure, and write the table."""
    if len(held_out) < 2:
        raise click.UsageError(
            "Give two pairs at least: one is calibrated by what the others show."
        )
    if wrong := [pair for pair in held_out if not (pair.isdecimal() and len(set(pair)) == 2)]:
        raise click.UsageError(f"Expected a pair of digits, as 89. Received: {wrong[0]}.")
    measured: dict[str, list[Figures]] = {pair: [] for pair in held_out}
    recipe = RECIPES[name].changed(epochs=epochs, composites=composites)
    for pair in held_out:
        for seed in range(seeds):
            material = _material(pair, recipe.changed(seed=seed), models)
            measured[pair] += [_figures(material, draw) for draw in range(DRAWS)]
            click.echo(f"{pair} seed {seed}: {_mean(measured[pair])}", err=True)
    for prefix in ("", "all "):
        shares = {pair: _stands_for(FPIR, measured, pair, prefix) for pair in held_out}
        for pair, share in shares.items():
            for row in measured[pair]:
                row |= _calibrated(row, prefix, share)
    out.write_text(page(measured, _shipped(), recipe, seeds=seeds, draws=DRAWS))


def _material(pair: str, recipe: Recipe, models: Path) -> Material:
    train, test = load("mnist/train"), load("mnist/test")
    known = train.subset([row for row, label in enumerate(train.labels) if label not in pair])
    settings = f"{recipe.name}-e{recipe.epochs}-c{recipe.composites:g}-s{recipe.seed}"
    path = models / f"{settings}-{pair}"
    embedder = Embedder.load(path) if path.exists() else _trained(known, path, recipe)
    validation = split(known, recipe.validation, recipe.seed)[1]
    return Material(
        embedder,
        pair,
        _embedded(embedder, train.images),
        np.array(train.labels),
        _embedded(embedder, test.images),
        np.array(test.labels),
        _embedded(embedder, _overlays(validation)),
        {kind: _embedded(embedder, pictures) for kind, pictures in strangers().items()},
    )


def _trained(known: Dataset, path: Path, recipe: Recipe) -> Embedder:
    from embedder.training.train import train

    path.parent.mkdir(parents=True, exist_ok=True)
    return train(known, path, recipe, preprocessing="digit2", resume=True, verbose=True)


def _embedded(embedder: Embedder, pictures: Any) -> Floats:
    return embedder.embed(embedder.prepare(pictures))


def _overlays(validation: Dataset) -> list[npt.NDArray[np.uint8]]:
    """Known unknowns to calibrate with: two digits over each other, none of them trained on."""
    rng = np.random.default_rng(11)
    groups = Groups.of(validation.labels)
    first = rng.integers(len(validation), size=OVERLAYS)
    second = groups.different_partners(first, rng)
    overlay = KINDS["overlay"][0]
    return [
        overlay(validation.images[a], validation.images[b], rng)
        for a, b in zip(first, second, strict=True)
    ]


# ------------------------------------------------------------ measuring


def _shipped() -> Figures:
    """Error rates of the shipped model at its default threshold, among all training digits."""
    embedder = Embedder.load()
    train, test = load("mnist/train"), load("mnist/test")
    limits = Limits(embedder.operating_points["default"]["threshold"])
    kinds = {"test": test.images, **strangers()}
    with tempfile.TemporaryDirectory() as folder:
        vectors = _embedded(embedder, train.images)
        with _gallery(Path(folder), embedder, vectors, train.labels) as gallery:
            near = {
                kind: nearest_by_group(gallery, _embedded(embedder, pictures))
                for kind, pictures in kinds.items()
            }
    labels, distances = near.pop("test")
    own, others = set_apart(distances, np.searchsorted(labels, test.labels))
    digits = Mated(own, others.min(axis=1), test.labels)
    figures = {
        kind: float(_non_mated(distances, labels).matched(limits).mean())
        for kind, (_, distances) in near.items()
    }
    return {"threshold": limits.threshold, "missed": float(digits.missed(limits).mean()), **figures}


def _figures(material: Material, draw: int) -> Figures:
    known = sorted(set(material.test_labels[material.mated]))
    small = material.references(REFERENCES, draw, known)
    figures = _open(material, small, known, "")
    if draw == 0:
        every = material.references(None, draw, known)
        figures |= _open(material, every, known, "all ")
    for count in ENROLLED:
        new = material.references(count, draw, list(material.held_out))
        figures |= _enrolled(material, np.concatenate([small, new]), count)
    return figures


def _open(
    material: Material, references: npt.NDArray[Any], known: list[str], prefix: str
) -> Figures:
    """Search a gallery of known groups with known and with unknown digits."""
    mated = material.mated
    queries = {
        "test": material.test,
        "overlays": material.overlays,
        **material.strangers,
    }
    near = _nearest(material, references, queries)
    right = material.test_labels[mated]
    own, others = set_apart(near["test"][mated], np.searchsorted(known, right))
    searched = Mated(own, others.min(axis=1), right.tolist())
    unknown = _non_mated(near["test"][~mated], known)
    nearest = near["test"].min(axis=1)
    at_fpir = Limits(largest_threshold(unknown.distances, FPIR))
    figures = {
        "rank-1": float(np.mean(own < searched.other)),
        "FNIR": float(searched.missed(at_fpir).mean()),
        "AUROC": float(roc_auc_score(~mated, nearest)),
    }
    strangers = {kind: _non_mated(near[kind], known) for kind in material.strangers}
    for kind, met in strangers.items():
        figures[kind] = float(met.matched(at_fpir).mean())
    overlays = _non_mated(near["overlays"], known)
    for share in SHARES:
        general = largest_threshold(overlays.distances, share)
        limits = limits_by_group(overlays, share, general)
        figures[f"accepted at {share}"] = float(unknown.matched(limits).mean())
        figures[f"missed at {share}"] = float(searched.missed(limits).mean())
        for kind, met in strangers.items():
            figures[f"{kind}, calibrated at {share}"] = float(met.matched(limits).mean())
    return {prefix + name: value for name, value in figures.items()}


def _stands_for(fpir: float, measured: dict[str, list[Figures]], pair: str, prefix: str) -> float:
    """The largest share of overlays at which, of all other pairs' digits, `fpir` are accepted."""
    others = [rows for other, rows in measured.items() if other != pair]

    def accepted(share: float) -> float:
        name = f"{prefix}accepted at {share}"
        return float(np.mean([average(rows, name) for rows in others]))

    return max((share for share in SHARES if accepted(share) <= fpir), default=SHARES[0])


def _calibrated(row: Figures, prefix: str, share: float) -> Figures:
    """The figures at the thresholds of one share, under names without it."""
    end = f" at {share}"
    rates = {
        name.removesuffix(end): value
        for name, value in row.items()
        if name.startswith(prefix) and name.endswith(end)
    }
    return {**rates, f"{prefix}overlays": share} if rates else {}


def _enrolled(material: Material, references: npt.NDArray[Any], count: int) -> Figures:
    """Search a gallery that the two unknown groups were added to, without any training."""
    near = _nearest(material, references, {"test": material.test})["test"]
    answers = np.array(sorted(set(material.test_labels)))[near.argmin(axis=1)]
    right = answers == material.test_labels
    return {
        f"{count} enrolled": float(right.mean()),
        f"{count} enrolled, old groups": float(right[material.mated].mean()),
        f"{count} enrolled, new groups": float(right[~material.mated].mean()),
    }


def _nearest(
    material: Material, references: npt.NDArray[Any], queries: dict[str, Floats]
) -> dict[str, Floats]:
    """The distance of each query to each group of a gallery, groups ordered by label."""
    with tempfile.TemporaryDirectory() as folder:
        labels = material.train_labels[references].tolist()
        vectors = material.train[references]
        with _gallery(Path(folder), material.embedder, vectors, labels) as gallery:
            return {name: nearest_by_group(gallery, rows)[1] for name, rows in queries.items()}


def _gallery(folder: Path, model: Embedder, vectors: Floats, labels: list[str]) -> Gallery:
    gallery = Gallery.create(folder / "gallery", dim=model.dim, fingerprint=model.fingerprint)
    gallery.add([str(row) for row in range(len(labels))], vectors, labels)
    return gallery


def _non_mated(near: Floats, labels: list[str]) -> NonMated:
    return NonMated(near.min(axis=1), [labels[place] for place in near.argmin(axis=1)])


def _mean(rows: Sequence[Figures]) -> dict[str, float]:
    return {name: round(average(rows, name), 4) for name in rows[0] if " at " not in name}


if __name__ == "__main__":
    main()
