"""A head is fitted by the contrastive loss: its gradient, its draws, and what it gains."""

from __future__ import annotations

import numpy as np
import pytest

from embedder.transfer import fitting
from embedder.transfer.fitting import _batch, _gradient, _members, fit_head, fit_heads
from embedder.transfer.head import Head, unit
from embedder.transfer.measuring import Sides, nearest_right
from embedder.transfer.settings import TransferRecipe

RECIPE = TransferRecipe(dim=4, steps=60, groups=4, per_group=3, learning_rate=0.02)


def loss(head: Head, x, groups, recipe) -> float:
    """The loss as the module's docstring has it, pair by pair, without the pull to the start."""
    rows = unit(x @ head.weights + head.bias)
    same, different = [], []
    for i in range(len(rows)):
        for j in range(len(rows)):
            gap = np.linalg.norm(rows[i] - rows[j])
            if i != j and groups[i] == groups[j]:
                same.append(max(gap - recipe.near, 0) ** 2)
            elif groups[i] != groups[j]:
                different.append(max(recipe.margin - gap, 0) ** 2)
    return float(np.mean(same) + np.mean(different))


def test_the_gradient_is_that_of_the_loss(rng) -> None:
    x = rng.normal(size=(9, 6))
    groups = np.repeat([0, 1, 2], 3)
    head = Head(rng.normal(size=(6, 4)), rng.normal(size=4))
    found = x.T @ _gradient(head, x, groups, RECIPE).astype(float)
    for place in ((0, 0), (3, 2), (5, 3)):
        step = np.zeros_like(head.weights)
        step[place] = 1e-5
        up = loss(Head(head.weights + step, head.bias), x, groups, RECIPE)
        down = loss(Head(head.weights - step, head.bias), x, groups, RECIPE)
        assert found[place] == pytest.approx((up - down) / 2e-5, rel=1e-3, abs=1e-5)


def test_a_batch_has_as_many_pictures_of_each_of_some_groups(rng) -> None:
    labels = ["a"] * 5 + ["b"] * 2 + ["c"] * 9 + ["d"] * 4 + ["e"] * 3
    rows, groups = _batch(_members(labels), RECIPE, rng)
    names = np.array(labels)[rows]
    assert len(set(groups.tolist())) == 4
    for group in set(groups.tolist()):
        of_group = names[groups == group]
        assert len(of_group) == 3
        assert len(set(of_group)) == 1
    of_large = rows[np.isin(names, list("acd"))]  # these have three or more: none comes twice
    assert len(set(of_large.tolist())) == len(of_large)


def features_of_groups(rng, groups=6, pictures=12, noise=3.0):
    """Two of sixteen numbers tell the groups apart; the others are louder, and say nothing."""
    centres = np.zeros((groups, 16))
    centres[:, :2] = [(np.cos(a), np.sin(a)) for a in np.linspace(0, 2 * np.pi, groups, False)]
    rows = np.repeat(centres, pictures, axis=0)
    rows[:, :2] += rng.normal(0, 0.1, (len(rows), 2))
    rows[:, 2:] += rng.normal(0, noise / 4, (len(rows), 14))
    labels = [str(group) for group in range(groups) for _ in range(pictures)]
    return unit(rows).astype(np.float32)[:, None], labels


def test_a_head_finds_what_tells_groups_apart(rng) -> None:
    features, labels = features_of_groups(rng)
    fresh, fresh_labels = features_of_groups(np.random.default_rng(5))
    both = np.concatenate([features, fresh])
    sides = Sides.of(labels + fresh_labels, (np.arange(len(labels)), len(labels) + np.arange(72)))
    before = nearest_right(sides, both, None)
    head = fit_head(features, labels, RECIPE.changed(steps=300, learning_rate=0.01))
    after = nearest_right(sides, both, head)
    assert before < 0.6
    assert after > before + 0.2


def test_heads_fitted_side_by_side_are_those_fitted_alone(rng) -> None:
    features, labels = features_of_groups(rng)
    parts = [np.arange(72), np.arange(36), np.arange(24, 72)]
    heads = fit_heads(features, labels, RECIPE, parts)
    for rows, head in zip(parts, heads, strict=True):
        [alone] = fit_heads(features, labels, RECIPE, [rows])
        assert np.array_equal(head.weights, alone.weights)
        assert np.array_equal(head.bias, alone.bias)


