"""Digits and signs drawn from strokes."""

import numpy as np
import pytest

from embedder.preprocessing.digit import as_mnist
from embedder.training.writing.drawing import SIDE, draw, strokes
from embedder.training.writing.shapes import DIGITS
from embedder.training.writing.signs import SIGNS

SHAPES = [shape for shapes in (*DIGITS.values(), *SIGNS.values()) for shape in shapes]


def test_all_ten_digits_are_written_in_several_ways():
    assert sorted(DIGITS) == list("0123456789")
    assert min(len(shapes) for shapes in DIGITS.values()) >= 5


def test_no_sign_is_a_letter_that_is_written_like_a_digit():
    assert not {*SIGNS} & {*"BDILOQSZbcgijloqsz"}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_has_strokes_of_two_points_and_more_within_its_box(shape):
    for _, points in strokes(shape):
        assert len(points) >= 2
        assert points.min() >= 0
        assert points.max() <= 100


@pytest.mark.parametrize("shape", SHAPES)
def test_a_drawing_leaves_black_around_its_ink(shape):
    for seed in range(5):
        drawing = draw(shape, np.random.default_rng(seed))
        assert drawing.shape == (SIDE, SIDE)
        assert drawing.max() == 255
        assert not drawing[[0, -1]].any()
        assert not drawing[:, [0, -1]].any()


def test_the_same_draws_give_the_same_drawing_and_others_another():
    one, again, other = (draw(DIGITS["2"][0], np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_strokes_that_meet_mostly_go_on_meeting():
    seven = "0,0 60,0 / 60,0 20,100"  # one connected part where the strokes meet
    parts = [_parts(as_mnist(draw(seven, np.random.default_rng(seed)))) for seed in range(40)]
    assert np.mean([count == 1 for count in parts]) >= 0.9


def _parts(picture) -> int:
    import cv2

    return cv2.connectedComponents((picture > 80).astype(np.uint8))[0] - 1
