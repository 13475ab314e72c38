"""Measure what a head costs groups that its fitting never saw, by trials that leave groups out.

A head tells apart what it was fitted to. What it makes of other groups, and how near those come to
the fitted ones, no held-out picture of the fitted groups can say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embedder.training.thresholds import Labels, nearest
from embedder.transfer.head import Head
from embedder.transfer.row_file import Features
from embedder.transfer.vectors import AT_ONCE, Vectors
from likewise.arrays import Bools, Floats, Indices
from likewise.metrics.groups import Groups

_TRIALS = 5


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


def trials(labels: Sequence[str], seed: int) -> list[Bools]:
    """Choose which pictures each trial leaves out: every group in one trial, a fifth in each.

    Args:
        labels: n labels.
        seed: Deals the groups to the trials.

    Returns:
        For each trial `(n,)`, true for the pictures that it leaves out; no trial for two groups, of
        which none can be left out.
    """
    names = np.array(labels)
    groups = np.array(Groups.of(labels).names)
    if len(groups) < 3:
        return []
    order = np.random.default_rng(seed).permutation(groups)
    return [np.isin(names, part) for part in np.array_split(order, min(_TRIALS, len(groups)))]


def judge_unseen(
    features: Features,
    labels: Sequence[str],
    rows: Indices,
    left_out: Sequence[Bools],
    heads: Sequence[Head],
) -> Unseen | None:
    """Measure the heads of trials on the groups that these left out.

    Args:
        features: As for `fit_head`.
        labels: Labels of n pictures.
        rows: Their rows among the features.
        left_out: The trials, as `trials` gives them.
        heads: The head of each, fitted to the pictures that it did not leave out.

    Returns:
        What was found; None without trials.
    """
    if not left_out:
        return None
    names = np.array(labels)
    strangers = np.empty(len(names), np.float32)
    right = np.zeros(2, int)
    asked = 0
    for away, head in zip(left_out, heads, strict=True):
        vectors = Vectors(features, rows[away], head).together()
        strangers[away], _ = nearest(Vectors(features, rows[~away], head).together(), vectors)
        if len(set(names[away])) > 1:
            asked += int(away.sum())
            right[0] += _right_among_others(vectors, names[away])
            right[1] += _right_among_others(Vectors(features, rows[away]), names[away])
    shares = (float(count) / asked if asked else None for count in right)
    return Unseen(len(set(labels)), strangers, *shares)


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
