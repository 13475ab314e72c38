"""What follows from a network's shape, and what the user must choose."""

from __future__ import annotations

import re

import pytest

from embedder.errors import ImportOptionError, ModelError
from embedder.importing.front import front_of
from embedder.importing.options import ImportOptions
from embedder.importing.pixels import range_of_ends


def front(shape, proved=None, **options):
    return front_of(shape, ImportOptions(**{"pixels": "0..1", **options}), proved)


@pytest.mark.parametrize(
    ("shape", "layout", "channels", "input_shape"),
    [
        ((28, 28), "hw", "grey", (28, 28)),
        ((28, 28, 1), "hwc", "grey", (28, 28)),
        ((32, 48, 3), "hwc", "rgb", (32, 48, 3)),
        ((3, 32, 48), "chw", "rgb", (32, 48, 3)),
        ((1, 28, 28), "chw", "grey", (28, 28)),
        ((784,), "flat", "grey", (28, 28)),
        ((3072,), "flat", "rgb", (32, 32, 3)),
    ],
)
def test_the_shape_shows_layout_channels_and_size(shape, layout, channels, input_shape):
    seen = front(shape)
    assert (seen.layout, seen.channels, seen.input_shape) == (layout, channels, input_shape)
    assert seen.shape == shape


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((None, None, 3), {}, "--size"),
        ((28, 28, 1), {"pixels": "caffe"}, "three channels"),
        ((28, 28, 1), {"channels": "rgb"}, "three channels"),
        ((28, 28, 1), {"size": (32, 32)}, "not the size"),
        ((1000,), {}, "--size"),
        ((28, 28, 1), {"pixels": "0-1"}, "must be one of"),
        ((3072,), {"layout": "chw"}, r"--layout chw .* takes \(3072\): leave it out"),
        ((28, 28), {"layout": "hwc"}, r"--layout hwc .* takes \(28, 28\): leave it out"),
    ],
)
def test_what_must_be_chosen_or_cannot_be_is_wrong_usage(shape, options, message):
    with pytest.raises(ImportOptionError, match=message):
        front(shape, **options)


@pytest.mark.parametrize("shape", [(4, 28, 28, 1), (28, 28, 4), (), (9999, 9999, 3)])
def test_a_network_that_takes_no_picture_is_refused(shape):
    with pytest.raises(ModelError):
        front(shape)


def test_a_size_may_be_chosen_where_any_will_do():
    assert front((None, None, 3), size=(64, 48)).input_shape == (64, 48, 3)
    assert front((600,), size=(20, 30)).input_shape == (20, 30)


def test_a_grey_picture_is_repeated_for_three_channels():
    seen = front((8, 8, 3), channels="grey")
    assert seen.repeats
    assert seen.input_shape == (8, 8)


def test_blue_comes_first_for_caffe_with_its_means_in_that_order():
    seen = front((8, 8, 3), pixels="caffe")
    assert (seen.channels, seen.offset) == ("bgr", (-103.939, -116.779, -123.68))


def test_a_choice_goes_before_what_the_network_shows():
    shown = front((8, 8), proved="0..255", pixels=None)
    assert (shown.pixels, shown.origin["pixels_proved"]) == ("0..255", True)
    chosen = front((8, 8), proved="0..255", pixels="0..1")
    assert (chosen.pixels, chosen.origin["pixels_proved"]) == ("0..1", False)


def test_a_choice_against_what_the_network_shows_is_warned_of_with_both():
    warned = front((8, 8), proved="0..255", pixels="0..1").origin["warning"]
    assert re.search(r"expects pixels as --pixels 0\.\.255 .* but --pixels 0\.\.1 was", warned)
    for agreed in (
        front((8, 8), proved="0..255", pixels="0..255"),
        front((8, 8), proved="0..255", pixels=None),
        front((8, 8), proved=None, pixels="0..1"),
    ):
        assert "warning" not in agreed.origin


@pytest.mark.parametrize(
    ("ends", "name"),
    [((0, 1), "0..1"), ((-1, 0.992), "-1..1"), ((0, 255), "0..255"), ((-2.1, 2.6), None)],
)
def test_a_quantised_input_shows_its_range(ends, name):
    assert range_of_ends(*ends) == name


def test_a_repeated_grey_picture_has_the_means_of_its_range_in_the_order_of_the_network():
    colours, grey = (
        front((8, 8, 3), pixels="caffe"),
        front((8, 8, 3), pixels="caffe", channels="grey"),
    )
    assert (grey.offset, grey.scale) == (colours.offset, colours.scale)
    assert front((8, 8, 3), pixels="imagenet", channels="grey").offset == (
        front((8, 8, 3), pixels="imagenet").offset
    )
