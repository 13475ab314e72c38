"""Measure what a head costs groups that its fitting never saw, by trials that leave groups out.

A head tells apart what it was fitted to. What it makes of other groups, and how near those come to
the fitted ones, no held-out picture of the fitted groups can say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedder.training.thresholds import nearest
from embedder.transfer.fitting import fit_head
from embedder.transfer.row_file import Features
from embedder.transfer.settings import TransferRecipe
from embedder.transfer.vectors import AT_ONCE, Vectors
from likewise.arrays import Bools, Floats, Indices
from likewise.metrics.groups import Groups

_TRIALS = 5

Labels = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class Unseen:
    """What trials found, each picture in the trial that left its group out.

    Attributes:
        groups: Number of groups.
        strangers: Distance of each picture to the nearest one of the groups of its trial, n.
        rank1: Share of pictures whose nearest other one of the left-out groups has their label;
            None where each trial leaves one group out.
        rank1_of_backbone: The same without a head.
    """

    groups: int
    strangers: Floats
    rank1: float | None
    rank1_of_backbone: float | None


def try_unseen(
    features: Features,
    labels: Sequence[str],
    recipe: TransferRecipe,
    rows: Indices | None = None,
) -> Unseen | None:
    """Fit a head without a fifth of the groups, in turn, and measure on those.

    Args:
        features: As for `fit_head`.
        labels: As for `fit_head`.
        recipe: The settings.
        rows: As for `fit_head`.

    Returns:
        What was found; None for two groups, of which none can be left out.
    """
    names = np.array(labels)
    if rows is None:
        rows = np.arange(len(features))
    strangers = np.empty(len(names), np.float32)
    right = np.zeros(2, int)
    asked = 0
    trials = list(_trials(names, recipe.seed))
    for left_out in trials:
        kept = rows[~left_out]
        head = fit_head(features, names[~left_out].tolist(), recipe, kept)
        vectors = Vectors(features, rows[left_out], head).together()
        strangers[left_out], _ = nearest(Vectors(features, kept, head).together(), vectors)
        if len(set(names[left_out])) > 1:
            asked += int(left_out.sum())
            alone = Vectors(features, rows[left_out])
            right[0] += _right_among_others(vectors, names[left_out])
            right[1] += _right_among_others(alone, names[left_out])
    if not trials:
        return None
    shares = (float(count) / asked if asked else None for count in right)
    return Unseen(len(set(labels)), strangers, *shares)


def _trials(names: Labels, seed: int) -> Iterator[Bools]:
    """Which pictures each trial leaves out: every group in one trial."""
    groups = np.array(Groups.of(names.tolist()).names)
    if len(groups) < 3:
        return
    order = np.random.default_rng(seed).permutation(groups)
    for part in np.array_split(order, min(_TRIALS, len(groups))):
        yield np.isin(names, part)


def _right_among_others(vectors: Floats | Vectors, labels: Labels) -> int:
    """How many vectors have a nearest other one of their label."""
    right = 0
    starts = range(0, len(vectors), AT_ONCE)
    for start in starts:
        queries = vectors[start : start + AT_ONCE]
        most = np.full(len(queries), -np.inf, np.float32)
        places = np.zeros(len(queries), np.int64)
        for first in starts:
            near = queries @ vectors[first : first + AT_ONCE].T
            if first == start:
                np.fill_diagonal(near, -np.inf)
            nearer = near.max(axis=1) > most
            most[nearer] = near.max(axis=1)[nearer]
            places[nearer] = first + near.argmax(axis=1)[nearer]
        right += int(np.sum(labels[places] == labels[start : start + AT_ONCE]))
    return right
