"""Which rows are one and the same vector."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from index.search import equals
from index.search.equals import equal_rows

ROWS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(0, 20), st.integers(1, 3)),
    elements=st.sampled_from([np.float32(0), np.float32(-0.0), np.float32(1)]),
)


@given(ROWS)
def test_rows_have_one_number_where_they_are_equal(rows):
    first, same = equal_rows(rows)
    np.testing.assert_array_equal(rows[first][same], rows)
    assert len({tuple(row) for row in rows.tolist()}) == len(first)
    assert (first == np.array([same.tolist().index(n) for n in range(len(first))])).all()


def test_different_rows_of_one_sum_count_as_different(monkeypatch):
    monkeypatch.setattr(equals, "_sums", lambda vectors: np.zeros(len(vectors), np.int64))
    rows = np.array([[1], [2], [1], [3]], np.float32)
    first, same = equal_rows(rows)
    np.testing.assert_array_equal(rows[first][same], rows)
    assert first.tolist() == [0, 1, 3]
