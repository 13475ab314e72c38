"""Nearest groups, against the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from index.gallery import Gallery
from index.search.by_group import GroupedVectors
from index.search.exact import ExactIndex
from index.search.nearest_groups import CLOSER, NONE, NearestGroups
from likewise.metrics.groups import rows_by_group

faiss = pytest.importorskip("faiss")
SMALL = st.integers(-2, 2).map(np.float32)  # many equal vectors and equal distances


def by_definition(stored, groups, queries, own, skip) -> NearestGroups:
    gaps = queries[:, None].astype(np.float64) - stored[None].astype(np.float64)  # (n, refs, dim)
    # Summed in the order of `exact_distances`: other orders differ in the last bit of float64.
    distances = np.sqrt(np.einsum("nmd,nmd->nm", gaps, gaps)).astype(np.float32)
    at = np.flatnonzero(skip != NONE)
    distances[at, skip[at]] = np.inf
    by_group = np.stack([distances[:, rows].min(axis=1) for rows in groups], axis=1)
    known = np.flatnonzero(own != NONE)
    nearest_own = np.full(len(queries), np.inf, np.float32)
    nearest_own[known] = by_group[known, own[known]]
    by_group[known, own[known]] = np.inf
    other, nearest = by_group.min(axis=1), by_group.argmin(axis=1)
    nearest[~np.isfinite(other)] = NONE
    closer = np.minimum((by_group <= nearest_own[:, None]).sum(axis=1), CLOSER)
    closer[~np.isfinite(nearest_own)] = 0
    return NearestGroups(nearest_own, other, nearest, closer)


def assert_as_defined(stored, labels, queries, own, skip):
    vectors = ExactIndex(faiss.IndexFlatL2(stored.shape[1]))
    vectors.append(stored)
    groups = list(rows_by_group(labels).values())
    found = GroupedVectors(vectors, groups).search(queries, own, skip)
    expected = by_definition(stored, groups, queries, own, skip)
    for part in ("own", "other", "nearest", "closer"):
        np.testing.assert_array_equal(getattr(found, part), getattr(expected, part), part)


@pytest.mark.costly
@given(data=st.data(), count=st.integers(1, 40), queries=st.integers(0, 8))
def test_the_nearest_groups_agree_with_the_definition(data, count, queries):
    draw = data.draw
    stored = draw(hnp.arrays(np.float32, (count, 3), elements=SMALL))
    asked = draw(hnp.arrays(np.float32, (queries, 3), elements=SMALL))
    labels = draw(st.lists(st.sampled_from("abcdefgh"), min_size=count, max_size=count))
    codes = np.array([sorted(set(labels)).index(label) for label in labels])
    skip = draw(hnp.arrays(np.int64, queries, elements=st.integers(NONE, count - 1)))
    own = draw(hnp.arrays(np.int64, queries, elements=st.integers(NONE, codes.max())))
    own = np.where(skip == NONE, own, codes[skip])  # a reference left out is of the own group
    assert_as_defined(stored, labels, asked, own, skip)


@pytest.mark.costly
@pytest.mark.parametrize(
    ("count", "groups", "different"),
    [(900, 900, 900), (900, 3, 900), (900, 30, 900), (900, 900, 1), (900, 30, 5), (900, 450, 451)],
)
def test_many_groups_and_many_equal_vectors_agree_with_the_definition(
    rng, count, groups, different
):
    vectors = rng.normal(size=(different, 8)).astype(np.float32)
    stored = vectors[np.arange(count) % different]
    labels = [f"{row % groups:04}" for row in range(count)]
    asked = np.concatenate([stored[:300], rng.normal(size=(300, 8)).astype(np.float32)])
    codes = np.array(labels, int)
    own = np.concatenate([codes[:300], rng.integers(NONE, groups, 300)])
    skip = np.concatenate([np.arange(300), np.full(300, NONE)])
    assert_as_defined(stored, labels, asked, own, skip)


def test_near_equal_vectors_are_distinguished_beyond_the_precision_of_faiss(rng):
    stored = (100 + rng.integers(0, 3, (200, 4)) * 2.0**-16).astype(np.float32)
    labels = [f"{row % 20:02}" for row in range(200)]
    own = np.arange(200) % 20
    assert_as_defined(stored, labels, stored, own, np.arange(200))


def test_the_nearest_of_all_groups_is_what_a_search_finds(gallery, rng):
    queries = rng.normal(size=(9, gallery.dim)).astype(np.float32)
    groups, columns, near = gallery.nearest_by_group(queries, [None] * 9)
    found = gallery.search(queries, 1)
    np.testing.assert_array_equal(near.other, found.distances[:, 0])
    assert [groups[column] for column in near.nearest] == found.labels[:, 0].tolist()
    assert set(columns.tolist()) == {NONE}


def test_a_reference_that_leaves_itself_out_finds_another(gallery):
    ids, labels, vectors = gallery.references()
    _, _, near = gallery.nearest_by_group(vectors, labels.tolist(), skip=ids.tolist())
    assert (near.own > 0).all()


def test_references_come_with_their_labels_and_vectors(gallery):
    ids, labels, vectors = gallery.references()
    one = gallery.get(ids[7])
    assert (ids[7], labels[7]) == (one.id, one.label)
    np.testing.assert_array_equal(vectors[7], one.vector)


def test_a_group_whose_only_reference_is_left_out_is_infinitely_far(empty: Gallery):
    empty.add(["a", "b"], np.eye(2, 4, dtype=np.float32), ["cat", "dog"])
    _, _, near = empty.nearest_by_group(np.eye(1, 4, dtype=np.float32), ["cat"], skip=["a"])
    assert (near.own.tolist(), near.other.tolist()) == ([np.inf], [np.float32(np.sqrt(2))])


def test_an_empty_gallery_has_no_groups(empty: Gallery):
    groups, columns, near = empty.nearest_by_group(np.eye(2, 4, dtype=np.float32), ["a", None])
    assert (groups, columns.tolist(), near.own.tolist()) == ([], [NONE, NONE], [np.inf, np.inf])


@pytest.mark.parametrize(
    ("labels", "skip", "text"),
    [
        (["0"], [], "of the 1 vectors"),
        ([], None, "of the 1 vectors"),
        (["0"], ["none"], "'none'"),
        (["0"], ["r01"], "'r01', which is not of group '0'"),
    ],
)
def test_what_is_asked_must_fit(gallery, labels, skip, text):
    with pytest.raises(ValueError, match=text):
        gallery.nearest_by_group(np.zeros((1, gallery.dim), np.float32), labels, skip=skip)
