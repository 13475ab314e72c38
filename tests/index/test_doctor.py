"""The doctor finds planted faults, and reports none in an intact gallery."""

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import faiss
import numpy as np
import pytest

from index.doctor import examine
from index.errors import BusyError
from index.gallery import Gallery
from index.search import division
from index.search.note import read_note, write_note


@pytest.fixture
def clusters(tmp_path, rng) -> Iterator[Gallery]:
    """Two groups of 30 in the plane, 0.01 wide and 1 apart."""
    with Gallery.create(tmp_path / "g", dim=2, fingerprint="abc123") as gallery:
        for label, x in (("left", 0.0), ("right", 1.0)):
            spots = rng.normal(0, 0.01, (30, 2)) + np.array([x, 0])
            gallery.add([f"{label}/{n}" for n in range(30)], spots.astype("f4"), [label] * 30)
        yield gallery


def spot(x, y=0.0):
    return np.array([[x, y]], np.float32)


def test_a_whole_gallery_with_clear_groups_has_nothing_to_report(clusters):
    result = examine(clusters, threshold=0.5)
    assert (result.references, result.groups, result.search_recall) == (60, 2, 1.0)
    assert (result.broken, result.duplicates, result.mislabels) == ([], [], [])
    assert (result.outliers, result.overlaps) == ([], [])
    assert result.small_groups == {}


def test_a_reference_among_another_group_is_a_probable_mislabel(clusters):
    clusters.add(["wrong"], spot(1.0), ["left"])
    [mislabel] = examine(clusters, threshold=0.5).mislabels
    assert (mislabel.id, mislabel.label, mislabel.suggested) == ("wrong", "left", "right")
    assert mislabel.votes == 5


def test_a_good_reference_beside_a_mislabelled_one_is_not_accused(clusters):
    _, _, vectors = clusters.stored()
    clusters.add(["wrong"], vectors[-1:] + np.float32(1e-4), ["left"])
    assert [item.id for item in examine(clusters, threshold=0.5).mislabels] == ["wrong"]


def test_the_share_with_a_nearest_other_of_their_group_leaves_out_groups_of_one(clusters):
    assert examine(clusters).nearest_right == 1.0
    clusters.add(["wrong", "alone"], np.concatenate([spot(1.0), spot(2.0)]), ["left", "single"])
    # 61 of 62 are not alone in their group, and "wrong" is nearest to the right group; so is
    # perhaps one of that group to it.
    assert examine(clusters).nearest_right in (60 / 61, 59 / 61)


def test_a_reference_with_none_in_reach_is_an_outlier(clusters):
    clusters.add(["far"], spot(0, 5), ["left"])
    [(id, distance)] = examine(clusters, threshold=0.5).outliers
    assert id == "far"
    assert distance == pytest.approx(5, abs=0.05)


def test_the_same_vector_under_several_ids_is_reported_once(clusters):
    _, _, vectors = clusters.stored()
    clusters.add(["twin", "triplet"], vectors[[3, 3]], ["left", "left"])
    assert examine(clusters).duplicates == [["left/3", "twin", "triplet"]]


def test_groups_that_reach_into_each_other_are_named_with_their_share(clusters):
    result = examine(
        clusters, threshold=5.0
    )  # all are in reach, but the five nearest are their own
    assert result.overlaps == []
    clusters.add([f"mixed/{n}" for n in range(3)], spot(1.0).repeat(3, 0), ["left"] * 3)
    first, second, share = examine(clusters, threshold=0.5).overlaps[-1]
    assert {first, second} == {"left", "right"}
    assert share <= 3 / 33 or first == "right"


def test_groups_too_small_to_win_a_vote_are_listed(clusters):
    clusters.add(["a", "b"], np.array([[5, 5], [5, 5.01]], np.float32), ["new", "new"])
    assert examine(clusters).small_groups == {"new": 2}


def test_removed_references_are_not_found_again(clusters):
    clusters.remove(["left/0", "right/29"])
    result = examine(clusters, threshold=0.5)
    assert (result.references, result.broken) == (58, [])


def test_an_empty_gallery_is_whole(tmp_path):
    with Gallery.create(tmp_path / "g", dim=2, fingerprint="abc123") as gallery:
        assert examine(gallery).broken == []


def test_what_others_change_during_an_examination_is_no_damage(clusters, monkeypatch):
    search = clusters.search

    def search_after_a_removal(*arguments, **options):
        with Gallery.open(clusters.path) as other:
            other.remove(["left/0"])
        return search(*arguments, **options)

    monkeypatch.setattr(clusters, "search", search_after_a_removal)
    result = examine(clusters, threshold=0.5)
    assert (result.broken, result.references, len(clusters)) == ([], 60, 59)


def test_a_gallery_that_cannot_be_read_now_is_not_called_damaged(clusters, monkeypatch):
    def verify():
        raise BusyError("Another process keeps writing.")

    monkeypatch.setattr(clusters, "verify", verify)
    with pytest.raises(BusyError, match="keeps writing"):
        examine(clusters)


