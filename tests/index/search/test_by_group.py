"""Nearest references group by group, against the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from index.gallery import Gallery
from index.search.by_group import NONE, nearest_by_group
from index.search.exact import ExactIndex
from likewise.metrics.groups import rows_by_group

faiss = pytest.importorskip("faiss")
SMALL = st.integers(-2, 2).map(np.float32)  # many equal vectors and equal distances


def brute_force(stored, groups, queries, skip):
    gaps = queries[:, None].astype(np.float64) - stored[None].astype(np.float64)  # (n, refs, dim)
    distances = np.sqrt((gaps**2).sum(axis=2)).astype(np.float32)
    at = np.flatnonzero(skip != NONE)
    distances[at, skip[at]] = np.inf
    return np.stack([distances[:, rows].min(axis=1) for rows in groups.values()], axis=1)


@pytest.mark.costly
@given(data=st.data(), count=st.integers(1, 40), queries=st.integers(0, 8))
def test_each_groups_nearest_agrees_with_brute_force(data, count, queries):
    draw = data.draw
    stored = draw(hnp.arrays(np.float32, (count, 3), elements=SMALL))
    asked = draw(hnp.arrays(np.float32, (queries, 3), elements=SMALL))
    labels = draw(st.lists(st.sampled_from("abcdefgh"), min_size=count, max_size=count))
    skip = draw(hnp.arrays(np.int64, queries, elements=st.integers(NONE, count - 1)))
    vectors = ExactIndex(faiss.IndexFlatL2(3))
    vectors.append(stored)
    groups = rows_by_group(labels)
    found = nearest_by_group(vectors, groups, asked, skip)
    np.testing.assert_array_equal(found, brute_force(stored, groups, asked, skip))


def test_the_smallest_over_all_groups_is_what_a_search_finds(gallery, rng):
    queries = rng.normal(size=(9, gallery.dim)).astype(np.float32)
    labels, distances = gallery.nearest_by_group(queries)
    found = gallery.search(queries, 1)
    np.testing.assert_array_equal(distances.min(axis=1), found.distances[:, 0])
    assert [labels[place] for place in distances.argmin(axis=1)] == found.labels[:, 0].tolist()


def test_a_reference_that_leaves_itself_out_finds_another(gallery):
    ids, labels, vectors = gallery.references()
    groups, distances = gallery.nearest_by_group(vectors, skip=ids.tolist())
    own = distances[np.arange(len(ids)), [groups.index(label) for label in labels]]
    assert (own > 0).all()


def test_references_come_with_their_labels_and_vectors(gallery):
    ids, labels, vectors = gallery.references()
    one = gallery.get(ids[7])
    assert (ids[7], labels[7]) == (one.id, one.label)
    np.testing.assert_array_equal(vectors[7], one.vector)


def test_a_group_whose_only_reference_is_left_out_is_infinitely_far(empty: Gallery):
    empty.add(["a", "b"], np.eye(2, 4, dtype=np.float32), ["cat", "dog"])
    _, distances = empty.nearest_by_group(np.eye(1, 4, dtype=np.float32), skip=["a"])
    assert distances.tolist() == [[np.inf, np.float32(np.sqrt(2))]]


def test_an_empty_gallery_has_no_groups(empty: Gallery):
    labels, distances = empty.nearest_by_group(np.eye(2, 4, dtype=np.float32))
    assert (labels, distances.shape) == ([], (2, 0))


@pytest.mark.parametrize(("skip", "text"), [([], "of the 1 vectors"), (["none"], "'none'")])
def test_what_is_left_out_must_fit(gallery, skip, text):
    with pytest.raises(ValueError, match=text):
        gallery.nearest_by_group(np.zeros((1, gallery.dim), np.float32), skip=skip)
