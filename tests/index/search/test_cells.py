"""Search by cells: whatever is left out, the answer equals brute force to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.search import bounds, division, outline, pruned
from index.search.cells import Cells
from index.search.checked import LONGEST
from index.search.exact import ExactIndex
from index.search.outline import Frame
from tests.index.search.material import SHAPES, agree, as_ids, clusters, filled

FEW = 4  # rows of a small index from which on cells are made here


def divided(stored: np.ndarray) -> ExactIndex:
    """An index that searches by cells, whether they pay or not."""
    vectors = filled(stored)
    vectors.divided().make(vectors.stored)
    assert vectors.divided().cells is not None
    vectors.divided().gain = 9.0
    return vectors


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells pay however few rows there are, and no query is given up for looking at many."""
    monkeypatch.setattr(division, "FROM", FEW)
    monkeypatch.setattr(division, "_VISITS", 0)
    monkeypatch.setattr(division, "measured_gain", lambda *_: 9.0)
    monkeypatch.setattr(bounds, "SHARE", 1.0)


def answered(vectors: ExactIndex, queries: np.ndarray, k: int) -> float:
    """The share of queries that the cells answered."""
    cells = vectors.divided().cells
    assert cells is not None
    found = pruned.candidates(cells, vectors.stored, queries, k)
    return 1 - float(found.given_up.mean())


@pytest.mark.costly
@pytest.mark.parametrize("dim", [3, 24, 25, 64])
@pytest.mark.parametrize("radius", [0.5, 1e-2, 1e-5, 1e-7])
def test_clusters_of_any_radius_are_searched_exactly(rng, brute_force, dim, radius) -> None:
    everything = clusters(rng, 1540, dim, radius)
    vectors = divided(everything[:1500])
    agree(vectors, everything[1500:], 5, brute_force)
    assert answered(vectors, everything[1500:], 5) > 0.5


def flat_groups(rng: np.random.Generator, count: int, dim: int) -> np.ndarray:
    """Ten groups far apart, each spread in a plane of its own, as trained embeddings are."""
    centres, planes = rng.normal(size=(10, dim)) * 10, rng.normal(size=(10, 2, dim))
    group = rng.integers(0, 10, count)
    places = np.einsum("np,npd->nd", rng.normal(size=(count, 2)), planes[group])
    vectors: np.ndarray = (centres[group] + places).astype(np.float32)
    return vectors


def test_most_rows_are_left_out_where_groups_lie_apart(rng) -> None:
    everything = flat_groups(rng, 3050, 64)
    vectors = divided(everything[:3000])
    cells = vectors.divided().cells
    assert cells is not None
    found = pruned.candidates(cells, vectors.stored, everything[3000:], 5)
    assert not found.given_up.any()
    assert len(found.rows) < 50 * 3000 / 20


@pytest.mark.costly
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    dim=st.sampled_from([1, 2, 30]),
    count=st.integers(FEW, 300),
    scale=st.sampled_from([1e-30, 1e-19, 1e-6, 1.0, 1e6, LONGEST / 100]),
    shape=st.sampled_from(["even", "tight", "equal", "grid", "zero", "one long", "line"]),
    k=st.sampled_from([1, 2, 5, 40]),
)
def test_every_shape_and_scale_agrees_with_brute_force(
    brute_force, seed, dim, count, scale, shape, k
) -> None:
    rng = np.random.default_rng(seed)
    stored = SHAPES[shape](rng, count + 40, dim).astype(np.float64) * scale
    everything = stored.astype(np.float32)
    agree(divided(everything[:count]), everything[count:], min(k, count), brute_force)


