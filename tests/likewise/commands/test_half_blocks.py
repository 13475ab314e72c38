from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from likewise.commands.half_blocks import Panel, half_blocks, panel_width, side_by_side
from likewise.commands.neighbours import show_neighbours

PICTURES = hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)))
ESCAPE = re.compile("\x1b\\[[0-9;]*m")


@pytest.mark.costly
@given(picture=PICTURES, width=st.integers(1, 40), colour=st.booleans())
def test_every_line_has_the_width_that_was_asked_for(picture, width, colour):
    lines = half_blocks(picture, width, colour=colour)
    assert {len(ESCAPE.sub("", line)) for line in lines} == {width}


def test_two_pixels_share_a_cell_and_keep_their_colours():
    red_over_blue = np.array([[[255, 0, 0]], [[0, 0, 255]]], np.uint8)
    assert half_blocks(red_over_blue, 1, colour=True) == ["\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[0m"]


def test_a_picture_without_colour_has_no_escapes_and_shows_where_it_is_light():
    left_light = np.array([[255, 0], [255, 0]], np.uint8)
    assert half_blocks(left_light, 4, colour=False) == ["██  ", "██  "]


@pytest.mark.costly
@given(count=st.integers(1, 6), columns=st.integers(60, 300))
def test_pictures_side_by_side_fit_the_terminal(count, columns):
    panels = [Panel(np.zeros((28, 28), np.uint8), ("a caption longer than any picture",))] * count
    lines = side_by_side(panels, panel_width(count, columns), colour=False)
    assert max(map(len, lines)) <= columns


def test_no_panels_make_no_lines():
    assert side_by_side([], 10, colour=False) == []


@pytest.mark.parametrize(("columns", "shown"), [(80, 4), (40, 2), (200, 5)])
def test_as_many_references_are_shown_as_fit(matcher, queries, columns, shown):
    picture = queries[0].pixels()
    nearest = matcher.query([picture], k=5)[0]
    lines = show_neighbours(matcher, picture, "a 7", nearest, columns=columns, colour=False)
    labels, distances = lines[-2].split()[2:], lines[-1].split()[1:]
    assert labels == [near.label for near in nearest[:shown]]
    assert distances == [f"{near.distance:.4f}" for near in nearest[:shown]]
    assert max(map(len, lines)) <= columns
