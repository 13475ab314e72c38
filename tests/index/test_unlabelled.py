"""References without a group: searches find them, decisions ignore them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.decision import CheckOptions
from index.doctor import examine
from index.errors import GalleryError, NoGroupsError
from index.gallery import Gallery

VECTORS = np.array([[0, 0], [0, 1], [3, 0], [3, 1], [9, 9]], np.float32)
LABELS = ["cat", None, "dog", None, None]
IDS = list("abcde")


@pytest.fixture
def mixed(tmp_path):
    with Gallery.create(tmp_path / "mixed", dim=2, fingerprint="3f") as gallery:
        gallery.add(IDS, VECTORS, LABELS)
        yield gallery


@pytest.fixture
def bare(tmp_path):
    with Gallery.create(tmp_path / "bare", dim=2, fingerprint="3f") as gallery:
        gallery.add(IDS, VECTORS, [None] * 5)
        yield gallery


def test_a_reference_without_a_group_stays_one_when_the_gallery_is_opened_again(mixed):
    mixed.close()
    with Gallery.open(mixed.path) as again:
        again.verify()
        assert again.get("b").label is None
        assert again.references()[1].tolist() == LABELS
        assert again.stored()[1].tolist() == LABELS


def test_it_is_of_no_group_whatever_its_label_looks_like(mixed):
    mixed.add(["f"], VECTORS[:1] + 5, ["None"])
    assert mixed.labels == mixed.groups() == {"None": 1, "cat": 1, "dog": 1}
    assert (mixed.count_groups(), mixed.count_unlabelled(), len(mixed)) == (3, 3, 6)
    assert not mixed.has_group("")


def test_an_empty_label_means_no_reference(mixed):
    assert (list(mixed.ids("")), mixed.page(limit=5, label="")[0]) == ([], [])
    assert list(mixed.ids("cat")) == ["a"]


def test_an_empty_label_is_still_refused(mixed):
    with pytest.raises(ValueError, match="non-empty"):
        mixed.add(["f"], VECTORS[:1], [""])


def test_a_search_finds_it_without_a_label(mixed):
    near = mixed.search(np.array([[0, 0.9]], np.float32), 2)
    assert near.labels.tolist() == [[None, "cat"]]
    assert mixed.within(np.array([[0, 0.9]], np.float32), 0.2)[0][0].label is None


def test_pages_list_all_or_those_without_a_group(mixed):
    names, last = mixed.page(limit=2, unlabelled=True)
    assert names == [("b", None), ("d", None)]
    assert last is not None
    assert mixed.page(limit=2, after=last, unlabelled=True) == ([("e", None)], None)
    assert [label for _, label in mixed.page(limit=9)[0]] == LABELS


def test_a_gallery_without_groups_says_what_to_do_instead_of_deciding(bare):
    for options in (CheckOptions(threshold=0.5), CheckOptions()):
        with pytest.raises(NoGroupsError, match=r"none of its 5 .* likewise query .*bare PICTURES"):
            bare.check(VECTORS, options)
    with pytest.raises(NoGroupsError):
        bare.require_groups()


def test_an_empty_gallery_lacks_references_and_not_labels(tmp_path):
    with Gallery.create(tmp_path / "empty", dim=2, fingerprint="3f") as gallery:
        gallery.require_groups()
        with pytest.raises(GalleryError, match="no operating point"):
            gallery.check(VECTORS)


def test_a_label_can_be_given_later(bare):
    bare.add(["a"], VECTORS[:1], ["cat"])
    assert bare.labels == {"cat": 1}
    [answer] = bare.check(VECTORS[1:2], CheckOptions(threshold=1))
    assert (answer.decision, answer.label, answer.distance) == ("match", "cat", 1.0)


COORDINATES = st.integers(0, 4).map(float)
POINTS = st.tuples(st.tuples(COORDINATES, COORDINATES), st.sampled_from(["cat", "dog", None]))


@settings(deadline=None, max_examples=50)
@given(st.lists(POINTS, min_size=1, max_size=12), st.integers(1, 6), st.floats(0, 4))
def test_decisions_are_those_of_the_gallery_of_the_labelled_ones_alone(points, k, threshold):
    vectors = np.array([place for place, _ in points], np.float32)
    labels = [label for _, label in points]
    ids = [f"{place:02}" for place in range(len(points))]
    kept = [place for place, label in enumerate(labels) if label is not None]
    queries = np.array([[x, y] for x in (0, 1.5, 4) for y in (0.25, 3)], np.float32)
    with TemporaryDirectory() as folder:
        with Gallery.create(Path(folder, "all"), dim=2, fingerprint="3f") as gallery:
            gallery.add(ids, vectors, labels)
            options = CheckOptions(k=min(k, len(ids)), threshold=threshold)
            if not kept:
                with pytest.raises(NoGroupsError):
                    gallery.check(queries, options)
                return
            decisions = gallery.check(queries, options)
            by_group = gallery.nearest_by_group(queries, ["cat"] * len(queries))
        with Gallery.create(Path(folder, "labelled"), dim=2, fingerprint="3f") as gallery:
            gallery.add([ids[at] for at in kept], vectors[kept], [labels[at] for at in kept])
            options = CheckOptions(k=min(k, len(kept)), threshold=threshold)
            assert decisions == gallery.check(queries, options)
            same = gallery.nearest_by_group(queries, ["cat"] * len(queries))
    assert by_group[0] == same[0]
    np.testing.assert_array_equal(by_group[1], same[1])
    for name in ("own", "other", "nearest", "closer"):
        np.testing.assert_array_equal(getattr(by_group[2], name), getattr(same[2], name))


def test_references_of_a_group_are_left_out_by_id_beside_others_without_one(mixed):
    labels = [label for label in LABELS if label]
    _, _, near = mixed.nearest_by_group(VECTORS[[0, 2]], labels, skip=["a", "c"])
    assert near.own.tolist() == [np.inf, np.inf]
    assert near.other.tolist() == [3.0, 3.0]


def test_the_doctor_finds_duplicates_and_judges_labels_by_labels(tmp_path):
    vectors = np.zeros((9, 2), np.float32)
    vectors[:, 0] = [0, 0.1, 0.2, 0.3, 0.4, 5, 5, 0.15, 0.25]
    labels = ["cat", "cat", "dog", "cat", "cat", None, None, None, None]
    with Gallery.create(tmp_path / "g", dim=2, fingerprint="3f") as gallery:
        gallery.add(list("abcdefghi"), vectors, labels)
        found = examine(gallery, threshold=0.12)
        assert (found.broken, found.search_recall) == ([], 1.0)
        assert (found.references, found.groups, found.unlabelled) == (9, 2, 4)
        assert found.duplicates == [["f", "g"]]
        [mislabel] = found.mislabels
        assert (mislabel.id, mislabel.suggested, mislabel.votes) == ("c", "cat", 4)
        assert found.outliers == []
        assert found.small_groups == {"dog": 1}
        assert {pair[:2] for pair in found.overlaps} == {("cat", "dog"), ("dog", "cat")}


def test_the_doctor_examines_a_gallery_without_groups(bare):
    bare.add(["f"], VECTORS[4:], [None])
    found = examine(bare, threshold=0.1)
    assert (found.broken, found.duplicates, found.outliers) == ([], [["e", "f"]], [])
    assert (found.groups, found.unlabelled) == (0, 6)
