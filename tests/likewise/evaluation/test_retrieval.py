"""The ranks of the right references among the nearest, against a full sort."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from likewise.evaluation.retrieval import _places, retrieval


def distances(least):
    """Up to 12 distances, of which some are equal."""
    return arrays(np.float32, st.integers(least, 12), elements=st.integers(0, 9).map(float))


@pytest.mark.costly
@given(right=distances(1), wrong=distances(0), data=st.data())
def test_places_are_those_of_a_sort_of_all_with_the_wrong_ones_first_where_equal(
    right, wrong, data
):
    depth = data.draw(st.integers(1, len(right) + len(wrong)))
    everything = sorted([(d, 0) for d in wrong] + [(d, 1) for d in right])
    expected = [place for place, (_, is_right) in enumerate(everything[:depth]) if is_right]
    assert _places(right, wrong, depth).tolist() == expected


def test_long_vectors_whose_gaps_are_small_are_ranked_rightly():
    queries = np.zeros((200, 2), np.float32)
    queries[:, 0] = np.linspace(300, 330, 200)
    right, wrong = (
        queries + np.array([0, 0.05], np.float32),
        queries + np.array([0, 0.08], np.float32),
    )
    labels = [f"{row}" for row in range(200)]
    references, names = np.concatenate([right, wrong]), [*labels, *["other"] * 200]
    figures = retrieval(queries, labels, references, names, seed=0, draws=1)
    assert figures.precision_at_1.value == 1