@pytest.mark.costly
@settings(max_examples=25, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_rows_that_come_and_go_are_searched_as_if_they_had_always_been_there(
    brute_force, data, seed
) -> None:
    rng = np.random.default_rng(seed)
    vectors = divided(rng.normal(size=(100, 30)).astype(np.float32))
    for step in range(4):
        if data.draw(st.booleans(), label=f"add in step {step}"):
            scale = data.draw(st.sampled_from([0.0, 0.1, 1.0, 100.0]))
            vectors.append((rng.normal(size=(rng.integers(1, 9), 30)) * scale).astype(np.float32))
        else:
            kept = rng.random(len(vectors)) < 0.95
            left = vectors.stored[kept]
            vectors.flat.reset()
            vectors.flat.add(left)
            vectors.removed(kept)
        queries = np.concatenate([vectors.stored[-3:], rng.normal(size=(37, 30))])
        agree(vectors, queries.astype(np.float32), 5, brute_force)
        cells = vectors.divided().cells
        assert cells is not None
        assert len(cells) == len(vectors)


def test_queries_that_bounds_do_not_help_are_searched_flat(rng, brute_force, monkeypatch) -> None:
    monkeypatch.setattr(bounds, "SHARE", 0.3)
    everything = flat_groups(rng, 1050, 30)
    strangers = rng.normal(size=(50, 30)).astype(np.float32)  # in the middle of all groups
    queries, vectors = np.concatenate([everything[1000:], strangers]), divided(everything[:1000])
    assert 0 < answered(vectors, queries, 5) < 1
    agree(vectors, queries, 5, brute_force)


def test_more_candidates_than_allowed_are_searched_flat(rng, brute_force, monkeypatch) -> None:
    monkeypatch.setattr(bounds, "MOST", 10)
    stored = np.repeat(rng.normal(size=(30, 30)).astype(np.float32), 30, axis=0)
    vectors = divided(stored)
    assert answered(vectors, stored[:60:2], 2) == 0
    agree(vectors, stored[:120:3], 2, brute_force)


def test_cells_with_fewer_rows_than_neighbours_do_not_bound_the_reach(rng, brute_force) -> None:
    stored = rng.normal(size=(64, 30)).astype(np.float32)
    vectors = divided(stored)
    cells = vectors.divided().cells
    assert cells is not None
    counts = cells.counts
    for k in (int(counts.min()) + 1, int(counts.max()), int(counts.max()) + 1, 64):
        agree(vectors, stored[:40], k, brute_force)


def test_bounds_hold_whatever_cells_the_rows_are_in(rng, brute_force) -> None:
    stored = clusters(rng, 500, 30, 0.3)
    vectors = divided(stored)
    centroids = rng.normal(size=(9, 30)).astype(np.float32)
    vectors.divided().cells = Cells(stored, centroids, rng.integers(0, 9, 500))
    agree(vectors, stored[:40], 3, brute_force)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), dim=st.sampled_from([2, 25, 40]))
def test_short_vectors_are_never_farther_apart_than_the_whole_ones(seed, dim) -> None:
    rng = np.random.default_rng(seed)
    vectors = (rng.normal(size=(50, dim)) ** 3).astype(np.float32)
    frame = Frame.of(vectors)
    short, far = frame.short(vectors)
    gaps = np.linalg.norm(vectors[1:].astype(float) - vectors[:-1], axis=1)
    slack = (far[1:] + far[:-1]) * frame.error
    assert (np.linalg.norm(short[1:] - short[:-1], axis=1) <= gaps + slack).all()
    assert short.shape[1] <= outline._AXES + 1


def test_cells_are_made_when_enough_is_asked(rng, monkeypatch) -> None:
    monkeypatch.setattr(division, "_REPAID", 10)
    vectors = filled(rng.normal(size=(100, 5)).astype(np.float32))
    for asked in (4, 5):
        vectors.nearest(vectors.stored[:asked], 1, as_ids)
        assert vectors.divided().cells is None
    vectors.nearest(vectors.stored[:1], 1, as_ids)
    assert vectors.divided().cells is not None


def test_a_few_dozen_queries_are_searched_by_a_matrix_product(rng, monkeypatch) -> None:
    monkeypatch.setattr(division, "_VISITS", 30 * np.sqrt(100))
    vectors = divided(rng.normal(size=(100, 5)).astype(np.float32))
    cells = vectors.divided().cells
    used = {
        count: vectors.divided().for_search(vectors.stored, count, 1) for count in (7, 8, 29, 30)
    }
    assert used == {7: cells, 8: None, 29: None, 30: cells}


def test_a_small_index_stays_flat(rng, monkeypatch) -> None:
    monkeypatch.setattr(division, "FROM", 101)
    monkeypatch.setattr(division, "_REPAID", 1)
    vectors = filled(rng.normal(size=(100, 5)).astype(np.float32))
    vectors.nearest(vectors.stored, 1, as_ids)
    assert vectors.divided().cells is None


def test_cells_that_save_no_time_are_not_used(rng, monkeypatch) -> None:
    monkeypatch.setattr(division, "_REPAID", 1)
    monkeypatch.setattr(division, "measured_gain", lambda *_: 1.1)
    vectors = filled(rng.normal(size=(100, 5)).astype(np.float32))
    assert vectors.divided().for_search(vectors.stored, 5, 1) is None
    assert vectors.divided().gain == 1.1


def test_cells_are_made_anew_when_the_rows_have_doubled(rng, monkeypatch) -> None:
    monkeypatch.setattr(division, "_REPAID", 50)
    vectors = divided(rng.normal(size=(100, 5)).astype(np.float32))
    first = vectors.divided().cells
    vectors.append(rng.normal(size=(100, 5)).astype(np.float32))
    assert vectors.divided().for_search(vectors.stored, 1, 1) is first  # 200 = 2 · 100 rows
    vectors.append(rng.normal(size=(1, 5)).astype(np.float32))
    assert vectors.divided().for_search(vectors.stored, 1, 1) is None
    assert vectors.divided().for_search(vectors.stored, 50, 1) is not first


def test_even_vectors_are_measured_to_gain_nothing(rng, monkeypatch) -> None:
    monkeypatch.setattr(bounds, "SHARE", 0.6)
    stored = rng.normal(size=(3000, 64)).astype(np.float32)
    cells = Cells.train(stored)
    assert cells is not None
    assert pruned.candidates(cells, stored, stored[:100], 5).given_up.all()
