"""Pictures that are no digits: `python -m bench.pictures FOLDER`, a line of Markdown for each row.

FOLDER holds the data sets that `bench.picture_sets` names; those that are not there are left out.
Omniglot trains a network from nothing (minutes); all else fits the photos model.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import click
import numpy as np

from bench.command import Benchmark
from bench.picture_sets import Division, Labels, cifar, grocery, omniglot, orl
from embedder.data.dataset import Dataset
from embedder.model import Embedder
from embedder.training.thresholds import nearest
from embedder.transfer.train import transfer
from likewise.arrays import Doubles, Floats
from likewise.metrics.pairs import pair_distances
from likewise.metrics.rates import det_curve, equal_error_rate
from likewise.recipe_choice import choose_recipe

SEEDS = range(10)
EPISODES, WAYS = 1000, 20
ENROLLED = 5  # references of each group that was never seen


@click.command(cls=Benchmark)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("names", nargs=-1, type=click.Choice(["orl", "grocery", "cifar10", "omniglot"]))
def main(folder: Path, names: tuple[str, ...]) -> None:
    """Measure the data sets in FOLDER, or only those with these NAMES."""
    require_any(folder, names or tuple(ROWS))
    print("| pictures | figure | now | the photos model alone | bar |\n|---|---|---|---|---|")
    for name, rows in ROWS.items():
        if (folder / name).exists() and name in (names or ROWS):
            for row in rows(folder / name):
                print(f"| {' | '.join(row)} |", flush=True)


def require_any(folder: Path, names: Sequence[str]) -> None:
    """Refuse a folder that holds none of some data sets.

    Raises:
        UsageError: If it does.
    """
    if not any((folder / name).exists() for name in names):
        raise click.UsageError(f"Expected folders in {folder}: {', '.join(names)}. There are none.")


def _orl(folder: Path) -> Iterator[tuple[str, ...]]:
    """Ten divisions, each with its training."""
    fitted, plain = [], []
    for seed in SEEDS:
        division = orl(folder, seed)
        fitted.append(_open_set(trained(division.references), division))
        plain.append(_open_set(Embedder.load("photos"), division))
    names = ("rank-1", "EER of pairs", "FNIR with one unknown let in")
    bars = (">= 98.5", "<= 2", "<= 5")
    for place, (name, bar) in enumerate(zip(names, bars, strict=True)):
        now, alone = (_interval([row[place] for row in rows]) for rows in (fitted, plain))
        yield "ORL faces, 28 people, ten divisions", name, now, alone, bar


def _open_set(model: Embedder, division: Division) -> tuple[float, float, float]:
    """Rank-1, EER of pairs of asked pictures, and FNIR at the threshold that lets one in."""
    references, asked, unknown = (
        vectors_of(model, part) for part in (division.references, division.asked, division.unknown)
    )
    distances, places = nearest(references, asked)
    right = labels_of(division.references)[places] == labels_of(division.asked)
    second = np.sort(nearest(references, unknown)[0])[1]
    return (
        float(right.mean()),
        _eer(asked, division.asked),
        1 - float((right & (distances < second)).mean()),
    )


def _grocery(folder: Path) -> Iterator[tuple[str, ...]]:
    division = grocery(folder)
    photos, model = Embedder.load("photos"), trained(division.references)
    (plain, fitted) = (_closed_set(each, division) for each in (photos, model))
    words = "Grocery Store photographs, 59 kinds"
    yield words, "rank-1, untrained", "", _percent(plain[0]), ">= 52"
    yield words, "rank-1", _percent(fitted[0]), _percent(plain[0]), ""
    yield words, "EER of pairs", _percent(fitted[1]), _percent(plain[1]), "<= 9"
    unseen = [
        _unseen(vectors_of(each, division.unknown), labels_of(division.unknown))
        for each in (photos, model)
    ]
    words = f"… 22 kinds never seen, {ENROLLED} references each, ten draws"
    yield words, "rank-1", *(_percent(float(np.mean(rows))) for rows in reversed(unseen)), ""
    yield words, "rank-1, difference", _interval(list(unseen[1] - unseen[0])), "", ">= -3"


def _cifar(folder: Path) -> Iterator[tuple[str, ...]]:
    photos = Embedder.load("photos")
    for every, bar in ((False, ">= 75"), (True, "")):
        division = cifar(folder, every=every)
        plain, fitted = (
            _closed_set(each, division) for each in (photos, trained(division.references))
        )
        classes = "ten" if every else "eight"
        words = f"CIFAR-10, {classes} classes, 400 of each, {len(division.asked):,} asked"
        yield words, "rank-1", _percent(fitted[0]), _percent(plain[0]), bar
        yield words, "EER of pairs", _percent(fitted[1]), _percent(plain[1]), ""


def _omniglot(folder: Path) -> Iterator[tuple[str, ...]]:
    training, asked = omniglot(folder)
    start = time.monotonic()
    model, photos = trained(training), Embedder.load("photos")
    minutes = (time.monotonic() - start) / 60
    words = f"Omniglot, {WAYS} characters never seen, one reference each, {EPISODES} episodes"
    for within, bar in ((False, ">= 85"), (True, "")):
        shares = [
            _episodes(vectors_of(each, asked), labels_of(asked), within=within)
            for each in (model, photos)
        ]
        figure = "rank-1, characters of one alphabet" if within else "rank-1"
        yield words, figure, *(_percent(share) for share in shares), bar
    yield words, "minutes of training", f"{minutes:.0f}", "", "<= 20"


ROWS: dict[str, Callable[[Path], Iterator[tuple[str, ...]]]] = {
    "orl": _orl,
    "grocery": _grocery,
    "cifar10": _cifar,
    "omniglot": _omniglot,
}


@cache
def _work() -> tempfile.TemporaryDirectory[str]:
    """Where models are; removed when Python ends."""
    return tempfile.TemporaryDirectory(prefix="likewise-pictures-")


def trained(dataset: Dataset) -> Embedder:
    """Train by the recipe that is chosen for the pictures, as `likewise train` does."""
    choice = choose_recipe(dataset)
    out = Path(tempfile.mkdtemp(dir=_work().name)) / "model"
    if choice.name == "transfer":
        return transfer(dataset, out)
    from embedder.training.recipes import RECIPES
    from embedder.training.train import train

    return train(dataset, out, RECIPES[choice.name].changed(**choice.settings))


def _closed_set(model: Embedder, division: Division) -> tuple[float, float]:
    """Rank-1 of asked pictures, and the EER of pairs of them."""
    references, asked = (vectors_of(model, part) for part in (division.references, division.asked))
    _, places = nearest(references, asked)
    right = labels_of(division.references)[places] == labels_of(division.asked)
    return float(right.mean()), _eer(asked, division.asked)


def vectors_of(model: Embedder, dataset: Dataset) -> Floats:
    """The pictures' embeddings, `(n, dim)`."""
    parts = [
        model.embed(model.prepare(dataset.images[start : start + 64]))
        for start in range(0, len(dataset), 64)
    ]
    return np.concatenate(parts)


