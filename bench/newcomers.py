"""Small new groups among large old ones: `python -m bench.newcomers FOLDER`, lines of Markdown.

FOLDER holds the data sets that `bench.picture_sets` names. A model is fitted to the known groups of
a division. Two groups that it never saw get five references each, and pictures of old and new
groups are asked, by four rules that choose a group for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click
import faiss
import numpy as np

from bench.command import Benchmark
from bench.picture_sets import Division, Labels, grocery, orl
from bench.pictures import labels_of, require_any, trained, vectors_of
from embedder.model import Embedder
from embedder.training.thresholds import nearest
from likewise.arrays import Floats

NEW, ENROLLED = 2, 5
DRAWS = range(10)
PROTOTYPES = 3
SEEDS = range(3)  # divisions of ORL


class Gallery(NamedTuple):
    """References, or what stands for them."""

    vectors: Floats
    labels: Labels


@click.command(cls=Benchmark)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Measure with the data sets in FOLDER."""
    require_any(folder, ("orl", "grocery"))
    print("| pictures | rule | old groups found | new groups found |\n|---|---|---|---|")
    divisions = {
        "ORL faces": [orl(folder / "orl", seed) for seed in SEEDS]
        if (folder / "orl").exists()
        else [],
        "Grocery": [grocery(folder / "grocery")] if (folder / "grocery").exists() else [],
    }
    for name, parts in divisions.items():
        shares: dict[str, list[tuple[float, float]]] = {rule: [] for rule in RULES}
        for division in parts:
            for rule, old, new in _shares(trained(division.references), division):
                shares[rule].append((old, new))
        for rule, found in shares.items():
            if found:
                cells = [f"{100 * share:.1f} %" for share in np.mean(found, axis=0)]
                print(f"| {name} | {rule} | {' | '.join(cells)} |", flush=True)


def _shares(model: Embedder, division: Division) -> Iterator[tuple[str, float, float]]:
    """For each draw and rule, the shares of old and of new groups' pictures that are found."""
    known, asked, others = (
        Gallery(vectors_of(model, part), labels_of(part))
        for part in (division.references, division.asked, division.unknown)
    )
    for draw in DRAWS:
        enrolled, queries = _drawn(others, np.random.default_rng(draw))
        both = Gallery(
            np.concatenate([known.vectors, enrolled.vectors]),
            np.concatenate([known.labels, enrolled.labels]),
        )
        for name, rule in RULES.items():
            searched = rule(both)
            yield name, _found(searched, asked), _found(searched, queries)


def _drawn(others: Gallery, rng: np.random.Generator) -> tuple[Gallery, Gallery]:
    """Two new groups: five references of each, and their other pictures."""
    chosen = rng.choice(np.unique(others.labels), NEW, replace=False)
    rows = [rng.permutation(np.flatnonzero(others.labels == name)) for name in chosen]
    parts = [
        np.concatenate([row[part] for row in rows])
        for part in (slice(ENROLLED), slice(ENROLLED, None))
    ]
    first, second = (Gallery(others.vectors[part], others.labels[part]) for part in parts)
    return first, second


def _found(searched: Gallery, asked: Gallery) -> float:
    _, places = nearest(searched.vectors, asked.vectors)
    return float(np.mean(searched.labels[places] == asked.labels))


def _all(gallery: Gallery) -> Gallery:
    return gallery


def _as_few(gallery: Gallery) -> Gallery:
    """Five references of each group, drawn at random."""
    rng = np.random.default_rng(0)
    rows = [
        rng.permutation(np.flatnonzero(gallery.labels == name))[:ENROLLED]
        for name in np.unique(gallery.labels)
    ]
    chosen = np.concatenate(rows)
    return Gallery(gallery.vectors[chosen], gallery.labels[chosen])


def _centroids(gallery: Gallery) -> Gallery:
    names = np.unique(gallery.labels)
    means = [gallery.vectors[gallery.labels == name].mean(axis=0) for name in names]
    return Gallery(np.array(means), names)


def _prototypes(gallery: Gallery) -> Gallery:
    """The k-means centres of each group."""
    vectors, labels = [], []
    for name in np.unique(gallery.labels):
        own = gallery.vectors[gallery.labels == name]
        count = min(PROTOTYPES, len(own))
        means = faiss.Kmeans(own.shape[1], count, seed=0, min_points_per_centroid=1)
        means.train(own)
        vectors.append(np.asarray(means.centroids))
        labels += [name] * count
    return Gallery(np.concatenate(vectors), np.array(labels))


RULES: dict[str, Callable[[Gallery], Gallery]] = {
    "nearest of all references": _all,
    "nearest of five references a group": _as_few,
    f"nearest of {PROTOTYPES} prototypes a group (k-means)": _prototypes,
    "nearest centroid": _centroids,
}

if __name__ == "__main__":
    main()
