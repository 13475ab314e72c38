"""Trials that leave groups out: every group once, and no picture of it among the references."""

from __future__ import annotations

import numpy as np
import pytest

from embedder.transfer.fitting import fit_head, fit_heads
from embedder.transfer.head import unit
from embedder.transfer.settings import TransferRecipe
from embedder.transfer.unseen import Unseen, judge_unseen, trials

RECIPE = TransferRecipe(dim=4, steps=20, groups=4, per_group=3)


def groups_of(count: int, pictures: int = 6) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(count, 10))
    rows = np.repeat(centres, pictures, axis=0) + rng.normal(0, 0.3, (count * pictures, 10))
    labels = [f"group {group}" for group in range(count) for _ in range(pictures)]
    return unit(rows.astype(np.float32))[:, None], labels


def tried(features: np.ndarray, labels: list[str]) -> Unseen | None:
    rows, left_out = np.arange(len(labels)), trials(labels, seed=0)
    heads = fit_heads(features, labels, RECIPE, [rows[~away] for away in left_out])
    return judge_unseen(features, labels, rows, left_out, heads)


@pytest.mark.parametrize(("count", "expected"), [(3, 3), (5, 5), (12, 5), (13, 5)])
def test_each_group_is_left_out_once_and_as_a_whole(count, expected) -> None:
    labels = groups_of(count)[1]
    names, masks = np.array(labels), trials(labels, seed=0)
    assert len(masks) == expected
    assert np.array_equal(np.sum(masks, axis=0), np.ones(len(names)))
    for mask in masks:
        assert not set(names[mask]) & set(names[~mask])


def test_of_two_groups_none_can_be_left_out() -> None:
    assert tried(*groups_of(2)) is None


def test_one_group_alone_has_no_others_to_be_told_from() -> None:
    found = tried(*groups_of(4))
    assert found is not None
    assert (found.rank1, found.rank1_of_backbone) == (None, None)
    assert found.strangers.shape == (24,)


def test_strangers_are_as_far_as_a_head_fitted_without_their_group_says() -> None:
    features, labels = groups_of(3)
    found = tried(features, labels)
    assert found is not None
    names = np.array(labels)
    for group in set(labels):
        out = names == group
        head = fit_head(features[~out], names[~out].tolist(), RECIPE)
        asked, others = head.embed(features[out, 0]), head.embed(features[~out, 0])
        gaps = np.linalg.norm(asked[:, None].astype(np.float64) - others, axis=2).min(axis=1)
        np.testing.assert_allclose(found.strangers[out], gaps, atol=1e-3)


def test_the_backbones_share_is_that_of_the_nearest_others_of_the_left_out_groups() -> None:
    features, labels = groups_of(10)
    found = tried(features, labels)
    assert found is not None
    names, right = np.array(labels), 0
    for mask in trials(labels, seed=0):
        rows, those = features[mask, 0].astype(np.float64), names[mask]
        gaps = np.linalg.norm(rows[:, None] - rows, axis=2)
        np.fill_diagonal(gaps, np.inf)
        right += int(np.sum(those[gaps.argmin(axis=1)] == those))
    assert found.rank1_of_backbone == pytest.approx(right / len(names))
