"""Parts of queries side by side: candidates in threads, ids in the caller's."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from index.search.by_parts import nearest_by_parts
from index.search.cells import Cells
from index.search.pruned import Candidates, candidates
from likewise import parallel
from tests.index.search.material import as_ids, clusters, filled


def test_ids_are_asked_for_in_the_callers_thread_which_may_hold_the_lock(
    rng, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "count", lambda: 2)
    stored = np.repeat(clusters(rng, 100, 8, 0.5), 3, axis=0)  # each three times: ties
    cells, index = Cells.train(stored), filled(stored)
    assert cells is not None
    both = threading.Barrier(2, timeout=60)  # so that each thread has a part
    callers: set[int] = set()

    def find(part: np.ndarray) -> Candidates:
        both.wait()
        return candidates(cells, index.stored, part, 2)

    def namer(rows: np.ndarray) -> np.ndarray:
        callers.add(threading.get_ident())
        return as_ids(rows)

    rows, _ = nearest_by_parts(
        find, stored[::3], 2, namer, index.nearest, most=50, worth_a_thread=1
    )
    assert callers == {threading.get_ident()}
    np.testing.assert_array_equal(rows, index.nearest(stored[::3], 2, as_ids)[0])
