"""Stored pictures are identical to the bit."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from index.storage.pictures import decode_picture, encode_pictures

shapes = st.one_of(
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.integers(1, 4)),
)
grey_levels = st.sampled_from([0, 0, 0, 1, 255])


@pytest.mark.costly
@given(hnp.arrays(np.uint8, shapes, elements=grey_levels))
def test_pictures_of_one_shape_come_back(pictures: np.ndarray) -> None:
    for picture, encoded in zip(pictures, encode_pictures(pictures), strict=True):
        assert encoded is not None
        np.testing.assert_array_equal(decode_picture(encoded), picture)


def test_pictures_of_different_shapes_and_none_come_back() -> None:
    given_pictures = [np.full((2, 3), 9, np.uint8), None, np.zeros((4, 4, 3), np.uint8)]
    grey, nothing, colour = encode_pictures(given_pictures)
    assert nothing is None
    assert decode_picture(grey or b"").tolist() == [[9, 9, 9], [9, 9, 9]]
    assert decode_picture(colour or b"").shape == (4, 4, 3)


def test_a_list_of_pictures_of_one_shape_is_encoded_as_their_array_is() -> None:
    pictures = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
    assert encode_pictures(list(pictures)) == encode_pictures(pictures)
    assert encode_pictures([pictures[0], None, pictures[2]])[2] == encode_pictures(pictures)[2]


def test_a_digit_takes_less_than_half_its_pixels() -> None:
    digit = np.zeros((28, 28), np.uint8)
    digit[5:23, 10:16] = 200  # 108 of 784 pixels
    [encoded] = encode_pictures(digit[None])
    assert len(encoded or b"") == 2 + 2 * 4 + 784 // 8 + 108


def test_a_decoded_picture_may_be_written_to() -> None:
    for value in (0, 9):
        [encoded] = encode_pictures(np.full((1, 3, 3), value, np.uint8))
        decode_picture(encoded or b"")[0, 0] = 1


@pytest.mark.parametrize(
    "wrong", [np.zeros((1, 3, 3)), np.zeros((1, 3), np.uint8), np.zeros((1, 3, 3, 3, 3), np.uint8)]
)
def test_what_is_not_a_picture_is_refused_with_its_shape_and_dtype(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=rf"must be uint8.* Received: {wrong.dtype}"):
        encode_pictures(wrong)


@given(st.binary(max_size=40))
def test_other_bytes_are_refused_plainly(encoded: bytes) -> None:
    with contextlib.suppress(ValueError):
        decode_picture(encoded)
