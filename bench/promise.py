"""Is a promised FPIR kept on other pictures? `python -m bench.promise GALLERY`, as JSON.

Half of the test digits choose the threshold and the other half are the queries; then five random
groups choose it, and the other five are the strangers. Each picture is searched without its own
group, as `likewise calibrate` does.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from bench.by_group import nearest_by_group, set_apart
from embedder.data.sources import load
from likewise.matcher import Matcher
from likewise.metrics.thresholds import largest_threshold

FPIR, DRAWS = 0.01, 20

Draw = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]  # what chooses, what is asked


@click.command()
@click.argument("gallery", type=click.Path(exists=True, path_type=Path))
def main(gallery: Path) -> None:
    """Measure on the 10,000 test digits."""
    test = load("mnist/test")
    labels = np.array(test.labels)
    with Matcher.open(gallery) as matcher:
        vectors = matcher.embedder.embed(matcher.embedder.prepare(test.images))
        names, distances = nearest_by_group(matcher.gallery, vectors)
    rng = np.random.default_rng(0)
    for name, draw in (("halves", _halves), ("groups", _groups)):
        draws = [draw(distances, names, labels, rng) for _ in range(DRAWS)]
        click.echo(json.dumps(_told(name, draws)))


def _halves(
    distances: npt.NDArray[np.float32],
    names: list[str],
    labels: npt.NDArray[np.str_],
    rng: np.random.Generator,
) -> Draw:
    """All groups are enrolled; each picture is a stranger to the nine that are not its own."""
    near = _without_own(distances, names, labels)
    order = rng.permutation(len(near))
    return near[order[::2]], near[order[1::2]]


def _groups(
    distances: npt.NDArray[np.float32],
    names: list[str],
    labels: npt.NDArray[np.str_],
    rng: np.random.Generator,
) -> Draw:
    """Five groups are enrolled and calibrate, each left out in turn; the others are strangers."""
    enrolled = np.sort(rng.permutation(len(names))[: len(names) // 2])
    known = np.isin(labels, [names[column] for column in enrolled])
    chosen = [names[column] for column in enrolled]
    calibrating = _without_own(distances[known][:, enrolled], chosen, labels[known])
    return calibrating, distances[~known][:, enrolled].min(axis=1)


def _without_own(
    distances: npt.NDArray[np.float32], names: list[str], labels: npt.NDArray[np.str_]
) -> npt.NDArray[np.float32]:
    """Distance to the nearest reference of another group."""
    _, others = set_apart(distances, np.searchsorted(names, labels))
    nearest: npt.NDArray[np.float32] = others.min(axis=1)
    return nearest


def _told(name: str, draws: list[Draw]) -> dict[str, object]:
    """The measured FPIR at a target of 1 %, over the draws."""
    met = [float(np.mean(asked <= largest_threshold(chose, FPIR))) for chose, asked in draws]
    return {
        "unknowns": name,
        "promised": FPIR,
        "draws": len(draws),
        "mean": round(float(np.mean(met)), 5),
        "least": round(min(met), 5),
        "most": round(max(met), 5),
    }


if __name__ == "__main__":
    main()
