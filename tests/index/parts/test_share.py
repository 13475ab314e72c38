"""Which references belong to which part."""

from __future__ import annotations

from itertools import chain

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from index.parts.share import Share

SMALL = st.integers(0, 60)


@given(of=st.integers(1, 5), block=st.integers(1, 7), after=SMALL, last=SMALL)
def test_the_spans_of_all_parts_are_all_slots_once_and_those_that_each_part_has(
    of, block, after, last
):
    parts = [Share(place, of, block) for place in range(of)]
    slots = [
        [slot for begin, end in part.spans(after, last) for slot in range(begin + 1, end + 1)]
        for part in parts
    ]
    assert sorted(chain.from_iterable(slots)) == list(range(after + 1, last + 1))
    for part, own in zip(parts, slots, strict=True):
        assert own == sorted(own)
        assert part.has(np.array(own, np.int64)).all()


@given(of=st.integers(1, 5), count=st.integers(1, 500))
def test_parts_differ_by_one_block_at_most(of, count):
    slots = np.arange(1, count + 1)
    sizes = [int(Share(place, of, 10).has(slots).sum()) for place in range(of)]
    assert max(sizes) - min(sizes) <= 10
