"""A gallery in parts answers as one that holds all vectors itself, to the bit."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from index.backup import back_up
from index.decision import CheckOptions
from index.errors import NoGroupsError, StoreError
from index.gallery import Gallery
from index.search.nearest_groups import NONE
from tests.index.parts.here import Here

DIM = 3
FEW = st.integers(-1, 1).map(float)  # so that many vectors are equal, and many distances
LABELS = st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "h", None])


@contextmanager
def filled(vectors: np.ndarray, labels: Sequence[str | None]) -> Iterator[Gallery]:
    """Row 10 is '10' and comes before '9'."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "g")
        with Gallery.create(path, dim=vectors.shape[1], fingerprint="3f9a") as gallery:
            gallery.add([str(row) for row in range(len(vectors))], vectors, labels)
            yield gallery


@contextmanager
def in_parts(gallery: Gallery, of: int, block: int = 1) -> Iterator[tuple[Gallery, Here]]:
    with Gallery.open(gallery.path) as spread:
        parts = Here(gallery.path, of, block)
        spread.spread(parts)
        yield spread, parts


def assert_same(one: Gallery, spread: Gallery, queries: np.ndarray, ids: list[str]) -> None:
    """All kinds of questions, with every k."""
    few = len(one) < 100
    for k in {1, 2, 5, len(one) - 1 if few else 60, len(one) if few else 7} & {*range(1, 99)}:
        if k > len(one):
            continue
        assert_same_neighbours(one.search(queries, k), spread.search(queries, k))
        if one.labels:
            mine, theirs = (g.search_labelled(queries, k) for g in (one, spread))
            assert_same_neighbours(mine, theirs)
    for label, count in [*one.labels.items()][:9]:
        for k in {1, count}:
            mine, theirs = (g.search(queries, k, label=label) for g in (one, spread))
            assert_same_neighbours(mine, theirs)
    for radius in (0.0, 1.0, 2.0) if few else (0.0, 3.0):
        assert one.within(queries, radius) == spread.within(queries, radius)
    rng = np.random.default_rng(0)
    own = [[*one.labels, "stranger", None][i] for i in rng.integers(0, 1, len(queries))]
    assert_same_groups(one, spread, queries, own, None)
    known = one.named(ids)
    labelled = [id for id in ids if known[id].label is not None]
    if labelled:
        vectors = np.stack([known[id].vector for id in labelled])
        labels = [known[id].label for id in labelled]
        assert_same_groups(one, spread, vectors, labels, labelled)
        others = ["a", *labels[1:]]
        skip: list[str | None] = [None, *labelled[1:]]
        assert_same_groups(one, spread, vectors, others, skip)


def assert_same_neighbours(mine, theirs) -> None:
    np.testing.assert_array_equal(mine.ids, theirs.ids)
    np.testing.assert_array_equal(mine.labels, theirs.labels)
    assert mine.distances.tobytes() == theirs.distances.tobytes()


def assert_same_groups(one: Gallery, spread: Gallery, *asked) -> None:
    *vectors_and_labels, skip = asked
    groups, columns, near = one.nearest_by_group(*vectors_and_labels, skip=skip)
    others, theirs, found = spread.nearest_by_group(*vectors_and_labels, skip=skip)
    assert (groups, columns.tolist()) == (others, theirs.tolist())
    for name in ("own", "other", "nearest", "closer"):
        assert getattr(near, name).tobytes() == getattr(found, name).tobytes(), name


@pytest.mark.costly
@settings(max_examples=25)  # each makes a gallery on the disk
@given(data=st.data(), count=st.integers(1, 24), of=st.integers(1, 4))
def test_every_answer_of_parts_is_that_of_one_gallery(data, count, of):
    vectors = data.draw(hnp.arrays(np.float32, (count, DIM), elements=FEW))
    labels = data.draw(st.lists(LABELS, min_size=count, max_size=count))
    removed = data.draw(st.sets(st.integers(0, count - 1), max_size=count - 1))
    queries = data.draw(hnp.arrays(np.float32, (3, DIM), elements=FEW))
    with filled(vectors, labels) as one:
        one.remove([str(row) for row in removed])
        ids = [str(row) for row in range(count) if row not in removed]
        with in_parts(one, of, data.draw(st.sampled_from([1, 3]))) as (spread, _):
            assert_same(one, spread, queries, ids)


