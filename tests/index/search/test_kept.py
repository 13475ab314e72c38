"""Cells on disk: read if they fit, made again if not, and never able to change an answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from index.gallery import Gallery
from index.search import bounds, division
from index.search import cells as cells_module
from index.search.cells import Cells
from index.search.kept import CELLS, KeptCells, read_kept, write_kept
from index.search.mark import Mark

Answers = tuple[list[list[str]], list[list[float]]]

MARK = Mark(3, 5, 7, 0)
KEPT = KeptCells(3, 4.5, np.eye(2, dtype=np.float32), np.array([0, 1, -1]))
MANY = 50  # queries that repay making cells here
QUERIES = np.random.default_rng(1).normal(size=(MANY, 4)).astype(np.float32)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells pay from ten rows on, and once `MANY` queries were asked, or ten if they were kept."""
    monkeypatch.setattr(division, "FROM", 10)
    monkeypatch.setattr(division, "_VISITS", 0)
    monkeypatch.setattr(division, "_REPAID", MANY)
    monkeypatch.setattr(division, "_REPAID_READ", 10)
    monkeypatch.setattr(division, "measured_gain", lambda *_: 9.0)
    monkeypatch.setattr(bounds, "SHARE", 1.0)


def answers(gallery: Gallery, count: int = MANY) -> Answers:
    result = gallery.search(QUERIES[:count], 5)
    return result.ids.tolist(), result.distances.tolist()


@pytest.fixture
def path(gallery: Gallery) -> Path:
    """A gallery of 60 references whose cells were made and kept."""
    answers(gallery)
    gallery.close()
    assert (gallery.path / CELLS).exists()
    return gallery.path


@pytest.fixture
def expected(path: Path, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """What a scan of all references answers."""
    with monkeypatch.context() as patch, Gallery.open(path) as gallery:
        patch.setattr(division, "FROM", 1000)
        return answers(gallery)


def test_what_is_kept_is_read_as_it_was(tmp_path: Path) -> None:
    write_kept(tmp_path, MARK, KEPT)
    kept = read_kept(tmp_path, MARK)
    assert kept is not None
    assert (kept.trained, kept.gain) == (3, 4.5)
    np.testing.assert_array_equal(kept.centroids, KEPT.centroids)
    np.testing.assert_array_equal(kept.cell, KEPT.cell)


def test_cells_of_other_rows_are_not_read(tmp_path: Path) -> None:
    write_kept(tmp_path, MARK, KEPT)
    assert read_kept(tmp_path, Mark(3, 5, 7, 1)) is None


def test_that_cells_do_not_pay_is_kept_too(tmp_path: Path) -> None:
    none = KeptCells(3, 0.9, np.empty((0, 0), np.float32), np.empty(0, np.int64))
    write_kept(tmp_path, MARK, none)
    kept = read_kept(tmp_path, MARK)
    assert kept is not None
    assert (kept.gain, len(kept.centroids), len(kept.cell)) == (0.9, 0, 0)


def other_format(content: bytes) -> bytes:
    return content.replace(b'"format": 1', b'"format": 2')


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "no JSON": lambda _: b"?\n",
    "JSON, but no object": lambda _: b"[1]\n",
    "truncated": lambda content: content[:-3],
    "a byte altered": lambda content: content[:-9] + b"\xff" + content[-8:],
    "of a later format": other_format,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_passed_over(
    path: Path, expected: Answers, damage: Callable[[bytes], bytes]
) -> None:
    (path / CELLS).write_bytes(damage((path / CELLS).read_bytes()))
    assert read_kept(path) is None
    with Gallery.open(path) as gallery:
        assert answers(gallery, 5) == tuple(part[:5] for part in expected)
        assert answers(gallery) == expected


def test_cells_that_fit_no_longer_by_their_numbers_are_refused(tmp_path: Path) -> None:
    write_kept(tmp_path, MARK, KeptCells(3, 4.5, KEPT.centroids, np.array([0, 1, 2])))
    assert read_kept(tmp_path, MARK) is None
    write_kept(tmp_path, MARK, KeptCells(3, 4.5, KEPT.centroids * np.nan, KEPT.cell))
    assert read_kept(tmp_path, MARK) is None


def test_kept_cells_are_used_without_k_means(
    path: Path, expected: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells_module, "_centroids", None)  # would be called
    with Gallery.open(path) as gallery:
        assert gallery._index._derived is None
        assert answers(gallery) == expected
        assert gallery._index.exact.divided().cells is not None


def test_a_few_searches_do_not_prepare_cells_but_a_server_does(path: Path) -> None:
    with Gallery.open(path) as gallery:
        gallery.search(QUERIES[:9], 5)
        assert gallery._index.exact.divided().cells is None
        gallery.warm()
        assert gallery._index.exact.divided().cells is not None


def test_misleading_cells_change_no_answer(path: Path, expected: Answers) -> None:
    kept, rng = read_kept(path), np.random.default_rng(0)
    assert kept is not None
    head = json.loads((path / CELLS).read_bytes().partition(b"\n")[0])
    other = KeptCells(
        kept.trained,
        kept.gain,
        rng.normal(size=kept.centroids.shape).astype(np.float32),
        rng.integers(0, len(kept.centroids), len(kept.cell)),
    )
    write_kept(path, Mark(**head["mark"]), other)
    with Gallery.open(path) as gallery:
        assert answers(gallery) == expected


@pytest.mark.parametrize("prepared", [False, True], ids=["kept", "ready"])
def test_small_changes_reach_the_cells(path: Path, prepared: bool) -> None:
    with Gallery.open(path) as gallery, Gallery.open(path) as reader:
        for each in (gallery, reader):
            each.search(QUERIES[:1], 1)
            if prepared:
                each.warm()
        gallery.add(["new", "r05"], QUERIES[:2], ["new", "new"])
        gallery.remove(["r00", "r07"])
        for each in (gallery, reader):
            ids, distances = answers(each)
            assert (ids[0][0], ids[1][0], distances[0][0]) == ("new", "r05", 0.0)
            assert not {"r00", "r07"} & {id for row in ids for id in row}
            cells = each._index.exact.divided().cells
            assert cells is not None
            assert len(cells) == len(gallery) == 60 + 1 - 2
    with Gallery.open(path) as again:
        assert answers(again) == (ids, distances)


def test_a_small_change_does_not_write_the_cells_again(path: Path) -> None:
    before = (path / CELLS).stat().st_mtime_ns
    with Gallery.open(path) as gallery:
        gallery.add(["new"], QUERIES[:1], ["new"])
    assert (path / CELLS).stat().st_mtime_ns == before


def test_cells_that_the_gallery_has_outgrown_are_removed(path: Path) -> None:
    with Gallery.open(path) as gallery:
        ids = [f"new{row}" for row in range(100)]
        rng = np.random.default_rng(2)
        gallery.add(ids, rng.normal(size=(100, 4)).astype(np.float32), ids)
        gallery.search(QUERIES[:1], 1)
    assert not (path / CELLS).exists()


def test_how_a_gallery_is_searched_is_reported(path: Path) -> None:
    with Gallery.open(path) as gallery:
        how = gallery.how_searched()
        assert (how.cells, how.gain) == (8, 9.0)  # 2 to the power of log2(60) / 2, rounded
        (path / CELLS).unlink()
        how = gallery.how_searched()
        assert (how.cells, how.gain) == (0, None)
    cells = Cells.train(QUERIES)
    assert cells is not None
    assert len(cells.centroids) == 8
