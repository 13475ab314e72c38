"""The contrastive loss, its numbers derived by hand and by explicit loops."""

import itertools

import keras
import numpy as np
import pytest

from embedder.training.fitting import _trainable
from embedder.training.loss import AllPairsContrastiveLoss, contrastive_loss_with_margin, root
from embedder.training.networks import NETWORKS, base_network
from embedder.training.outliers import OF_NO_GROUP
from embedder.training.recipes import RECIPES


def test_a_same_pair_costs_its_squared_distance():
    loss = contrastive_loss_with_margin(1.0)(np.array([[1.0]]), np.array([[0.5]], "float32"))
    assert float(loss) == pytest.approx(0.25)  # 0.5²


def test_a_different_pair_costs_the_squared_way_to_the_margin():
    loss = contrastive_loss_with_margin(1.0)(np.array([[0.0]]), np.array([[0.4]], "float32"))
    assert float(loss) == pytest.approx(0.36)  # (1.0 - 0.4)²


def test_a_different_pair_beyond_the_margin_costs_nothing():
    loss = contrastive_loss_with_margin(1.0)(np.array([[0.0]]), np.array([[1.2]], "float32"))
    assert float(loss) == 0.0  # max(1.0 - 1.2, 0)² = 0


def test_labels_of_shape_n_do_not_broadcast_against_distances_of_shape_n_1():
    distance = np.array([[0.5], [0.8]], "float32")
    loss = contrastive_loss_with_margin(1.0)(np.array([1.0, 0.0]), distance)
    assert float(loss) == pytest.approx((0.5**2 + 0.2**2) / 2)


def test_a_margin_of_zero_is_refused():
    with pytest.raises(ValueError, match=r"above 0\. Received: 0"):
        contrastive_loss_with_margin(0)


@pytest.mark.parametrize("near", [0.0, 0.2])
def test_all_pairs_agrees_with_an_explicit_loop_over_the_pairs(near):
    angles = np.array([0.0, 0.1, 0.4, 1.5, 3.0])
    embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype("float32")
    codes, margin = [0, 0, 1, 1, 1], 1.0
    same: list[float] = []
    different: list[float] = []
    for i, j in itertools.permutations(range(5), 2):
        distance = float(np.linalg.norm(embeddings[i] - embeddings[j]))
        if codes[i] == codes[j]:
            same.append(max(distance - near, 0) ** 2)
        else:
            different.append(max(margin - distance, 0) ** 2)
    expected = sum(sum(costs) / (sum(c > 0 for c in costs) + 5) for costs in (same, different))
    loss = AllPairsContrastiveLoss(margin, near)(np.array(codes), embeddings)
    assert float(loss) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_loss_of_each_network_is_on_the_distance_itself(network):
    recipe = RECIPES["default"].changed(network=network)
    base = base_network(network, (8, 8))
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 8), np.uint8)
    embeddings, codes = base(pixels).numpy(), [0, 1, 2] * 2
    costs: dict[bool, list[float]] = {True: [], False: []}
    for i, j in itertools.permutations(range(6), 2):
        distance = float(np.linalg.norm(embeddings[i] - embeddings[j]))
        same = codes[i] == codes[j]
        gap = distance - recipe.near if same else recipe.margin - distance
        costs[same].append(max(gap, 0) ** 2)
    expected = sum(sum(kind) / (sum(c > 0 for c in kind) + 6) for kind in costs.values())
    loss = _trainable(base, recipe, steps=1).loss(np.array(codes), embeddings)
    assert float(loss) == pytest.approx(expected, abs=1e-4)


def test_equal_embeddings_have_a_finite_gradient():
    import tensorflow as tf

    embeddings = tf.Variable(np.ones((4, 1), "float32"))
    with tf.GradientTape() as tape:
        loss = AllPairsContrastiveLoss(1.0)(np.array([0, 0, 1, 1]), embeddings)
    assert np.isfinite(tape.gradient(loss, embeddings)).all()


def test_the_root_of_zero_is_exactly_zero():
    np.testing.assert_array_equal(root(np.array([0.0, 4.0], "float32")), [0.0, 2.0])


def test_the_all_pairs_loss_comes_back_from_its_config():
    config = keras.losses.serialize(AllPairsContrastiveLoss(1.3, near=0.2, made_margin=0.6))
    loss = keras.losses.deserialize(config)
    assert (loss.margin, loss.near, loss.made_margin) == (1.3, 0.2, 0.6)


def test_each_kind_of_pair_has_an_average_of_its_own(rng):
    embeddings = rng.normal(size=(11, 3)).astype("float32")
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    codes = [0, 0, 1, 1, OF_NO_GROUP, OF_NO_GROUP, OF_NO_GROUP, -2, -2, -3, -3]
    kinds: list[list[float]] = [[] for _ in range(5)]
    same, different, made_same, made_different, strangers = kinds
    for i, j in itertools.permutations(range(11), 2):
        distance = float(np.linalg.norm(embeddings[i] - embeddings[j]))
        pair = {codes[i], codes[j]}
        of_groups = min(pair) > OF_NO_GROUP
        if OF_NO_GROUP in pair:
            if max(pair) > OF_NO_GROUP:  # an outlier is compared with true groups alone
                strangers.append(max(1.7 - distance, 0) ** 2)
        elif len(pair) == 1:
            (same if of_groups else made_same).append(max(distance - 0.1, 0) ** 2)
        elif of_groups:
            different.append(max(1.9 - distance, 0) ** 2)
        else:
            made_different.append(max(1.7 - distance, 0) ** 2)
    expected = sum(sum(costs) / (sum(c > 0 for c in costs) + 11) for costs in kinds)
    loss = AllPairsContrastiveLoss(margin=1.9, near=0.1, made_margin=1.7)
    assert all(sum(costs) > 0 for costs in kinds)
    assert float(loss(np.array(codes), embeddings)) == pytest.approx(expected, rel=1e-4)


def test_outliers_are_not_compared_with_each_other():
    # Two of one group at distance 0.1, and two outliers at one spot, √2 from both.
    rows = np.array(
        [[1, 0, 0], [0.995, np.sqrt(1 - 0.995**2), 0], [0, 0, 1], [0, 0, 1]], np.float32
    )
    loss = AllPairsContrastiveLoss(margin=1.2, near=0.3, made_margin=1.2)
    assert float(loss(np.array([0, 0, OF_NO_GROUP, OF_NO_GROUP]), rows)) == 0.0
