from typing import Any

import numpy as np
import pytest

from embedder.training.composites import MEMBERS, make_composites
from embedder.training.outliers import OF_NO_GROUP
from likewise.metrics.groups import Groups

LABELS = ["a", "b", "c"] * 5


def sloped(shape, count=15):
    """Pictures by whose first value modulo 3 their group can be told, and by the rest, the side."""
    values = np.arange(count).reshape(-1, 1, 1) + 20 * (
        np.arange(shape[0])[:, None] + shape[0] * np.arange(shape[1])
    )
    return values[..., None].repeat(3, axis=-1) if shape[2:] else values


def halves_of(picture, height, width):
    """Where each half of a composite comes from: group, and the rows and columns of its origin."""
    numbers = picture if picture.ndim == 2 else picture[..., 0]
    places = numbers // 20
    return numbers % 20 % 3, places % height, places // height


@pytest.mark.parametrize("shape", [(8, 6), (8, 6, 3)])
def test_a_code_stands_for_the_groups_of_both_halves_their_sides_and_the_cut(shape, rng):
    pictures, codes = make_composites(sloped(shape), Groups.of(LABELS), 400, rng)
    assert pictures.shape == (400, *shape)
    seen: dict[int, Any] = {}
    for picture, code in zip(pictures, codes.tolist(), strict=True):
        group, row, column = halves_of(picture, *shape[:2])
        sideways = bool((row[:, 0] == np.arange(8)).all() and (row[:, -1] == np.arange(8)).all())
        item, two = (group[:, :3], group[:, 3:]) if sideways else (group[:4], group[4:])
        assert len(np.unique(item)) == len(np.unique(two)) == 1  # each half is of one group
        origin, straight = (column[0], np.arange(6)) if sideways else (row[:, 0], np.arange(8))
        middle = len(straight) // 2
        mirrored = (
            bool((origin[:middle] == straight[::-1][:middle]).all()),
            bool((origin[middle:] == straight[::-1][middle:]).all()),
        )
        assert mirrored != (False, False)  # else it may be a true member of a group
        parts = (int(item.flat[0]), int(two.flat[0]), sideways, mirrored)
        assert parts[0] != parts[1] or mirrored != (True, True)
        assert seen.setdefault(code, parts) == parts
    assert len(set(seen.values())) == len(seen)
    assert max(seen) < OF_NO_GROUP


def test_each_made_group_has_as_many_members_as_can_be_compared(rng):
    _, codes = make_composites(sloped((4, 4)), Groups.of(LABELS), 3 * MEMBERS + 1, rng)
    assert len(codes) == 3 * MEMBERS
    assert (codes.reshape(3, MEMBERS) == codes[::MEMBERS, None]).all()


def test_none_are_made_where_none_are_asked_for(rng):
    pictures, codes = make_composites(sloped((4, 4)), Groups.of(LABELS), 0, rng)
    assert pictures.shape == (0, 4, 4)
    assert len(codes) == 0


def test_two_groups_suffice(rng):
    pictures, codes = make_composites(sloped((4, 4), 2), Groups.of(["a", "b"]), 40, rng)
    assert len(pictures) == 40
    assert len(set(codes)) <= 20  # two cuts; of two groups 3 ways each, of one group 2 ways each
