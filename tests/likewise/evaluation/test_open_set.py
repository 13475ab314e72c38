"""Weighted pictures against the same pictures repeated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likewise.evaluation.open_set import _Nearer
from likewise.metrics.identification import auroc, oscr
from likewise.metrics.searches import Mated

DISTANCES = st.lists(st.integers(0, 9), min_size=5, max_size=5).map(
    lambda found: np.array(found, np.float32) / 8
)
TIMES = st.lists(st.integers(0, 3), min_size=5, max_size=5).filter(any).map(np.array)


@pytest.mark.costly
@given(own=DISTANCES, other=DISTANCES, unknown=DISTANCES, known_times=TIMES, times=TIMES)
def test_areas_of_counted_pictures_are_those_of_repeated_pictures(
    own, other, unknown, known_times, times
):
    nearest = np.minimum(own, other)
    many = [np.repeat(values, known_times) for values in (nearest, own, other)]
    strangers = np.repeat(unknown, times)
    assert _Nearer(nearest, np.arange(5), unknown).counted(known_times, times) == pytest.approx(
        auroc(many[0], strangers)
    )
    right = np.flatnonzero(own < other)
    mated = Mated(many[1], many[2], [""] * len(many[1]))
    assert _Nearer(own, right, unknown).counted(known_times, times) == pytest.approx(
        oscr(mated, strangers)
    )