def test_the_nearest_are_those_of_brute_force(rng, brute_force):
    vectors = np.round(rng.normal(size=(500, 4)), 1).astype(np.float32)
    ids = [str(row) for row in range(500)]
    queries = np.concatenate([vectors[:20], rng.normal(size=(20, 4)).astype(np.float32)])
    names, distances = brute_force(vectors, ids, queries, 7)
    with filled(vectors, ["x"] * 500) as one, in_parts(one, 3, 10) as (spread, _):
        found = spread.search(queries, 7)
    assert found.ids.tolist() == names
    np.testing.assert_array_equal(found.distances, distances)


@pytest.mark.costly
@pytest.mark.parametrize("of", [1, 2, 3, 4])
def test_thousands_of_references_with_equal_ones_and_split_groups_answer_the_same(rng, of):
    vectors = rng.normal(size=(3000, 16)).astype(np.float32)
    vectors[::7] = vectors[0]  # 429 equal vectors, in all groups and parts
    labels = [None if row % 11 == 0 else f"{row % 40:02}" for row in range(3000)]
    queries = np.concatenate([vectors[:50], rng.normal(size=(50, 16)).astype(np.float32)])
    with filled(vectors, labels) as one, in_parts(one, of, 100) as (spread, parts):
        one.remove([str(row) for row in range(0, 3000, 13)])
        ids = [str(row) for row in range(3000) if row % 13]
        assert_same(one, spread, queries, ids[:600])
        sizes = [len(part.ids) for part in parts.parts]
        assert sum(sizes) == len(one)
        assert max(sizes) - min(sizes) <= 100  # one block


def test_the_margin_counts_groups_of_all_parts(rng):
    """Own group at 10; six others nearer, in three parts, two of them in two parts."""
    at = [10, 1, 2, 3, 4, 5, 6, 1.5, 2.5]
    labels = ["own", "b", "c", "d", "e", "f", "g", "b", "c"]
    vectors = np.array([[x, 0, 0] for x in at], np.float32)
    query = np.zeros((1, DIM), np.float32)
    for wanted, kept in ((5, range(9)), (3, (0, 1, 2, 3, 7, 8))):
        rows = list(kept)
        with (
            filled(vectors[rows], [labels[row] for row in rows]) as one,
            in_parts(one, 3) as (spread, _),
        ):
            _, _, near = spread.nearest_by_group(query, ["own"])
            assert (near.closer.tolist(), near.other.tolist()) == ([wanted], [1.0])


def test_decisions_are_the_same_and_so_are_their_errors(rng):
    vectors = rng.normal(size=(40, DIM)).astype(np.float32)
    labels = [None if row % 4 == 0 else "ab"[row % 2] for row in range(40)]
    with filled(vectors, labels) as one, in_parts(one, 3) as (spread, _):
        for options in (
            CheckOptions(k=7, threshold=1.0),
            CheckOptions(k=30, threshold=1.0, min_margin=0.1),
            CheckOptions(k=1, threshold=1.0, min_margin=0.5),
            CheckOptions(k=3, threshold=1.0, group="a"),
        ):
            assert one.check(vectors, options) == spread.check(vectors, options)
        for ask in (
            lambda g: g.search(vectors, 41),
            lambda g: g.search(vectors, 0),
            lambda g: g.search(vectors, 1, label="A"),
            lambda g: g.search(vectors, 30, label="a"),
            lambda g: g.within(vectors, -1),
            lambda g: g.nearest_by_group(vectors[:1], ["a"], skip=["none"]),
            lambda g: g.nearest_by_group(vectors[:1], ["a"], skip=["0"]),
            lambda g: g.nearest_by_group(vectors[:1], ["b"], skip=["2"]),
            lambda g: g.nearest_by_group(vectors[:1], []),
        ):
            with pytest.raises(ValueError, match=" ") as mine:
                ask(one)
            with pytest.raises(ValueError, match=" ") as theirs:
                ask(spread)
            assert str(mine.value) == str(theirs.value)


