"""The FAISS file is derived: whatever happens to it, answers agree with the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from index.errors import StoreError
from index.gallery import Gallery
from index.neighbours import Neighbours
from index.references import changes, contract
from index.search import derived

QUERIES = np.random.default_rng(1).normal(size=(20, 4)).astype(np.float32)


def answers(gallery: Gallery) -> tuple[list[list[str]], list[list[float]]]:
    result: Neighbours = gallery.search(QUERIES, 5)
    return result.ids.tolist(), result.distances.tolist()


def answers_at(path: Path, *, ahead: bool = False) -> tuple[list[list[str]], list[list[float]]]:
    with Gallery.open(path) as gallery:
        if ahead:
            gallery.warm(ahead=True)
        return answers(gallery)


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 0x40
    path.write_bytes(content)


@pytest.fixture
def path(gallery: Gallery) -> Path:
    gallery.close()
    return gallery.path


def test_closing_leaves_an_index_that_needs_no_rebuilding(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derived.DerivedIndex, "_append_rows", None)  # would read the store
    answers_at(path)


def test_an_index_under_a_path_that_is_not_text_is_kept_too(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = path.rename(tmp_path / "caf\udce9.gallery")
    (odd / "vectors.faiss").unlink()
    built = answers_at(odd)
    monkeypatch.setattr(derived.DerivedIndex, "_append_rows", None)  # would read the store
    assert answers_at(odd) == built


def remove_both(path: Path) -> None:
    for file in path.glob("vectors.*"):
        file.unlink()


def make_a_directory(path: Path) -> None:
    (path / "vectors.faiss").unlink()
    (path / "vectors.faiss").mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "file missing": lambda path: (path / "vectors.faiss").unlink(),
    "note missing": lambda path: (path / "vectors.json").unlink(),
    "both missing": remove_both,
    "file empty": lambda path: (path / "vectors.faiss").write_bytes(b""),
    "file truncated": lambda path: (path / "vectors.faiss").write_bytes(
        (path / "vectors.faiss").read_bytes()[:-7]
    ),
    "file's header altered": lambda path: flip(path / "vectors.faiss", 3),
    "a vector altered": lambda path: flip(path / "vectors.faiss", 200),
    "an id altered": lambda path: flip(path / "vectors.faiss", -9),
    "note altered": lambda path: flip(path / "vectors.json", 60),
    "note is no JSON": lambda path: (path / "vectors.json").write_text("?"),
    "file is a directory": make_a_directory,
}


@pytest.mark.parametrize("ahead", [False, True], ids=["at the search", "ahead"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_index_is_noticed_and_built_again(
    path: Path, damage: Callable[[Path], object], ahead: bool
) -> None:
    before = answers_at(path)
    damage(path)
    assert answers_at(path, ahead=ahead) == before
    assert answers_at(path, ahead=ahead) == before


@pytest.mark.parametrize("damage", list(DAMAGES.values())[:-1], ids=list(DAMAGES)[:-1])
def test_a_reader_leaves_a_damaged_index_whole_again(
    path: Path, damage: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = answers_at(path)
    damage(path)
    answers_at(path)
    monkeypatch.setattr(derived.DerivedIndex, "_append_rows", None)
    assert answers_at(path) == before


def test_another_gallerys_index_is_noticed(path: Path, tmp_path: Path) -> None:
    before = answers_at(path)
    with Gallery.create(tmp_path / "other", dim=4, fingerprint="3f9a1c") as other:
        ids = [f"r{i:02}" for i in range(60)]
        other.add(ids, np.ones((60, 4), np.float32), ids)
    for name in ("vectors.faiss", "vectors.json"):
        (path / name).write_bytes((tmp_path / "other" / name).read_bytes())
    assert answers_at(path) == before


def test_an_old_index_catches_up(path: Path) -> None:
    old = {file: file.read_bytes() for file in path.glob("vectors.*")}
    with Gallery.open(path) as gallery:
        gallery.remove([f"r{i:02}" for i in range(0, 60, 7)])
        gallery.add(["r01", "new"], QUERIES[:2], ["x", "y"])
        gallery.add(["brief"], QUERIES[2:3], ["x"])
        gallery.remove(["brief"])
        expected = answers(gallery)
    for file, content in old.items():
        file.write_bytes(content)
    assert answers_at(path) == expected


def test_an_index_older_than_the_removal_log_is_built_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MIN_KEPT", 1)
    old = {file: file.read_bytes() for file in path.glob("vectors.*")}
    with Gallery.open(path) as gallery:
        for i in range(40):
            gallery.remove([f"r{i:02}"])
        expected = answers(gallery)
    for file, content in old.items():
        file.write_bytes(content)
    assert answers_at(path) == expected


def test_an_open_reader_sees_each_change_at_its_next_search(gallery: Gallery) -> None:
    with Gallery.open(gallery.path) as reader:
        answers(reader)
        for step in range(5):
            gallery.add([f"new{step}"], QUERIES[step][None], ["new"])
            gallery.remove([f"r{step:02}"])
            assert reader.search(QUERIES[step][None], 1)[0][0].id == f"new{step}"
            assert answers(reader) == answers(gallery)


def test_an_index_that_failed_to_catch_up_is_not_taken_for_the_state_before(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Altered references are refused, and may then be restored as they were."""
    with Gallery.open(path) as reader, Gallery.open(path) as writer:
        before, state = answers(reader), reader._store.state()
        writer.add(["new"], QUERIES[:1], ["new"])
        with monkeypatch.context() as patch:
            patch.setattr(derived.DerivedIndex, "_follow", lambda *_: False)
            patch.setattr(derived.DerivedIndex, "_append_rows", lambda *_: None)  # no row is there
            with pytest.raises(StoreError, match="altered"):
                answers(reader)
        writer.remove(["new"])  # the same references again
        monkeypatch.setattr(contract, "read_state", lambda database: state)
        assert answers(reader) == before


