"""Fit a head by the contrastive loss over all pairs of balanced batches, in NumPy.

The loss of a batch, with d the distance of two embeddings of length 1:

    mean over pairs of one group of max(d - near, 0)²
    + mean over pairs of two groups of max(margin - d, 0)²
    + anchor · |W - W₀|² / |W₀|²

as `embedder.training.loss` has it (Hadsell, Chopra, LeCun, CVPR 2006, with a `near` of its own),
and a pull to the start W₀ (L2-SP: Li, Grandvalet, Davoine, ICML 2018). Steps are Adam's (Kingma,
Ba, ICLR 2015).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from threading import Event

import numpy as np
from threadpoolctl import threadpool_limits

from embedder.transfer.head import Head
from embedder.transfer.row_file import Features
from embedder.transfer.settings import TransferRecipe
from likewise import parallel
from likewise.arrays import Floats, Indices
from likewise.metrics.groups import Groups

_ENOUGH = 2048  # pictures to find principal components of
_FIRST, _SECOND, _TINY = 0.9, 0.999, 1e-7  # Adam's constants


def fit_heads(
    features: Features, labels: Sequence[str], recipe: TransferRecipe, parts: Sequence[Indices]
) -> list[Head]:
    """Fit a head to each of several parts of the pictures, side by side.

    Each product is the work of one thread. The matrices are so small that several threads wait for
    each other longer than they compute; and so the same seed gives the same heads on any number of
    cores.

    Args:
        features: `(n, views + 1, d)`, float32; the first of each picture is its own.
        labels: The groups of all n pictures.
        recipe: The settings.
        parts: Rows of each part.
    """
    stop = Event()  # for the others, once one was interrupted

    def fitted(rows: Indices) -> Head:
        names = [labels[row] for row in rows.tolist()]
        try:
            return fit_head(features, names, recipe, rows, stop)
        except BaseException:
            stop.set()
            raise

    with threadpool_limits(1, "blas"):
        return parallel.map_items(fitted, parts)


def fit_head(
    features: Features,
    labels: Sequence[str],
    recipe: TransferRecipe,
    rows: Indices | None = None,
    stop: Event | None = None,
) -> Head:
    """Fit a head to features.

    Args:
        features: `(n, views + 1, d)`, float32; the first of each picture is its own.
        labels: The groups of the pictures to fit to.
        recipe: The settings.
        rows: Their rows among the features; all when None.
        stop: Ends the fit early once it is set; the head is of no use then.

    Returns:
        The head; the same features and recipe give the same.
    """
    rng = np.random.default_rng(recipe.seed)
    if rows is None:
        rows = np.arange(len(features))
    head = Head.of_components(_own(features, rows), recipe.dim)
    members = [rows[places] for places in _members(labels)]
    weights, bias = _Adam(head.weights), _Adam(head.bias)
    start = head.weights.copy()
    pull = 2 * recipe.anchor / np.sum(start**2)
    for step in range(recipe.steps):
        if stop is not None and stop.is_set():
            break
        drawn, groups = _batch(members, recipe, rng)
        views = rng.integers(features.shape[1], size=len(drawn))
        x = head.inputs(features[drawn, views])
        gradient = _gradient(head, x, groups, recipe)
        rate = recipe.learning_rate * (1 + math.cos(math.pi * step / recipe.steps)) / 2
        head.weights -= rate * weights.step(x.T @ gradient + pull * (head.weights - start))
        head.bias -= rate * bias.step(gradient.sum(axis=0))
    return head


def _own(features: Features, rows: Indices) -> Floats:
    """Features of the pictures themselves, of rows spread evenly where there are many."""
    if len(rows) > _ENOUGH:
        rows = rows[np.linspace(0, len(rows) - 1, _ENOUGH).astype(int)]
    return features[rows, np.zeros_like(rows)]


def _members(labels: Sequence[str]) -> list[Indices]:
    groups = Groups.of(labels)
    return [np.flatnonzero(groups.codes == code) for code in range(len(groups.names))]


def _batch(
    members: list[Indices], recipe: TransferRecipe, rng: np.random.Generator
) -> tuple[Indices, Indices]:
    """Rows of as many pictures of each of some groups, and the groups' numbers."""
    chosen = rng.permutation(len(members))[: recipe.groups]
    rows = [
        rng.choice(members[group], recipe.per_group, replace=len(members[group]) < recipe.per_group)
        for group in chosen
    ]
    return np.concatenate(rows), np.repeat(chosen, recipe.per_group)


def _gradient(head: Head, x: Floats, groups: Indices, recipe: TransferRecipe) -> Floats:
    """The loss's gradient with respect to the head's output before it is brought to length 1."""
    mapped = x @ head.weights + head.bias
    length = np.maximum(np.linalg.norm(mapped, axis=1, keepdims=True), 1e-12)
    rows = mapped / length
    distance = np.sqrt(np.maximum(2 - 2 * rows @ rows.T, 1e-9))
    alike = groups[:, None] == groups
    same, different = alike & ~np.eye(len(rows), dtype=bool), ~alike
    slope = np.where(same, 2 * np.maximum(distance - recipe.near, 0) / max(same.sum(), 1), 0)
    slope -= np.where(
        different, 2 * np.maximum(recipe.margin - distance, 0) / max(different.sum(), 1), 0
    )
    pull = slope / distance * 2  # each pair stands twice in the matrix
    by_row = pull.sum(axis=1, keepdims=True) * rows - pull @ rows
    along = np.sum(rows * by_row, axis=1, keepdims=True)
    gradient: Floats = ((by_row - along * rows) / length).astype(np.float32)
    return gradient


class _Adam:
    """Adam's moments of one array of parameters; no step allocates memory."""

    def __init__(self, like: Floats) -> None:
        self._first = np.zeros_like(like)
        self._second = np.zeros_like(like)
        self._change, self._direction = np.empty_like(like), np.empty_like(like)
        self._steps = 0

    def step(self, gradient: Floats) -> Floats:
        """The direction to descend against, each element about 1 in size; valid until the next."""
        self._steps += 1
        change = np.subtract(gradient, self._first, out=self._change)
        change *= 1 - _FIRST
        self._first += change
        np.multiply(gradient, gradient, out=change)
        change -= self._second
        change *= 1 - _SECOND
        self._second += change
        np.divide(self._second, 1 - _SECOND**self._steps, out=change)
        np.sqrt(change, out=change)
        change += _TINY
        direction = np.divide(self._first, 1 - _FIRST**self._steps, out=self._direction)
        direction /= change
        return direction