def test_a_gallery_without_groups_or_without_references_says_so(rng):
    vectors = rng.normal(size=(4, DIM)).astype(np.float32)
    with filled(vectors, [None] * 4) as one, in_parts(one, 2) as (spread, _):
        with pytest.raises(NoGroupsError):
            spread.check(vectors, CheckOptions(k=2, threshold=1.0))
        one.remove([str(row) for row in range(4)])
        groups, columns, near = spread.nearest_by_group(vectors, ["a"] * 4)
        assert (groups, set(columns.tolist())) == ([], {NONE})
        assert not np.isfinite(near.other).any()
        with pytest.raises(ValueError, match="nothing to search"):
            spread.search(vectors, 1)


def test_references_come_with_their_labels_and_vectors(rng):
    vectors = rng.normal(size=(30, DIM)).astype(np.float32)
    with filled(vectors, ["a", None, "b"] * 10) as one, in_parts(one, 2) as (spread, _):
        one.remove(["4"])
        for ask in (
            lambda g: g.references(),
            lambda g: g.labelled_references(),
            lambda g: g.chosen(lambda labels: np.array([5, 2, 9])),
        ):
            for mine, theirs in zip(ask(one), ask(spread), strict=True):
                np.testing.assert_array_equal(mine, theirs)


# ---------------------------------------------------------------- changes, losses


def test_changes_of_another_process_are_seen_by_the_next_question(rng):
    vectors = rng.normal(size=(60, DIM)).astype(np.float32)
    with filled(vectors, ["a"] * 60) as one, in_parts(one, 3, 4) as (spread, parts):
        assert_same(one, spread, vectors, ["1"])
        with Gallery.open(one.path) as writer:
            writer.remove(["3", "40"])
            writer.add(["new", "1"], vectors[:2] + 1, ["b", "b"])
            writer.add(["gone"], vectors[:1] + 2, ["b"])
            writer.remove(["gone"])
        held = [part.vectors for part in parts.parts]
        assert_same(one, spread, vectors, ["new", "1", "7"])
        assert [part.vectors for part in parts.parts] == held, "none was read anew"


def test_parts_that_are_behind_the_log_of_removals_are_read_anew(rng, monkeypatch):
    monkeypatch.setattr("index.references.changes.MIN_KEPT", 1)
    vectors = rng.normal(size=(30, DIM)).astype(np.float32)
    with filled(vectors, ["a", "b"] * 15) as one, in_parts(one, 3) as (spread, parts):
        assert_same(one, spread, vectors, ["29"])
        before = [part.vectors for part in parts.parts]
        for row in range(20):  # ten references are left, and so many removals are kept
            one.remove([str(row)])
        assert_same(one, spread, vectors, ["29"])
        assert not {*map(id, before)} & {id(part.vectors) for part in parts.parts}


def test_the_process_that_asks_never_reads_the_vectors(rng):
    vectors = rng.normal(size=(200, DIM)).astype(np.float32)
    with filled(vectors, ["a", "b"] * 100) as one, in_parts(one, 3) as (spread, _):
        spread.warm()
        spread.read_names()
        assert_same(one, spread, vectors, ["1"])
        spread.add(["x"], vectors[:1], ["b"])
        spread.remove(["0"])
        assert_same(one, spread, vectors, ["1"])
        assert not spread._index._is_loaded


def test_the_gallerys_own_changes_are_seen_too(rng):
    vectors = rng.normal(size=(20, DIM)).astype(np.float32)
    with filled(vectors, ["a"] * 20) as one, in_parts(one, 2) as (spread, _):
        spread.search(vectors, 1)
        spread.add(["x"], vectors[:1], ["b"])
        spread.remove(["0"])
        assert spread.search(vectors[:1], 1).ids.tolist() == [["x"]]
        assert spread.labels == {"a": 19, "b": 1}
        assert_same(one, spread, vectors, ["x", "1"])


