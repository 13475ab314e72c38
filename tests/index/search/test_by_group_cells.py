"""Nearest groups by cells: whatever is left out, the answer equals brute force to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.search import by_group, by_group_cells, division
from index.search.by_group import GroupedVectors
from index.search.by_group_cells import nearest_pruned
from index.search.faiss_calls import LONGEST
from index.search.nearest_groups import NONE, NearestGroups
from likewise.metrics.groups import rows_by_group
from tests.index.search.material import filled
from tests.index.search.test_by_group import by_definition
from tests.index.search.test_cells import SHAPES

PARTS = ("own", "other", "nearest", "closer")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells pay however few vectors there are, and groups of three are not small."""
    monkeypatch.setattr(division, "FROM", 1)
    monkeypatch.setattr(by_group, "FROM", 1)
    monkeypatch.setattr(division, "_REPAID", 0)
    monkeypatch.setattr(division, "_VISITS", 0)
    monkeypatch.setattr(division, "measured_gain", lambda *_: 9.0)
    monkeypatch.setattr(by_group_cells, "_SHARE", 1.0)
    monkeypatch.setattr(by_group_cells, "_SMALL", 2)


def grouped(stored: np.ndarray, codes: np.ndarray) -> tuple[GroupedVectors, list[np.ndarray]]:
    groups = list(rows_by_group([f"{code:04}" for code in codes]).values())
    return GroupedVectors(filled(stored), groups), groups


def agree(
    stored: np.ndarray, codes: np.ndarray, queries: np.ndarray, own: np.ndarray, skip: np.ndarray
) -> float:
    """Compare with brute force; the share of queries that cells answered."""
    vectors, groups = grouped(stored, codes)
    columns = np.unique(codes)
    own = np.where(own == NONE, NONE, np.searchsorted(columns, own))
    found, expected = vectors.search(queries, own, skip), by_definition(
        stored, groups, queries, own, skip
    )
    for part in PARTS:
        np.testing.assert_array_equal(getattr(found, part), getattr(expected, part), part)
    return answered(vectors, queries, own, skip)


def answered(
    vectors: GroupedVectors, queries: np.ndarray, own: np.ndarray, skip: np.ndarray
) -> float:
    cells = vectors._divided(len(queries))
    assert cells is not None
    hidden = vectors._grouped.hidden(skip)
    return 1 - float(nearest_pruned(cells, queries, own, hidden)[1].mean())


GROUPS = {
    "few": lambda rng, rows: rng.integers(0, 3, rows),
    "many": lambda rng, rows: rng.integers(0, rows // 4 + 1, rows),
    "of one": lambda rng, rows: np.arange(rows),
    "one": lambda rng, rows: np.zeros(rows, np.int64),
    "one beside many": lambda rng, rows: np.maximum(0, np.arange(rows) - rows // 2),
}


@pytest.mark.costly
@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    dim=st.sampled_from([1, 2, 30]),
    count=st.integers(1, 200),
    scale=st.sampled_from([1e-30, 1e-19, 1e-6, 1.0, 1e6, LONGEST / 100]),
    shape=st.sampled_from(sorted(SHAPES)),
    groups=st.sampled_from(sorted(GROUPS)),
)
def test_every_shape_and_scale_agrees_with_brute_force(
    seed, dim, count, scale, shape, groups
) -> None:
    rng = np.random.default_rng(seed)
    everything = (SHAPES[shape](rng, count + 40, dim).astype(np.float64) * scale).astype(np.float32)
    stored, strangers = everything[:count], everything[count:]
    codes = GROUPS[groups](rng, count)
    references = rng.integers(0, count, 60)
    others = np.concatenate([rng.choice(codes, 30), np.full(10, NONE)])
    queries = np.concatenate([stored[references], strangers])
    own = np.concatenate([codes[references], others])
    skip = np.concatenate([references[:50], np.full(50, NONE)])
    agree(stored, codes, queries, own, skip)
