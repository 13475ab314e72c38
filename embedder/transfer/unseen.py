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
from embedder.transfer.head import unit
from embedder.transfer.settings import TransferRecipe
from likewise.arrays import Bools, Floats
from likewise.metrics.groups import Groups

_TRIALS = 5
_AT_ONCE = 1024

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


def try_unseen(features: Floats, labels: Sequence[str], recipe: TransferRecipe) -> Unseen | None:
    """Fit a head without a fifth of the groups, in turn, and measure on those.

    Args:
        features: `(n, views + 1, d)`, as for `fit_head`.
        labels: n groups.
        recipe: The settings.

    Returns:
        What was found; None for two groups, of which none can be left out.
    """
    names = np.array(labels)
    plain = np.asarray(features[:, 0])
    strangers = np.empty(len(names), np.float32)
    right = np.zeros(2, int)
    asked = 0
    trials = list(_trials(names, recipe.seed))
    for left_out in trials:
        head = fit_head(features[~left_out], names[~left_out].tolist(), recipe)
        vectors = head.embed(plain)
        strangers[left_out], _ = nearest(vectors[~left_out], vectors[left_out])
        if len(set(names[left_out])) > 1:
            asked += int(left_out.sum())
            for place, rows in enumerate((vectors, unit(plain))):
                right[place] += _right_among_others(rows[left_out], names[left_out])
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


def _right_among_others(vectors: Floats, labels: Labels) -> int:
    """How many vectors have a nearest other one of their label."""
    right = 0
    for start in range(0, len(vectors), _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, len(vectors)))
        near = vectors[rows] @ vectors.T
        near[np.arange(len(rows)), rows] = -np.inf
        right += int(np.sum(labels[near.argmax(axis=1)] == labels[rows]))
    return right