def test_a_snapshot_is_answered_although_the_parts_see_later_changes(rng):
    vectors = rng.normal(size=(30, DIM)).astype(np.float32)
    with filled(vectors, ["a", "b"] * 15) as one, in_parts(one, 3, 2) as (spread, parts):
        with spread.snapshot(), one.snapshot():
            with Gallery.open(one.path) as writer:
                writer.remove(["5", "6"])
                writer.add(["late", "7"], vectors[:2] * 2, ["c", "c"])
            # 5, 6 and the older 7 can no longer be read by parts that had read nothing.
            assert_same(one, spread, vectors, ["5", "6", "7"])
            assert sorted(row.id for row in parts.lent) == ["5", "6", "7"]
        assert_same(one, spread, vectors, ["late", "7"])


def test_a_part_that_comes_back_empty_is_loaded_before_anything_is_answered(rng):
    vectors = rng.normal(size=(60, DIM)).astype(np.float32)
    with filled(vectors, ["a", "b"] * 30) as one, in_parts(one, 3) as (spread, parts):
        assert_same(one, spread, vectors, ["1"])
        parts.lose(1)
        assert_same(one, spread, vectors, ["1"])
        parts.parts[2].clear()  # and one of which nobody heard
        assert_same(one, spread, vectors, ["1"])


def test_a_part_that_is_lost_between_question_and_answer_is_asked_again(rng, monkeypatch):
    vectors = rng.normal(size=(30, DIM)).astype(np.float32)
    with filled(vectors, ["a"] * 30) as one, in_parts(one, 3) as (spread, parts):
        spread.search(vectors, 1)
        answers = parts.answers

        def losing(state, question, arguments):
            monkeypatch.undo()
            found = answers(state, question, arguments)
            parts.lose(0)
            return found

        monkeypatch.setattr(parts, "answers", losing)
        assert_same_neighbours(one.search(vectors, 3), spread.search(vectors, 3))
        assert parts.asked == 3  # the first question, the one that was cut off, the one again


def test_a_part_that_holds_a_wrong_row_is_noticed_and_read_anew(rng):
    vectors = rng.normal(size=(30, DIM)).astype(np.float32)
    with filled(vectors, ["a"] * 30) as one, in_parts(one, 3) as (spread, parts):
        spread.search(vectors, 1)
        parts.parts[0]._remove([(1, 0), (4, 0)])  # two rows are lost by a defect
        one.add(["new"], vectors[:1], ["b"])
        assert_same(one, spread, vectors, ["new", "0"])


def test_parts_of_another_gallery_are_refused(rng):
    vectors = rng.normal(size=(8, DIM)).astype(np.float32)
    with (
        filled(vectors, ["a"] * 8) as one,
        filled(vectors + 1, ["a"] * 8) as other,
        in_parts(one, 2) as (spread, parts),
    ):
        parts.galleries = [parts.galleries[0], Gallery.open(other.path)]
        with pytest.raises(StoreError, match="let every node read the same gallery"):
            spread.search(vectors, 1)


def test_a_part_whose_copy_is_older_is_refused(rng, tmp_path):
    vectors = rng.normal(size=(8, DIM)).astype(np.float32)
    with filled(vectors, ["a"] * 8) as one:
        back_up(one.path, tmp_path / "copy")
        one.remove(["3"])
        with in_parts(one, 2) as (spread, parts):
            parts.galleries = [parts.galleries[0], Gallery.open(tmp_path / "copy")]
            with pytest.raises(StoreError, match="of generation 1 there, but"):
                spread.search(vectors, 1)


@pytest.mark.costly
def test_cells_change_no_answer_of_a_part(rng):
    vectors = rng.normal(size=(2000, 8)).astype(np.float32)
    labels = [f"{row % 30}" for row in range(2000)]
    with filled(vectors, labels) as one, in_parts(one, 2, 50) as (spread, parts):
        spread.search(vectors[:1], 1)
        for part in parts.parts:
            part.vectors.divided().way = "cells"
        assert_same(one, spread, vectors[:200], [str(row) for row in range(100)])
        assert all(part.vectors.divided().cells is not None for part in parts.parts)
