"""Names that are read when needed, and all of them once single questions have read a part."""

from __future__ import annotations

import numpy as np
import pytest

from index.references.local import Store
from index.references.rows import NewRow
from index.search import held_names
from index.search.held_names import HeldNames

COUNT = 60


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "references.sqlite"
    Store.create(path)
    opened = Store(path)
    vector = np.zeros(1, np.float32).tobytes()
    opened.add([NewRow(f"r{row}", f"g{row % 7}", None, None, vector, None) for row in range(COUNT)])
    opened.remove(["r3", "r10"])
    yield opened
    opened.close()


@pytest.fixture
def held(store, monkeypatch):
    monkeypatch.setattr(held_names, "_SPAN", 16)
    names = HeldNames(store)
    names.align(np.array([row.slot for row in store.rows()]))
    return names


def test_single_questions_read_their_own_rows_until_a_sixth_is_read(held):
    left = COUNT - 2
    for row in range(left // 6):
        assert held.ids(np.array([row])) is not None
    assert held._known.sum() == left // 6


def test_then_each_that_needs_more_reads_a_span_until_all_names_are_known(held, store):
    expected = [row.id for row in store.rows()]
    asked = 0
    while not held._known.all():  # the last ones first, so that spans of the first ones lack them
        asked += 1
        assert held.ids(np.array([-asked])).tolist() == [expected[-asked]]
    assert asked == 58 // 6 + 3  # spans of 16 up to row 47; the last ten were read by slots
    ids, labels = held.both(np.arange(len(expected)))
    assert ids.tolist() == expected
    assert labels.tolist() == [row.label for row in store.rows()]


def test_many_rows_at_once_read_no_others(held, monkeypatch):
    monkeypatch.setattr(held_names, "_FEW", 20)
    held.ids(np.arange(40))
    assert held._known.sum() == 40
