import numpy as np
import pytest

from embedder.composites import MEMBERS, make_composites
from embedder.outliers import OF_NO_GROUP
from embedder.pairs import Groups

LABELS = ["a", "b", "c"] * 5


def flat(shape, count=15):
    """Pictures of one value each, by which their group (value % 3) can be told."""
    return np.arange(count, dtype=np.uint8).reshape(-1, *[1] * len(shape)) * np.ones(shape, "u1")


@pytest.mark.parametrize("shape", [(28, 28), (7, 9, 3)])
def test_a_code_stands_for_one_first_group_one_second_and_one_way_to_cut(shape, rng):
    pictures, codes = make_composites(flat(shape), Groups.of(LABELS), 200, rng)
    assert pictures.shape == (200, *shape)
    middle = (shape[0] // 2, shape[1] // 2)
    seen = {}
    for picture, code in zip(pictures[..., 0] if len(shape) == 3 else pictures, codes, strict=True):
        sideways = bool((picture[0] != picture[0, 0]).any())
        one = picture[:, : middle[1]] if sideways else picture[: middle[0]]
        two = picture[:, middle[1] :] if sideways else picture[middle[0] :]
        assert len(np.unique(one)) == len(np.unique(two)) == 1  # each half is of one picture
        parts = (one.flat[0] % 3, two.flat[0] % 3, sideways)
        assert parts[0] != parts[1]
        assert seen.setdefault(code, parts) == parts
    assert len(set(seen.values())) == len(seen)
    assert max(seen) < OF_NO_GROUP


def test_each_made_group_has_as_many_members_as_can_be_compared(rng):
    _, codes = make_composites(flat((4, 4)), Groups.of(LABELS), 3 * MEMBERS + 1, rng)
    assert len(codes) == 3 * MEMBERS
    assert (codes.reshape(3, MEMBERS) == codes[::MEMBERS, None]).all()


def test_none_are_made_where_none_are_asked_for(rng):
    pictures, codes = make_composites(flat((4, 4)), Groups.of(LABELS), 0, rng)
    assert pictures.shape == (0, 4, 4)
    assert len(codes) == 0


def test_two_groups_suffice(rng):
    pictures, codes = make_composites(flat((4, 4), 2), Groups.of(["a", "b"]), 40, rng)
    assert len(pictures) == 40
    assert len(set(codes)) <= 4  # two orders, two ways to cut
