"""Gallery: what callers see."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.decision import CheckOptions
from index.errors import FingerprintError, GalleryError, ReferenceNotFoundError
from index.gallery import Gallery
from index.operating_point import OperatingPoint


def all_vectors(gallery: Gallery) -> tuple[list[str], np.ndarray]:
    ids = list(gallery.ids())
    return ids, np.stack([gallery.get(id).vector for id in ids])


def vectors(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


# ---------------------------------------------------------------- what it holds


def test_a_new_gallery_is_empty(empty: Gallery) -> None:
    assert (len(empty), empty.labels, list(empty.ids()), "r00" in empty) == (0, {}, [], False)


def test_a_reference_comes_back_as_it_was_added(gallery: Gallery) -> None:
    expected = np.random.default_rng(7)
    rows = expected.normal(size=(60, 4)).astype(np.float32)
    pictures = expected.integers(0, 3, size=(60, 6, 5), dtype=np.uint8)
    got = gallery.get("r42")
    assert (got.id, got.label, got.metadata, got.content) == ("r42", "2", {"place": 42}, b"*" * 16)
    np.testing.assert_array_equal(got.vector, rows[42])
    np.testing.assert_array_equal(got.picture, pictures[42])


def test_everything_optional_may_be_left_out(empty: Gallery) -> None:
    empty.add(["a"], vectors([1, 2, 3, 4]), ["x"])
    got = empty.get("a")
    assert (got.metadata, got.picture, got.content) == ({}, None, None)


def test_labels_are_counted_in_order(gallery: Gallery) -> None:
    assert gallery.labels == {"0": 12, "1": 12, "2": 12, "3": 12, "4": 12}


def test_groups_are_counted_as_they_come_and_go(empty: Gallery) -> None:
    assert empty.count_groups() == 0
    empty.add(["a", "b", "c"], vectors(*[[1.0, 2.0, 3.0, 4.0]] * 3), ["x", "x", "y"])
    assert empty.count_groups() == len(empty.labels) == 2
    empty.remove(["c"])
    assert empty.count_groups() == len(empty.labels) == 1


def test_ids_come_in_the_order_of_adding_and_by_label(gallery: Gallery) -> None:
    assert list(gallery.ids())[:3] == ["r00", "r01", "r02"]
    assert list(gallery.ids("4"))[:3] == ["r04", "r09", "r14"]
    assert list(gallery.ids("nobody")) == []
    assert list(gallery.ids(" 4 "))[:3] == ["r04", "r09", "r14"]


def test_membership_is_by_id(gallery: Gallery) -> None:
    assert "r00" in gallery
    assert "r60" not in gallery
    assert 7 not in gallery


def test_an_unknown_id_is_named(gallery: Gallery) -> None:
    with pytest.raises(ReferenceNotFoundError, match="has no reference 'r60'"):
        gallery.get("r60")
    with pytest.raises(KeyError):
        gallery.get("r60")


def test_known_contents_give_their_vectors(gallery: Gallery) -> None:
    result = gallery.vectors_of([b"*" * 16, b"nothing", b"*" * 16])
    assert list(result) == [b"*" * 16]
    np.testing.assert_array_equal(result[b"*" * 16], gallery.get("r42").vector)


# ---------------------------------------------------------------- changes


def test_adding_an_id_again_replaces_it(gallery: Gallery) -> None:
    gallery.add(["r42"], vectors([9, 9, 9, 9]), ["new"])
    assert (len(gallery), gallery.get("r42").label) == (60, "new")
    nearest = gallery.search(vectors([9, 9, 9, 9]), 1)[0][0]
    assert (nearest.id, nearest.label, nearest.distance) == ("r42", "new", 0.0)


def test_of_an_id_given_twice_the_last_counts(empty: Gallery) -> None:
    empty.add(["a", "b", "a"], vectors([1] * 4, [2] * 4, [3] * 4), ["x", "y", "z"])
    assert (len(empty), empty.get("a").label) == (2, "z")
    assert empty.search(vectors([3] * 4), 1)[0][0].id == "a"
    assert empty.search(vectors([1] * 4), 1)[0][0].id == "b"


def test_removed_references_are_found_no_more(gallery: Gallery) -> None:
    query = gallery.get("r42").vector[None]
    assert gallery.remove(["r42", "r42", "nobody"]) == 1
    assert (len(gallery), "r42" in gallery) == (59, False)
    assert "r42" not in gallery.search(query, 59).ids


def test_the_generation_grows_with_every_change_only(gallery: Gallery) -> None:
    first = gallery.generation
    gallery.search(vectors([0] * 4), 1)
    gallery.remove(["nobody"])
    gallery.add([], np.empty((0, 4), np.float32), [])
    assert gallery.generation == first
    gallery.remove(["r00"])
    assert gallery.generation == first + 1


def test_everything_is_there_after_opening_again(gallery: Gallery) -> None:
    before = all_vectors(gallery)
    gallery.close()
    with Gallery.open(gallery.path) as again:
        ids, rows = all_vectors(again)
    assert ids == before[0]
    np.testing.assert_array_equal(rows, before[1])


def test_arguments_come_back_unchanged(empty: Gallery) -> None:
    rows = vectors([1, 2, 3, 4], [5, 6, 7, 8])[:, ::-1]
    empty.add(["a", "b"], rows, ["x", "y"])
    empty.search(rows, 2)
    np.testing.assert_array_equal(rows, vectors([4, 3, 2, 1], [8, 7, 6, 5]))


def test_any_unicode_may_be_an_id_and_a_label(empty: Gallery) -> None:
    ids = ["日本", "a'b\"c", "é", "e\u0301", "a\0b", "a", "😀", " "]
    empty.add(ids, np.zeros((8, 4), np.float32), ids)
    assert list(empty.ids()) == ids
    assert empty.get("a\0b").label == "a\0b"
    assert empty.search(np.zeros((1, 4), np.float32), 8).ids[0].tolist() == sorted(ids)
    assert empty.remove(["a\0b"]) == 1


# ---------------------------------------------------------------- questions


def test_search_agrees_with_brute_force(gallery: Gallery, rng: Any, brute_force: Any) -> None:
    ids, stored = all_vectors(gallery)
    queries = rng.normal(size=(7, 4)).astype(np.float32)
    result = gallery.search(queries, 3)
    names, distances = brute_force(stored, ids, queries, 3)
    assert result.ids.tolist() == names
    np.testing.assert_array_equal(result.distances, distances)
    assert result.labels.tolist() == [[str(int(id[1:]) % 5) for id in row] for row in names]


def test_search_in_one_group_finds_only_it(gallery: Gallery, rng: Any, brute_force: Any) -> None:
    ids, stored = all_vectors(gallery)
    queries = rng.normal(size=(7, 4)).astype(np.float32)
    result = gallery.search(queries, 3, label="2")
    names, distances = brute_force(stored[2::5], ids[2::5], queries, 3)
    assert result.ids.tolist() == names
    np.testing.assert_array_equal(result.distances, distances)


def test_a_group_is_searched_as_it_is_now(gallery: Gallery) -> None:
    query = vectors([9] * 4)
    gallery.search(query, 1, label="2")
    gallery.add(["new"], query, ["2"])
    assert gallery.search(query, 1, label="2").ids.tolist() == [["new"]]


def test_equal_distances_come_in_the_order_of_ids(empty: Gallery) -> None:
    empty.add(["b", "ä", "a", "B"], vectors([1] * 4, [1] * 4, [-1] * 4, [1] * 4), ["x"] * 4)
    assert empty.search(vectors([0] * 4), 4).ids.tolist() == [["B", "a", "b", "ä"]]


def test_within_gives_everything_up_to_the_radius(gallery: Gallery) -> None:
    query = vectors([0.1, 0.2, 0.3, 0.4])
    everything = gallery.search(query, 60)[0]
    radius = everything[9].distance
    assert gallery.within(query, radius) == [everything[:10]]
    assert gallery.within(query, 0) == [[]]
    for beyond in (float("inf"), 1e40, float(np.finfo(np.float32).max)):
        assert gallery.within(query, beyond) == [everything]


def test_check_takes_the_operating_point(gallery: Gallery) -> None:
    answers = gallery.check(np.stack([gallery.get("r07").vector, np.full(4, 50, np.float32)]))
    assert [answer.decision for answer in answers] == ["match", "no_match"]
    assert [answer.threshold for answer in answers] == [0.5, 0.5]
    assert len(answers[0].neighbours) == 5


@pytest.mark.parametrize("k", [1, 3, 60])
def test_a_margin_is_to_the_nearest_other_group_of_all(gallery: Gallery, k: int) -> None:
    ids, stored = all_vectors(gallery)
    labels = [gallery.get(id).label for id in ids]
    queries = np.random.default_rng(3).normal(size=(40, 4)).astype(np.float32)
    gallery.add(["none"], queries[:1], [None])  # of no group, so no runner-up
    plain = gallery.check(queries, CheckOptions(k=k, threshold=100.0))
    asked = gallery.check(queries, CheckOptions(k=k, threshold=100.0, min_margin=0.25))
    decisions = set()
    for query, was, answer in zip(queries, plain, asked, strict=True):
        distances = np.linalg.norm(stored - query, axis=1)
        others = {label: distances[np.array(labels) == label].min() for label in set(labels)}
        nearest = others.pop(was.label)
        runner_up = min(others, key=others.__getitem__)
        ambiguous = others[runner_up] - nearest < 0.25
        assert (answer.decision, answer.label) == ("ambiguous" if ambiguous else "match", was.label)
        if ambiguous:
            assert answer.runner_up_label == runner_up
            assert answer.runner_up_distance == pytest.approx(others[runner_up], abs=1e-6)
        else:
            assert answer == was
        decisions.add(answer.decision)
    assert decisions == {"match", "ambiguous"}


def test_a_margin_in_a_gallery_of_one_group_never_makes_ambiguous(empty: Gallery) -> None:
    empty.add(["a", "b"], np.eye(2, 4, dtype=np.float32), ["x", "x"])
    [answer] = empty.check(vectors([1, 0, 0, 0]), CheckOptions(k=1, threshold=1.0, min_margin=9.0))
    assert (answer.decision, answer.runner_up_label) == ("match", None)


def test_check_of_a_group_gives_the_distance_to_its_nearest(gallery: Gallery) -> None:
    query = gallery.get("r07").vector[None]  # of group '2'
    [match] = gallery.check(query, CheckOptions(k=1, group="2"))
    [other] = gallery.check(query, CheckOptions(k=1, group="4"))
    assert (match.decision, match.label, match.distance) == ("match", "2", 0.0)
    assert (other.decision, other.label) == ("no_match", None)
    assert other.distance == gallery.search(query, 1, label="4")[0][0].distance
    assert (other.runner_up_label, other.runner_up_distance) == ("2", 0.0)


def test_an_enrolled_vector_finds_itself(gallery: Gallery) -> None:
    ids, stored = all_vectors(gallery)
    result = gallery.search(stored, 1)
    assert result.ids[:, 0].tolist() == ids
    assert not result.distances.any()


def test_no_queries_give_no_answers(gallery: Gallery) -> None:
    nothing = np.empty((0, 4), np.float32)
    assert gallery.search(nothing, 3).ids.shape == (0, 3)
    assert (gallery.check(nothing), gallery.within(nothing, 1)) == ([], [])


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((1, 3), np.float32), r"must have shape \(n, 4\).* Received: \(1, 3\)"),
        (np.zeros(4, np.float32), r"must have shape \(n, 4\).* Received: \(4,\)"),
        (np.zeros((1, 4)), r"must be float32\. Received: float64"),
        (np.full((3, 4), np.nan, np.float32), r"must be finite.* 3 of 3 .* row 0"),
        (vectors([0] * 4, [0, np.inf, 0, 0]), r"must be finite.* 1 of 2 .* row 1"),
        (np.full((1, 4), 1e19, np.float32), r"no longer than 1e\+18"),
    ],
)
def test_unusable_vectors_are_refused(gallery: Gallery, wrong: np.ndarray, message: str) -> None:
    ids = [str(i) for i in range(len(wrong))]
    for call in (
        lambda: gallery.search(wrong, 1),
        lambda: gallery.within(wrong, 1),
        lambda: gallery.check(wrong),
        lambda: gallery.add(ids, wrong, ids),
    ):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize("k", [0, -1, 61, 2.0, True])
def test_an_impossible_k_is_refused_with_both_numbers(gallery: Gallery, k: Any) -> None:
    with pytest.raises(ValueError, match=rf"`k` must be 1 to 60.* Received: {k}"):
        gallery.search(vectors([0] * 4), k)
    assert gallery.neighbours_of(2) == 2
    with pytest.raises(ValueError, match=r"`k` must be a whole number >= 1\. Received: '3'"):
        gallery.neighbours_of("3")  # type: ignore[arg-type]


def test_a_group_has_its_own_largest_k(gallery: Gallery) -> None:
    with pytest.raises(ValueError, match=r"1 to 12, .* in group '3'\. Received: 13"):
        gallery.search(vectors([0] * 4), 13, label="3")


def test_an_unknown_group_is_named(gallery: Gallery) -> None:
    with pytest.raises(ValueError, match="has the label 'nobody'"):
        gallery.check(vectors([0] * 4), CheckOptions(group="nobody"))


def test_an_empty_gallery_cannot_be_searched(empty: Gallery) -> None:
    with pytest.raises(ValueError, match="the gallery has 0 references"):
        empty.search(vectors([0] * 4), 1)


@pytest.mark.parametrize("radius", [-1, float("nan")])
def test_an_impossible_radius_is_refused(gallery: Gallery, radius: float) -> None:
    with pytest.raises(ValueError, match=f"`radius` must be .* Received: {radius}"):
        gallery.within(vectors([0] * 4), radius)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ids": ["a"]}, r"`ids` must have one entry for each of the 2 vectors\. Received: 1"),
        ({"labels": ["x"] * 3}, r"`labels` .* 2 vectors\. Received: 3"),
        ({"contents": []}, r"`contents` .* 2 vectors\. Received: 0"),
        ({"metadata": [None]}, r"`metadata` .* 2 vectors\. Received: 1"),
        ({"pictures": np.zeros((3, 2, 2), np.uint8)}, r"`pictures` .* 2 vectors\. Received: 3"),
        ({"pictures": np.zeros((2, 2, 2))}, r"`pictures` must be uint8 .* float64"),
        ({"ids": ["a", 7]}, r"`ids` must be non-empty strings\. Received: 7"),
        ({"ids": "ab"}, r"`ids` must be a sequence of strings\. Received: 'ab'"),
        ({"ids": ["a", "\ud800"]}, r"`ids` must be valid Unicode"),
        ({"labels": ["x", ""]}, r"`labels` must be non-empty strings\. Received: ''"),
        ({"contents": ["c", "d"]}, r"`contents` must be bytes or None\. Received: 'c'"),
        ({"metadata": [{"a": object()}, None]}, r"`metadata` must be plain JSON"),
        ({"metadata": [{"a": float("nan")}, None]}, r"`metadata` must be plain JSON"),
    ],
)
def test_a_column_that_does_not_fit_is_refused_and_nothing_is_added(
    empty: Gallery, changes: dict[str, Any], message: str
) -> None:
    fine = {"ids": ["a", "b"], "vectors": np.zeros((2, 4), np.float32), "labels": ["x", "y"]}
    with pytest.raises(ValueError, match=message):
        empty.add(**{**fine, **changes})
    assert len(empty) == 0


class Made(Sequence[dict[str, int]]):
    """A sequence that makes its objects whenever it is asked for them."""

    def __len__(self) -> int:
        return 50

    def __getitem__(self, place: Any) -> Any:
        if not 0 <= place < 50:
            raise IndexError(place)
        return {"place": place}


def test_metadata_that_are_made_when_they_are_asked_for_are_stored(empty: Gallery) -> None:
    ids = [str(place) for place in range(50)]
    empty.add(ids, np.zeros((50, 4), np.float32), ["x"] * 50, metadata=Made())
    assert [empty.get(id).metadata for id in ids] == [{"place": place} for place in range(50)]


# ---------------------------------------------------------------- opening


def test_another_embedder_is_refused_with_both_fingerprints(gallery: Gallery) -> None:
    with pytest.raises(FingerprintError, match="built with model 3f9a1c, but this model is 77be02"):
        Gallery.open(gallery.path, fingerprint="77be02")
    Gallery.open(gallery.path, fingerprint="3f9a1c").close()


def test_what_is_not_a_gallery_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match=r"a gallery at '.*nothing', but there is no such"):
        Gallery.open(tmp_path / "nothing")
    with pytest.raises(GalleryError, match=r"is not a gallery: it has no gallery\.json\. Make one"):
        Gallery.open(tmp_path)


def test_without_operating_points_a_threshold_must_be_given(tmp_path: Path) -> None:
    with Gallery.create(tmp_path / "g", dim=2, fingerprint="a") as gallery:
        gallery.add(["a"], np.zeros((1, 2), np.float32), ["x"])
        with pytest.raises(GalleryError, match="no operating point yet: measure one"):
            gallery.check(np.zeros((1, 2), np.float32), CheckOptions(k=1))
        [answer] = gallery.check(np.zeros((1, 2), np.float32), CheckOptions(k=1, threshold=0))
    assert answer.decision == "match"


def test_the_operating_point_called_default_is_it(tmp_path: Path) -> None:
    points = {
        name: OperatingPoint(threshold=index) for name, index in [("strict", 0.1), ("default", 0.2)]
    }
    with Gallery.create(tmp_path / "g", dim=2, fingerprint="a", operating_points=points) as gallery:
        assert gallery.points.rule().limits.threshold == 0.2
        assert gallery.points.all() == points


def test_verify_is_silent_about_a_sound_gallery(gallery: Gallery) -> None:
    gallery.verify()


def test_a_closed_gallery_says_so(gallery: Gallery) -> None:
    gallery.close()
    gallery.close()  # once more does nothing
    with pytest.raises(GalleryError, match="is closed"):
        gallery.search(vectors([0] * 4), 1)


def test_pages_hold_every_reference_once_in_the_order_of_adding(gallery):
    after: int | None = 0
    seen: list[tuple[str, str]] = []
    while after is not None:
        names, after = gallery.page(limit=7, after=after)
        seen += names
    assert seen == [(f"r{i:02}", str(i % 5)) for i in range(60)]


def test_a_page_stays_right_while_references_before_it_go_and_come(gallery):
    _, after = gallery.page(limit=10)
    gallery.remove(["r03"])
    gallery.add(["r04"], np.zeros((1, 4), np.float32), ["0"])  # replaced: now the newest
    assert gallery.page(limit=2, after=after)[0] == [("r10", "0"), ("r11", "1")]


def test_a_page_of_one_group_ends_with_its_last_reference(gallery):
    assert gallery.page(limit=12, label="3") == ([(f"r{i:02}", "3") for i in range(3, 60, 5)], None)
    assert gallery.page(limit=12, label="none such") == ([], None)


def test_groups_and_their_samples_follow_changes(gallery):
    assert gallery.groups() == dict.fromkeys("01234", 12)
    gallery.remove(["r00"])
    assert gallery.groups()["0"] == 11
    assert gallery.samples("0", 3) == ["r05", "r20", "r40"]  # places 0, 3 and 7 of the 11


def test_references_by_name_are_those_that_are_there(gallery):
    result = gallery.named(["r07", "none such"])
    assert {id: (item.label, dict(item.metadata)) for id, item in result.items()} == {
        "r07": ("2", {"place": 7})
    }


def test_all_questions_in_a_snapshot_see_the_same_generation(gallery):
    with Gallery.open(gallery.path) as other, other.snapshot() as generation:
        gallery.remove(["r00"])
        assert (other.generation, len(other)) == (generation, 60)
    assert gallery.generation == generation + 1


def test_the_references_are_copied_before_anybody_can_move_their_vectors(gallery, monkeypatch):
    _, _, stored = gallery.stored()
    references = gallery._searcher.references

    def references_then_a_change(rows):
        found = references(rows)
        with pytest.raises(GalleryError, match="inside a snapshot"):
            gallery.add(["new"], stored[:1], ["0"])
        return found

    monkeypatch.setattr(gallery._searcher, "references", references_then_a_change)
    assert np.array_equal(gallery.references()[2], stored)


def test_a_gallery_in_the_place_of_a_changed_one_is_left_alone(gallery, tmp_path):
    gallery.path.rename(tmp_path / "moved")
    Gallery.create(gallery.path, dim=4, fingerprint="3f9a1c").close()
    before = sorted(file.name for file in gallery.path.iterdir())
    gallery.close()
    assert sorted(file.name for file in gallery.path.iterdir()) == before
    with Gallery.open(tmp_path / "moved") as moved:
        assert len(moved) == 60


def test_each_way_to_name_a_group_means_the_same_one_of_two_spellings(empty):
    empty.add(["old", "new"], np.eye(2, 4, dtype=np.float32), [" 7 ", "7"])
    query = np.zeros((1, 4), np.float32)
    for label, own in (("7", "new"), (" 7 ", "old"), ("7 ", "new")):
        assert list(empty.ids(label)) == [own]
        assert empty.page(limit=9, label=label)[0] == [(own, empty.get(own).label)]
        assert empty.search(query, 1, label=label).ids.tolist() == [[own]]
        assert empty.samples(label, 9) == [own]
