"""Is a promised FPIR kept on groups that come later? `python -m bench.later_groups DATA`, as JSON.

Of any labelled pictures, six tenths of the groups are enrolled, some references of each; half of
their other pictures choose the threshold, half are the known queries, and all pictures of the other
groups are the strangers. Ten draws; with and without `calibrate --made-unknowns`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import click
import faiss
import numpy as np
import numpy.typing as npt

from bench.command import Benchmark
from bench.promise import Draw, made_of
from embedder.data.label_rule import LabelRule
from embedder.data.sources import records
from embedder.model import Embedder
from likewise.arrays import Floats, Indices, Pixels
from likewise.bulk.stream import embed_stream

DRAWS, ENROLLED = 10, 0.6
TARGETS = (0.01, 0.05)
MADE = 300


@dataclass(frozen=True)
class Material:
    """All pictures as the network takes them, with their groups and vectors."""

    pictures: Pixels
    labels: npt.NDArray[np.str_]
    vectors: Floats

    def nearest(self, vectors: Floats, references: Indices) -> tuple[Floats, npt.NDArray[np.str_]]:
        """Distances to all references, ascending, and their groups."""
        found = faiss.knn(vectors, self.vectors[references], len(references))
        return np.sqrt(np.maximum(found[0], 0)), self.labels[references][found[1]]

    def own_and_other(self, rows: Indices, references: Indices) -> tuple[Floats, Floats]:
        """Distances to the nearest reference of the own group, and of another."""
        distances, labels = self.nearest(self.vectors[rows], references)
        same = labels == self.labels[rows][:, None]
        own = np.where(same, distances, np.inf).min(axis=1)
        return own, np.where(same, np.inf, distances).min(axis=1)


@click.command(cls=Benchmark)
@click.argument("data")
@click.option("--references", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--model", default="photos", show_default=True)
@click.option("--label-level", type=click.IntRange(min=1))
def main(data: str, references: int, model: str, label_level: int | None) -> None:
    """Measure."""
    embedder = Embedder.load(model)
    material = _read(embedder, data, LabelRule(level=label_level))
    draws = [_draw(embedder, material, references, seed) for seed in range(DRAWS)]
    for target in TARGETS:
        for name, kinds in (("left out", slice(1)), ("left out, and made", slice(2))):
            met, missed = np.array([draw.rates(target, kinds) for draw in draws]).T
            told = {"unknowns": name, "promised": target, "FPIR": met.mean(), "most": met.max()}
            told["FNIR"] = missed.mean()
            click.echo(json.dumps({key: _short(value) for key, value in told.items()}))


def _read(embedder: Embedder, data: str, rule: LabelRule) -> Material:
    pictures, labels, vectors = [], [], []
    for part, embedded in embed_stream(embedder, records(data, rule=rule)):
        pictures.append(part.images)
        labels += [str(record.label) for record in part.readable]
        vectors.append(embedded)
    return Material(np.concatenate(pictures), np.array(labels), np.concatenate(vectors))


def _draw(embedder: Embedder, material: Material, count: int, seed: int) -> Draw:
    rng = np.random.default_rng(seed)
    names, sizes = np.unique(material.labels, return_counts=True)
    names = rng.permutation(names[sizes > count + 1])
    references, choosing, asked = [], [], []
    for name in names[: int(ENROLLED * len(names))]:
        rows = rng.permutation(np.flatnonzero(material.labels == name))
        references.append(rows[:count])
        choosing.append(rows[count::2])
        asked.append(rows[count + 1 :: 2])
    held, known = np.concatenate(references), np.concatenate(choosing)
    strangers = np.isin(material.labels, names[int(ENROLLED * len(names)) :])
    own, other = material.own_and_other(np.concatenate(asked), held)
    unknowns = made_of(embedder, material.pictures[known], material.labels[known], MADE)
    made = material.nearest(unknowns, held)[0][:, 0]
    strange = material.nearest(material.vectors[strangers], held)[0][:, 0]
    return Draw([material.own_and_other(known, held)[1], made], strange, own, other)


def _short(value: object) -> object:
    return round(float(value), 5) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
