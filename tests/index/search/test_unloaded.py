"""A process with few queries reads only what lies near them, and answers as brute force does."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.backup import back_up
from index.errors import StoreError
from index.gallery import Gallery
from index.references.local import Store
from index.references.rows import Row
from index.search import division, near_rows
from index.search.checked import LONGEST
from index.search.kept import CELLS, read_kept
from index.search.names_file import NAMES
from index.search.setting import BOUNDS, CODES, SearchSetting
from tests.index.search.material import SHAPES

MANY = 10  # references from which on bounds are kept here
ASKED = 5  # queries of each test, fewer than are answered without the vectors


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds are kept from ten references on, and candidates are read three at a time."""
    monkeypatch.setattr(division, "FROM", MANY)
    monkeypatch.setattr(division, "BOUNDED", MANY)
    monkeypatch.setattr(division, "measured_gain", lambda *_: 9.0)
    monkeypatch.setattr(near_rows, "_AT_ONCE", 3)


@pytest.fixture
def path(gallery: Gallery) -> Path:
    """A gallery of 60 references whose bounds were kept when it was closed."""
    gallery.close()
    assert (gallery.path / BOUNDS).exists()
    return gallery.path


def is_loaded(gallery: Gallery) -> bool:
    return gallery._index._derived is not None


def agrees(gallery: Gallery, queries: np.ndarray, k: int, brute_force: Callable[..., Any]) -> bool:
    """Require the answers of brute force, one query at a time; say whether vectors were loaded."""
    found = [gallery.search(query[None], k) for query in queries]
    loaded = is_loaded(gallery)
    ids, labels, vectors = gallery.stored()
    names, distances = brute_force(vectors, ids.tolist(), queries, k)
    label = dict(zip(ids.tolist(), labels.tolist(), strict=True))
    assert [each.ids[0].tolist() for each in found] == names
    assert [each.labels[0].tolist() for each in found] == [[label[i] for i in row] for row in names]
    np.testing.assert_array_equal(np.concatenate([each.distances for each in found]), distances)
    return loaded


def test_a_few_queries_are_answered_without_the_vectors(path, rng, brute_force) -> None:
    queries = rng.normal(size=(ASKED, 4)).astype(np.float32)
    with Gallery.open(path) as gallery:
        gallery.warm(ahead=True)
        assert not agrees(gallery, queries, 5, brute_force)
        assert (
            gallery.check(queries[:1])[0].neighbours[0].id
            == gallery.search(queries[:1], 1).ids.item()
        )
        assert not is_loaded(gallery)


@pytest.mark.costly
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    dim=st.sampled_from([1, 3, 30]),
    count=st.integers(MANY, 150),
    scale=st.sampled_from([1e-30, 1e-19, 1e-6, 1.0, 1e6, LONGEST / 100]),
    shape=st.sampled_from(list(SHAPES)),
    k=st.sampled_from([1, 2, 5, 9]),
)
def test_every_shape_and_scale_agrees_with_brute_force(
    tmp_path_factory, brute_force, seed, dim, count, scale, shape, k
) -> None:
    rng = np.random.default_rng(seed)
    everything = (SHAPES[shape](rng, count + ASKED, dim).astype(np.float64) * scale).astype("f4")
    path = tmp_path_factory.mktemp("any") / "gallery"
    with Gallery.create(path, dim=dim, fingerprint="3f") as gallery:
        labels = [("a", None)[place % 2] for place in range(count)]
        gallery.add([str(place) for place in range(count)], everything[:count], labels)
    with Gallery.open(path) as gallery:
        loaded = agrees(gallery, everything[count:], k, brute_force)
        assert not loaded or not np.isfinite(everything).all()


@pytest.mark.parametrize("k", [1, 5, 58])
def test_changes_since_are_seen(path, rng, brute_force, k) -> None:
    queries = rng.normal(size=(ASKED, 4)).astype(np.float32)
    with Gallery.open(path) as reader, Gallery.open(path) as writer:
        before = reader.search(queries[:1], 1).ids.item()
        writer.remove([before, "r07"])  # with "new" no more than a sixteenth of 60
        assert not agrees(reader, queries, k, brute_force)
    with Gallery.open(path) as reader, Gallery.open(path) as writer:
        writer.add(["new"], queries[:1], [None])
        assert reader.search(queries[:1], 1).ids.item() == "new"
        assert not agrees(reader, queries, k, brute_force)


def test_many_changes_since_are_answered_from_the_vectors(path, rng, brute_force) -> None:
    written = (path / BOUNDS).read_bytes()
    added = rng.normal(size=(30, 4)).astype(np.float32)
    with Gallery.open(path) as gallery:
        gallery.add([f"n{i}" for i in range(30)], added, ["a"] * 30)
    assert (path / BOUNDS).read_bytes() != written  # written again by the one who changed it
    (path / BOUNDS).write_bytes(written)
    with Gallery.open(path) as gallery:
        assert agrees(gallery, added[:ASKED], 5, brute_force)