def test_an_index_that_is_read_ahead_catches_up_too(path: Path) -> None:
    with Gallery.open(path) as reader, Gallery.open(path) as writer:
        reader.warm(ahead=True)
        reader.warm(ahead=True)  # no second thread
        writer.remove(["r00"])
        writer.add(["new"], QUERIES[:1], ["new"])
        assert reader.search(QUERIES[:1], 1)[0][0].id == "new"
        assert answers(reader) == answers(writer)


def test_a_gallery_that_is_read_ahead_may_be_changed_or_closed_at_once(path: Path) -> None:
    with Gallery.open(path) as gallery:
        gallery.warm(ahead=True)
        gallery.add(["new"], QUERIES[:1], ["new"])
        assert gallery.search(QUERIES[:1], 1)[0][0].id == "new"
    with Gallery.open(path) as gallery:
        gallery.warm(ahead=True)
    assert answers_at(path)[0][0][0] == "new"


def test_random_changes_give_what_building_anew_gives(empty: Gallery, rng, brute_force) -> None:
    kept: dict[str, np.ndarray] = {}
    for _ in range(60):
        ids = [f"i{i}" for i in rng.choice(40, size=4, replace=False)]
        if rng.random() < 0.6:
            vectors = rng.integers(-2, 3, size=(4, 4)).astype(np.float32)
            empty.add(ids, vectors, ids)
            kept.update(zip(ids, vectors, strict=True))
        else:
            assert empty.remove(ids) == sum(kept.pop(id, None) is not None for id in ids)
        k = min(5, len(kept))
        if k and rng.random() < 0.7:
            expected = brute_force(np.stack(list(kept.values())), list(kept), QUERIES, k)
            result = empty.search(QUERIES, k)
            assert result.ids.tolist() == expected[0]
            np.testing.assert_array_equal(result.distances, expected[1])


def test_a_small_change_of_a_large_gallery_does_not_rewrite_the_file(empty: Gallery, rng) -> None:
    ids = [str(i) for i in range(5000)]
    empty.add(ids, rng.normal(size=(5000, 4)).astype(np.float32), ids)
    empty.close()
    before = (empty.path / "vectors.faiss").stat().st_mtime_ns
    with Gallery.open(empty.path) as gallery:
        gallery.add(["new"], QUERIES[:1], ["new"])
    assert (empty.path / "vectors.faiss").stat().st_mtime_ns == before
    assert answers_at(empty.path)[0][0][0] == "new"
