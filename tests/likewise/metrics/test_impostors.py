"""Non-mated pairs against all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from likewise.metrics.impostors import Impostors

LABELS = [str(place % 3) for place in range(30)]


@pytest.fixture
def references(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(30, 4)).astype(np.float32)


def test_of_few_references_every_pair_of_two_groups_is_taken_once(rng, references) -> None:
    queries = rng.normal(size=(5, 4)).astype(np.float32)
    labels = ["0", "2", None, "0", "elsewhere"]
    pairs = Impostors(LABELS, references)
    pairs.add(labels[:3], queries[:3])
    pairs.add(labels[3:], queries[3:])
    expected = [
        np.linalg.norm(query.astype(np.float64) - reference)
        for query, label in zip(queries, labels, strict=True)
        for reference, other in zip(references, LABELS, strict=True)
        if label != other
    ]
    assert len(expected) == 20 + 20 + 30 + 20 + 30
    np.testing.assert_array_equal(
        np.sort(pairs.distances), np.sort(np.array(expected).astype(np.float32))
    )


def test_of_many_references_different_ones_are_drawn_evenly_over_the_groups(references) -> None:
    pairs = Impostors(LABELS, references, references=10)
    pairs.add(["0"] * 2000, np.zeros((2000, 4), np.float32))
    rows = np.concatenate(pairs._rows).reshape(2000, 10)
    assert all(len(set(batch)) == 10 for batch in rows.tolist())
    counts = np.bincount(rows.ravel(), minlength=30)
    assert counts[::3].tolist() == [0] * 10  # none of the own group
    others = np.delete(counts, np.arange(0, 30, 3))
    assert others.sum() == 20_000
    assert np.abs(others - 1000).max() < 5 * np.sqrt(500)  # each of 20 in one of two draws


def test_a_gallery_of_one_group_has_no_such_pairs() -> None:
    pairs = Impostors(["a"], np.zeros((1, 4), np.float32))
    pairs.add(["a"], np.zeros((1, 4), np.float32))
    assert pairs.distances.tolist() == []


def test_the_interval_is_wider_where_one_query_makes_all_the_errors(references) -> None:
    near = references[1][None]  # of group 1, so near to all of it and to no other
    many = np.repeat(references[:1] + np.float32(50), 49, axis=0)
    pairs = Impostors(LABELS, references)
    pairs.add([None] * 50, np.concatenate([near, many]))
    share = float((pairs.distances <= 10).mean())
    low, high = pairs.interval(10)
    assert share == 1 / 50
    assert low == 0  # the one query is missing from a third of the draws
    assert high > 2 * share
