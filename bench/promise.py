"""Is a promised FPIR kept on other pictures? `python -m bench.promise GALLERY`, as JSON.

Half of the test digits choose the threshold and the other half are the queries; then five random
groups choose it, and the other five are the strangers; then the same with unknowns that are made of
the five groups' pictures. Each picture is searched without its own group, as `likewise calibrate`
does. FNIR is that of the pictures of known groups.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from bench.by_group import nearest_by_group, set_apart
from bench.command import Benchmark
from embedder.data.records import Record
from embedder.data.sources import load
from embedder.model import Embedder
from likewise.arrays import Floats, Pixels
from likewise.calibration.made import MadeUnknowns
from likewise.decoding import Decoded
from likewise.matcher import Matcher
from likewise.metrics.thresholds import largest_threshold

DRAWS = 20


@dataclass(frozen=True)
class Draw:
    """What chooses a threshold, and what is asked at it: distances to the nearest reference.

    Attributes:
        kinds: Distances of each kind of unknowns that chooses the threshold.
        asked: Distances of the strangers.
        own: Distances of the mated queries to their own group.
        other: Distances of the same to the others.
    """

    kinds: list[Floats]
    asked: Floats
    own: Floats
    other: Floats

    def rates(self, target: float, kinds: slice = slice(None)) -> tuple[float, float]:
        """FPIR and FNIR at the threshold that some kinds choose for a target FPIR."""
        threshold = min(largest_threshold(kind, target) for kind in self.kinds[kinds])
        found = (self.own <= threshold) & (self.own < self.other)
        return float(np.mean(self.asked <= threshold)), float(1 - np.mean(found))


@click.command(cls=Benchmark)
@click.argument("gallery", type=click.Path(exists=True, path_type=Path))
@click.option("--fpir", default=0.01, show_default=True, help="What is promised.")
def main(gallery: Path, fpir: float) -> None:
    """Measure on the 10,000 test digits."""
    test = load("mnist/test")
    labels = np.array(test.labels)
    with Matcher.open(gallery) as matcher:
        pictures = matcher.embedder.prepare(test.images)
        names, distances = nearest_by_group(matcher.gallery, matcher.embedder.embed(pictures))
        if names != sorted(set(test.labels)):
            raise click.UsageError(f"Expected a gallery of the ten digits. {gallery} has: {names}.")
        rng = np.random.default_rng(0)
        halves = [_halves(distances, names, labels, rng) for _ in range(DRAWS)]
        drawn: dict[str, list[Draw]] = {"halves": halves, "groups": [], "groups, and made": []}
        for _ in range(DRAWS):
            enrolled = np.sort(rng.permutation(len(names))[: len(names) // 2])
            known = np.isin(labels, [names[column] for column in enrolled])
            draw = _groups(distances, names, labels, enrolled, known)
            strange = made_of(matcher.embedder, pictures[known], labels[known], known.sum())
            made = nearest_by_group(matcher.gallery, strange)[1][:, enrolled].min(axis=1)
            drawn["groups"].append(draw)
            drawn["groups, and made"].append(replace(draw, kinds=[*draw.kinds, made]))
    for name, draws in drawn.items():
        click.echo(json.dumps(_told(name, draws, fpir)))


def _halves(
    distances: Floats, names: list[str], labels: npt.NDArray[np.str_], rng: np.random.Generator
) -> Draw:
    """All groups are enrolled; each picture is a stranger to the nine that are not its own."""
    own, other = _apart(distances, names, labels)
    order = rng.permutation(len(other))
    asked = order[1::2]
    return Draw([other[order[::2]]], other[asked], own[asked], other[asked])


def _groups(
    distances: Floats,
    names: list[str],
    labels: npt.NDArray[np.str_],
    enrolled: npt.NDArray[np.int64],
    known: npt.NDArray[np.bool_],
) -> Draw:
    """Five groups are enrolled and calibrate, each left out in turn; the others are strangers."""
    chosen = [names[column] for column in enrolled]
    own, other = _apart(distances[known][:, enrolled], chosen, labels[known])
    return Draw([other], distances[~known][:, enrolled].min(axis=1), own, other)


def _apart(
    distances: Floats, names: list[str], labels: npt.NDArray[np.str_]
) -> tuple[Floats, Floats]:
    """Distances to the nearest reference of the own group, and of another."""
    own, others = set_apart(distances, np.searchsorted(names, labels))
    return own, others.min(axis=1)


def made_of(
    embedder: Embedder, pictures: Pixels, labels: npt.NDArray[np.str_], count: int
) -> Floats:
    """Vectors of unknowns, made as `calibrate --made-unknowns` does.

    Args:
        embedder: The model.
        pictures: Known pictures, as it takes them.
        labels: Their groups.
        count: How many to make.
    """
    sample = MadeUnknowns()
    rows = zip(labels.tolist(), pictures, strict=True)
    sample.see(Decoded([Record("", label, picture) for label, picture in rows], pictures))
    return np.concatenate([embedder.embed(part) for part in sample.made(count)])


def _told(name: str, draws: list[Draw], fpir: float) -> dict[str, object]:
    """The measured rates, over the draws."""
    met, missed = np.array([draw.rates(fpir) for draw in draws]).T
    return {
        "unknowns": name,
        "promised": fpir,
        "draws": len(draws),
        "mean": round(float(met.mean()), 5),
        "least": round(float(met.min()), 5),
        "most": round(float(met.max()), 5),
        "FNIR": round(float(missed.mean()), 5),
    }


if __name__ == "__main__":
    main()