def test_an_altered_row_is_broken(clusters):
    with sqlite3.connect(clusters.path / "references.sqlite") as store:
        table = store.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%vector%'").fetchone()
        store.execute(f"UPDATE {table[0]} SET label = 'right' WHERE id = 'left/4'")
    [sentence] = examine(clusters).broken
    assert "altered" in sentence


def test_a_search_that_misses_is_broken(clusters, monkeypatch):
    search = Gallery.search

    def forgetful(gallery, vectors, k, **rest):
        return search(gallery, vectors + np.float32(0.25), k, **rest)

    monkeypatch.setattr(Gallery, "search", forgetful)
    broken = examine(clusters).broken
    assert "do not find themselves" in broken[0]
    assert "true nearest" in broken[1]


def rewritten(path, change):
    """Write vectors.faiss anew, with a note that fits it: all but the rows is as it should be."""
    index: Any = faiss.read_index(str(path / "vectors.faiss"))
    slots = faiss.vector_to_array(index.id_map)
    flat: Any = faiss.downcast_index(index.index)
    vectors = faiss.rev_swig_ptr(flat.get_xb(), index.ntotal * index.d).reshape(index.ntotal, -1)
    slots, vectors = change(slots.copy(), vectors.copy())
    index = faiss.IndexIDMap(faiss.IndexFlatL2(index.d))
    index.add_with_ids(vectors, slots)
    faiss.write_index(index, str(path / "vectors.faiss"))
    content = (path / "vectors.faiss").read_bytes()
    note = read_note(path)
    assert note is not None
    digest = hashlib.sha256(content).hexdigest()
    write_note(path, replace(note, size=len(content), sha256=digest))


def swapped(vectors, a, b):
    vectors[[a, b]] = vectors[[b, a]]
    return vectors


MIX_UPS = {
    "every vector under the next slot": (lambda s, v: (s, np.roll(v, 1, axis=0)), 60),
    "two vectors exchanged": (lambda s, v: (s, swapped(v, 3, 40)), 2),
    "one vector moved by one unit in the last place": (
        lambda s, v: (s, np.where(np.arange(60)[:, None] == 7, np.nextafter(v, np.float32(9)), v)),
        1,
    ),
    "one slot of another number": (lambda s, v: (np.where(s == 60, 61, s), v), 1),
}


@pytest.mark.parametrize(("change", "count"), MIX_UPS.values(), ids=MIX_UPS)
def test_references_that_answer_under_another_s_name_are_broken(clusters, change, count):
    clusters.add(["last"], spot(0.5), ["left"])  # a slot after those, which the note knows
    clusters.remove(["last"])
    clusters.close()
    rewritten(clusters.path, change)
    with Gallery.open(clusters.path) as gallery:
        [sentence] = examine(gallery).broken
    assert f"vectors.faiss' does not match the references: {count} references answer" in sentence
    (clusters.path / "vectors.faiss").unlink()
    with Gallery.open(clusters.path) as gallery:
        assert examine(gallery).broken == []


def test_more_equal_vectors_than_neighbours_are_asked_for_are_no_damage(clusters):
    clusters.add([f"same/{n}" for n in range(20)], spot(9).repeat(20, 0), ["left"] * 20)
    assert examine(clusters).broken == []


@pytest.mark.parametrize("place", [0.1, 0.5, 0.99])
def test_bounds_with_an_altered_byte_are_named_until_they_are_deleted(clusters, monkeypatch, place):
    monkeypatch.setattr(division, "FROM", 60)
    monkeypatch.setattr(division, "BOUNDED", 60)
    monkeypatch.setattr(division, "measured_gain", lambda *_: 9.0)
    clusters.close()
    file = clusters.path / "vectors.bounds"
    with Gallery.open(clusters.path) as gallery:
        assert examine(gallery).broken == []
    content = bytearray(file.read_bytes())
    content[int(len(content) * place)] ^= 1
    file.write_bytes(content)
    with Gallery.open(clusters.path) as gallery:
        [sentence] = examine(gallery).broken
    assert sentence.startswith(f"'{file}' is damaged: delete it")
    file.unlink()
    with Gallery.open(clusters.path) as gallery:
        assert examine(gallery).broken == []


@pytest.mark.slow
def test_500_planted_mislabels_among_60_000_digits_are_found(tmp_path):
    from embedder.data.sources import load
    from embedder.model import Embedder

    train, embedder = load("mnist/train"), Embedder.load()
    rng = np.random.default_rng(0)
    planted = rng.choice(len(train), 500, replace=False)
    labels = np.array(train.labels, object)
    for row in planted:
        labels[row] = str((int(labels[row]) + rng.integers(1, 10)) % 10)
    with Gallery.create(tmp_path / "g", dim=embedder.dim, fingerprint="digits") as gallery:
        gallery.add(train.ids, embedder.embed(embedder.prepare(train.images)), labels.tolist())
        result = examine(gallery, threshold=0.5)
    accused = {mislabel.id for mislabel in result.mislabels}
    guilty = {train.ids[row] for row in planted}
    recall, precision = len(accused & guilty) / 500, len(accused & guilty) / len(accused)
    print(f"recall {recall:.3f}, precision {precision:.3f} of {len(accused)}")
    assert recall >= 0.95
    assert precision >= 0.75  # some 85 of MNIST's own digits look like another group's too
