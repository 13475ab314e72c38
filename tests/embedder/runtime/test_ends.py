"""Inputs and outputs of published networks."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.runtime.ends import Ends

RGB = {"shape": (2, 2, 3), "channels": "rgb", "layout": "hwc", "scale": (1.0,), "offset": (0.0,)}


def ends(**changed):
    return Ends(**{**RGB, **changed})


@pytest.fixture
def pixels():
    return np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)


def test_ends_survive_json():
    full = ends(input_type="int8", input_quantisation=(0.5, -3), batch=1, output=2)
    assert Ends.from_json(json.loads(json.dumps(full.to_json()))) == full


def test_pixels_are_scaled_channel_by_channel_in_the_networks_order(pixels):
    values = ends(channels="bgr", scale=(1.0, 2.0, 3.0), offset=(0.5, 0.0, 0.0)).encode(pixels)
    assert values[0, 0, 0].tolist() == [2 * 1 + 0.5, 1 * 2, 0 * 3]


def test_channels_can_come_first(pixels):
    values = ends(layout="chw", shape=(3, 2, 2)).encode(pixels)
    assert np.array_equal(values, pixels.transpose(0, 3, 1, 2))


def test_a_grey_picture_is_repeated(pixels):
    values = ends(channels="grey").encode(pixels[..., 0])
    assert np.array_equal(values, np.repeat(pixels[..., :1], 3, axis=-1))


def test_a_quantised_input_takes_what_its_scale_makes_of_the_value(pixels):
    scaled = ends(scale=(1 / 255,), input_type="uint8", input_quantisation=(1 / 255, 0))
    assert np.array_equal(scaled.encode(pixels), pixels)
    signed = ends(scale=(1 / 255,), input_type="int8", input_quantisation=(1 / 255, -128))
    assert np.array_equal(signed.encode(pixels), pixels.astype(int) - 128)


def test_a_quantised_output_is_brought_back_and_to_unit_length():
    given_ = np.array([[131, 132]], np.uint8)  # 0.5 · (3, 4): a length of 2.5
    stored = ends(output_quantisation=(0.5, 128))
    assert stored.decode(given_, 1)[0].tolist() == pytest.approx([0.6, 0.8])
    assert ends(output_quantisation=(0.5, 128), unit=False).decode(given_, 1).tolist() == [[1.5, 2]]


def test_an_embedding_of_zeros_stays_zeros():
    assert not ends().decode(np.zeros((1, 4), np.float32), 1).any()


def test_a_network_that_gives_fewer_rows_than_pictures_is_not_spread_over_them():
    with pytest.raises(ValueError, match="1 rows for 2 pictures"):
        ends().decode(np.ones((1, 4), np.float32), 2)


@given(st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_a_batch_changes_no_bit(count, seed):
    random = np.random.default_rng(seed)
    bridge = ends(channels="bgr", scale=(0.1, 0.2, 0.3), offset=(1.0, 2.0, 3.0))
    pixels = random.integers(0, 256, (count, 2, 2, 3), np.uint8)
    rows = random.normal(size=(count, 37)).astype(np.float32)
    encoded, decoded = bridge.encode(pixels), bridge.decode(rows, count)
    for place in range(count):
        one = slice(place, place + 1)
        assert np.array_equal(bridge.encode(pixels[one]), encoded[one])
        assert np.array_equal(bridge.decode(rows[one], 1), decoded[one])