def test_a_reader_that_writes_an_outgrown_gallery_makes_its_cells_anew(
    path, rng, brute_force
) -> None:
    queries = rng.normal(size=(MANY, 4)).astype(np.float32)  # too many to answer without vectors
    kept = read_kept(path)
    assert kept is not None
    with Gallery.open(path) as writer:
        writer.add([f"n{i}" for i in range(70)], rng.normal(size=(70, 4)).astype("f4"), ["a"] * 70)
        with Gallery.open(path) as reader:  # before the writer has closed: it may yet be killed
            reader.search(queries, 5)
        made = read_kept(path)
        assert made is not None
        assert (kept.trained, made.trained) == (60, 130)
        with Gallery.open(path) as reader:
            assert not agrees(reader, queries[:ASKED], 5, brute_force)


def test_a_reader_of_an_unwritable_gallery_makes_no_cells(path, rng, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("cells were made that cannot be kept")

    with Gallery.open(path) as writer:
        writer.add([f"n{i}" for i in range(70)], rng.normal(size=(70, 4)).astype("f4"), ["a"] * 70)
        monkeypatch.setattr(division.Division, "make", refuse)
        monkeypatch.setattr(Store, "keeps_derived", False)
        with Gallery.open(path) as reader:
            reader.search(rng.normal(size=(MANY, 4)).astype(np.float32), 5)


def test_bounds_that_were_deleted_or_damaged_are_written_with_the_next_large_change(
    path, rng, brute_force
) -> None:
    for number, harm in enumerate((Path.unlink, lambda file: file.write_bytes(b"?"))):
        harm(path / BOUNDS)
        added = rng.normal(size=(30, 4)).astype(np.float32)
        with Gallery.open(path) as gallery:
            gallery.add([f"{number}/{i}" for i in range(30)], added, ["a"] * 30)
        with Gallery.open(path) as gallery:
            assert not agrees(gallery, added[:ASKED], 5, brute_force)


def spoil_end(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


HARMS: list[Callable[[Path], object]] = [
    Path.unlink,
    lambda file: file.write_bytes(b"?"),
    spoil_end,
]


@pytest.mark.parametrize("harm", HARMS, ids=["deleted", "no head", "a damaged cell"])
def test_bounds_are_renewed_by_a_reader_that_had_to_read_all_vectors(
    path, rng, brute_force, harm
) -> None:
    query = rng.normal(size=(1, 4)).astype(np.float32)
    with Gallery.open(path) as writer:
        writer.add(["one more"], query, ["a"])  # too little for derived files
    kept = (path / "vectors.faiss").read_bytes()
    harm(path / BOUNDS)
    with Gallery.open(path) as gallery:
        assert agrees(gallery, query, 61, brute_force)
    with Gallery.open(path) as gallery:
        assert not agrees(gallery, query, 61, brute_force)
    assert (path / "vectors.faiss").read_bytes() == kept  # which is still near enough


def test_a_reader_that_may_not_write_leaves_damaged_bounds(path, rng, monkeypatch) -> None:
    (path / BOUNDS).write_bytes(b"?")
    monkeypatch.setattr(Store, "keeps_derived", False)
    with Gallery.open(path) as gallery:
        gallery.search(rng.normal(size=(1, 4)).astype(np.float32), 5)
    assert (path / BOUNDS).read_bytes() == b"?"


def altered(place: int, content: bytes) -> bytes:
    at = len(content) * place // 16
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "no JSON": lambda _: b"?" * 600,
    "JSON, but no object": lambda _: b"[1]".ljust(600),
    "sizes beyond the file": lambda content: content.replace(b'"cells": 8', b'"cells": 9e9'),
    "cut off": lambda content: content[:-3],
    "of a later format": lambda content: content.replace(b'"format": 1', b'"format": 2'),
    **{f"a byte altered at {place} of 16": partial(altered, place) for place in range(16)},
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_is_noticed_when_it_is_read(path, rng, brute_force, damage) -> None:
    content = (path / BOUNDS).read_bytes()
    (path / BOUNDS).write_bytes(damage(content))
    assert (path / BOUNDS).read_bytes() != content
    queries = rng.normal(size=(ASKED, 4)).astype(np.float32)
    with Gallery.open(path) as gallery:
        assert agrees(gallery, queries, 60, brute_force)  # all cells are read


def test_a_gallery_that_has_no_such_file_answers_from_its_vectors(path, rng, brute_force) -> None:
    (path / BOUNDS).unlink()
    with Gallery.open(path) as gallery:
        assert agrees(gallery, rng.normal(size=(ASKED, 4)).astype(np.float32), 5, brute_force)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", [BOUNDS, CELLS, CODES, NAMES, "vectors.json"])
def test_a_pipe_in_place_of_a_derived_file_is_not_waited_for(path, rng, brute_force, name) -> None:
    (path / name).unlink(missing_ok=True)
    os.mkfifo(path / name)
    with Gallery.open(path) as gallery:
        gallery.how_searched()
        gallery.groups()
        queries = rng.normal(size=(ASKED, 4)).astype(np.float32)
        assert agrees(gallery, queries, 5, brute_force) == (name == BOUNDS)


def test_no_query_at_all_is_answered_without_the_vectors(path) -> None:
    with Gallery.open(path) as gallery:
        found = gallery.search(np.empty((0, 4), np.float32), 5)
        assert (found.ids.shape, found.labels.shape, found.distances.shape) == ((0, 5),) * 3
        assert not is_loaded(gallery)


def test_an_altered_reference_is_noticed(path, rng) -> None:
    import sqlite3

    with sqlite3.connect(path / "references.sqlite") as file:
        file.execute("UPDATE reference SET label = 'other' WHERE slot = 5")
    with Gallery.open(path) as gallery, pytest.raises(StoreError, match="row 5 does not match"):
        gallery.search(rng.normal(size=(1, 4)).astype(np.float32), 60)


@pytest.mark.parametrize("asked", [[1] * 33, [9]])
def test_many_queries_are_answered_from_the_vectors(path, rng, asked) -> None:
    with Gallery.open(path) as gallery:
        for count in asked:
            assert not is_loaded(gallery)  # 32 queries are too few, and 8 of one call
            gallery.search(rng.normal(size=(count, 4)).astype(np.float32), 5)
        assert is_loaded(gallery)


def test_too_many_candidates_are_not_read(path, rng, brute_force, monkeypatch) -> None:
    monkeypatch.setattr(near_rows, "_MOST", 0)
    with Gallery.open(path) as gallery:
        assert agrees(gallery, rng.normal(size=(ASKED, 4)).astype(np.float32), 40, brute_force)


@pytest.mark.parametrize("left_over", [-1, 0])
def test_a_query_as_far_from_all_references_gives_up_after_the_first_ones(
    tmp_path, rng, brute_force, monkeypatch, left_over
) -> None:
    spots = rng.normal(size=(60, 4))
    spots /= np.linalg.norm(spots, axis=1, keepdims=True)
    with Gallery.create(tmp_path / "round", dim=4, fingerprint="3f") as gallery:
        gallery.add([f"{i}" for i in range(60)], spots.astype(np.float32), [None] * 60)
    monkeypatch.setattr(near_rows, "_AT_ONCE", 10)
    monkeypatch.setattr(near_rows, "_MOST", 50 + left_over)  # of 60, after the first ten
    read: list[int] = []
    at = Store.at

    def noted(store: Store, slots: Sequence[int]) -> list[Row]:
        read.append(len(slots))
        return at(store, slots)

    monkeypatch.setattr(Store, "at", noted)
    with Gallery.open(tmp_path / "round") as gallery:
        loaded = agrees(gallery, np.zeros((1, 4), np.float32), 60, brute_force)
    # All 60 to begin with, then the most likely ten; after giving up, the names of the 60 found.
    assert (loaded, read) == ((True, [60, 10, 60]) if left_over else (False, [60] + [10] * 6))


def test_a_copy_has_them_too(path, tmp_path, rng, brute_force) -> None:
    back_up(path, tmp_path / "copy")
    assert {BOUNDS, CELLS} <= {file.name for file in (tmp_path / "copy").iterdir()}
    with Gallery.open(tmp_path / "copy") as gallery:
        assert not agrees(gallery, rng.normal(size=(ASKED, 4)).astype(np.float32), 5, brute_force)


def test_a_group_is_searched_in_the_vectors(path, rng) -> None:
    with Gallery.open(path) as gallery:
        found = gallery.search(rng.normal(size=(1, 4)).astype(np.float32), 3, label="2")
        assert found.labels.tolist() == [["2"] * 3]


def test_k_beyond_the_gallery_is_refused_as_ever(path, rng) -> None:
    with Gallery.open(path) as gallery, pytest.raises(ValueError, match="must be 1 to 60"):
        gallery.search(rng.normal(size=(1, 4)).astype(np.float32), 61)


def test_references_without_a_group_are_passed_over_by_check(path) -> None:
    query = np.full((1, 4), 9, np.float32)
    with Gallery.open(path) as gallery:
        gallery.add(["alone"], query, [None])
    with Gallery.open(path) as gallery:
        assert gallery.search(query, 1).ids.item() == "alone"
        [decision] = gallery.check(query)
        assert "alone" not in [neighbour.id for neighbour in decision.neighbours]


def test_whoever_scans_all_references_keeps_no_bounds(path) -> None:
    with Gallery.open(path) as gallery:
        gallery.choose_search(SearchSetting("flat"))
    assert not (path / BOUNDS).exists()


def test_a_small_gallery_keeps_no_bounds(gallery, monkeypatch) -> None:
    monkeypatch.setattr(division, "BOUNDED", 61)
    gallery.close()
    assert not (gallery.path / BOUNDS).exists()