def test_an_interrupt_ends_the_heads_that_are_fitted_beside_it(rng, monkeypatch) -> None:
    features, labels = features_of_groups(rng)
    steps: list[None] = []
    batch = fitting._batch

    def interrupted(*arguments):
        steps.append(None)
        if len(steps) > 20:
            raise KeyboardInterrupt
        return batch(*arguments)

    monkeypatch.setattr(fitting, "_batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit_heads(features, labels, RECIPE.changed(steps=10**9), [np.arange(72)] * 3)
    assert len(steps) < 40


def test_the_same_seed_gives_the_same_head_and_another_seed_another(rng) -> None:
    features, labels = features_of_groups(rng)
    heads = [fit_head(features, labels, RECIPE.changed(seed=seed)) for seed in (7, 7, 8)]
    assert np.array_equal(heads[0].weights, heads[1].weights)
    assert not np.array_equal(heads[0].weights, heads[2].weights)


@pytest.mark.parametrize("shape", [(9, 30), (30, 30), (80, 30)])
def test_the_head_starts_as_the_components_of_a_singular_value_decomposition(rng, shape) -> None:
    features = rng.normal(size=shape).astype("f4")
    head = Head.of_components(features, 5)
    _, _, axes = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)
    # The same directions: each may point the other way.
    np.testing.assert_allclose(np.abs(axes[:5] @ head.weights), np.eye(5), atol=2e-3)
    np.testing.assert_allclose(head.weights.T @ head.weights, np.eye(5), atol=1e-5)


def test_equal_pictures_have_components_too(rng) -> None:
    head = Head.of_components(np.ones((6, 8), np.float32), 4)
    np.testing.assert_allclose(head.weights.T @ head.weights, np.eye(4), atol=1e-5)


def test_a_strong_anchor_keeps_the_start(rng) -> None:
    features, labels = features_of_groups(rng)
    start = Head.of_components(features[:, 0], 4)

    def moved(anchor):
        recipe = TransferRecipe(**{**RECIPE.described(), "anchor": anchor})
        return np.linalg.norm(fit_head(features, labels, recipe).weights - start.weights)

    assert moved(100.0) < moved(0.0) / 2


def test_the_start_keeps_distances_where_there_are_as_many_components_as_numbers(rng) -> None:
    features = rng.normal(size=(40, 5)).astype(np.float32)
    head = Head.of_components(features, 5)
    mapped = features @ head.weights + head.bias
    gaps = np.linalg.norm(features[:, None] - features, axis=2)
    np.testing.assert_allclose(np.linalg.norm(mapped[:, None] - mapped, axis=2), gaps, atol=1e-4)


@pytest.mark.parametrize(
    "setting", [{"steps": 0}, {"margin": 2.5}, {"learning_rate": 0.0}, {"dim": -1}]
)
def test_a_setting_out_of_its_range_is_refused_by_name(setting) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(setting))}` must be above 0"):
        TransferRecipe().changed(**setting)


def test_square_roots_are_mapped_where_no_feature_is_below_0() -> None:
    features = np.random.default_rng(0).random((20, 6), np.float32)
    head = Head.of_components(features, 3)
    mapped = np.sqrt(features) @ head.weights + head.bias
    assert head.rooted
    np.testing.assert_allclose(
        head.embed(features), mapped / np.linalg.norm(mapped, axis=1)[:, None], atol=1e-6
    )
    assert not Head.of_components(features - 0.5, 3).rooted


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"per_group": 1}, "at least 2"),
        ({"groups": 1}, "at least 2"),
        ({"views": -1}, "at least 0"),
        ({"near": float("nan")}, "at least 0"),
        ({"anchor": -1.0}, "at least 0"),
        ({"near": 1.2}, r"`margin` must be above `near`, 1\.2"),
        ({"validation": 1.0}, "below 1"),
    ],
)
def test_settings_that_leave_no_pairs_or_turn_the_loss_round_are_refused(setting, words):
    with pytest.raises(ValueError, match=words):
        TransferRecipe().changed(**setting)
