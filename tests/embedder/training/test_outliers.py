from typing import Any

import numpy as np
import pytest

from embedder.training.outliers import (
    _TRIES,
    KINDS,
    _two_of_different_groups,
    make_outliers,
)


def test_the_shares_of_all_kinds_make_one():
    assert sum(share for _, share in KINDS.values()) == pytest.approx(1)


@pytest.mark.parametrize("shape", [(28, 28), (12, 20), (16, 16, 3), (7, 9, 3)])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_pictures_of_the_shape_of_the_groups_own(kind, shape, rng):
    first, second = rng.integers(0, 256, (2, *shape)).astype(np.uint8)
    before = first.copy()
    make = KINDS[kind][0]
    for seed in range(20):
        made = make(first, second, np.random.default_rng(seed))
        assert made.shape == shape
        assert made.dtype == np.uint8
    np.testing.assert_array_equal(first, before)


def test_the_same_seed_gives_the_same_outliers_and_another_seed_others(rng):
    pictures = rng.integers(0, 256, (20, 8, 8)).astype(np.uint8)
    codes = np.arange(20) % 3
    item, again, other = (make_outliers(pictures, codes, 30, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(item, again)
    assert (item != other).any()


class Counted:
    """Random draws, counted."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.draws = 0

    def __getattr__(self, name):
        self.draws += 1
        return getattr(self.rng, name)


def test_beside_a_huge_group_a_picture_of_another_is_found_without_drawing_for_ever():
    codes = np.zeros(1_000_000, np.int64)
    codes[-1] = 1
    pictures = np.broadcast_to(np.uint8(0), (len(codes), 1, 1))
    numbered: Any = Counted()
    for _ in range(5):  # by draws alone, a million for each
        first, second = _two_of_different_groups(pictures, codes, numbered)
        assert first.shape == second.shape == (1, 1)
    assert numbered.draws <= 5 * (1 + _TRIES + 1)  # the first, the tries, the choice


def test_quarters_keep_every_pixel_and_move_at_least_three_quarters(rng):
    picture = np.arange(16, dtype=np.uint8).reshape(4, 4)
    for seed in range(20):
        made = KINDS["quarters"][0](picture, picture, np.random.default_rng(seed))
        assert sorted(made.ravel().tolist()) == list(range(16))
        assert (made != picture).sum() >= 12  # three quarters of 4 pixels each