def labels_of(dataset: Dataset) -> Labels:
    """The pictures' labels as an array, `(n,)`."""
    return np.array(dataset.labels)


def _eer(vectors: Floats, dataset: Dataset) -> float:
    return equal_error_rate(det_curve(*pair_distances(vectors, dataset.labels, 200_000, 0))).rate


def _unseen(vectors: Floats, labels: Labels) -> Doubles:
    """Rank-1 among groups of five references each, for every draw."""
    shares = []
    for draw in SEEDS:
        rng = np.random.default_rng(draw)
        rows = [
            rng.permutation(np.flatnonzero(labels == name))[:ENROLLED] for name in np.unique(labels)
        ]
        enrolled = np.isin(np.arange(len(labels)), np.concatenate(rows))
        _, places = nearest(vectors[enrolled], vectors[~enrolled])
        shares.append(np.mean(labels[enrolled][places] == labels[~enrolled]))
    return np.array(shares)


def _episodes(vectors: Floats, labels: Labels, *, within: bool) -> float:
    """The share of right answers where one of 20 groups is found by one reference each."""
    rng = np.random.default_rng(0)
    names = np.unique(labels)
    alphabets = np.array([name.split("/")[0] for name in names])
    large = [name for name in np.unique(alphabets) if np.sum(alphabets == name) >= WAYS]
    members = {name: np.flatnonzero(labels == name) for name in names}
    shares = []
    for _ in range(EPISODES):
        pool = names[alphabets == rng.choice(large)] if within else names
        chosen = rng.choice(pool, WAYS, replace=False)
        pairs = np.array([rng.choice(members[name], 2, replace=False) for name in chosen])
        _, places = nearest(vectors[pairs[:, 0]], vectors[pairs[:, 1]])
        shares.append(np.mean(places == np.arange(WAYS)))
    return float(np.mean(shares))


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _interval(shares: list[float]) -> str:
    """The mean ± 1.96 of its standard errors."""
    half = 1.96 * np.std(shares, ddof=1) / len(shares) ** 0.5
    return f"{_percent(float(np.mean(shares)))} ± {_percent(float(half))}"


if __name__ == "__main__":
    main()
