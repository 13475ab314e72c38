"""Bundles of a gallery: made of its groups, kept on disk, and followed through its changes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from index.gallery import Gallery
from index.search import bundles as bundles_module
from index.search import division
from index.search.kept import CELLS, KeptCells, read_kept, write_kept
from index.search.mark import Mark
from index.search.setting import SearchSetting
from tests.index.search.material import unit

GROUPS, OF_EACH, DIM = 30, 5, 16
RNG = np.random.default_rng(3)
CENTRES = unit(RNG.normal(size=(GROUPS, DIM)))
STORED = np.repeat(CENTRES, OF_EACH, axis=0)
STORED = (STORED + unit(RNG.normal(size=STORED.shape)) * 0.05).astype(np.float32)
IDS = [f"r{row:03}" for row in range(len(STORED))]
LABELS = [f"g{row // OF_EACH}" for row in range(len(STORED))]
MANY = 50  # queries that repay making bundles here
QUERIES = (STORED[:MANY] + 0.01).astype(np.float32)

Answers = tuple[list[list[str]], list[list[float]]]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bundles gain more than cells, which do not pay, from ten rows on."""
    monkeypatch.setattr(division, "FROM", 10)
    monkeypatch.setattr(division, "_REPAID", MANY)
    monkeypatch.setattr(division, "_REPAID_READ", 10)
    monkeypatch.setattr(division, "measured_gain", _gain)


def _gain(find: object, _: np.ndarray) -> float:
    of_bundles = isinstance(find.args[0], bundles_module.Bundles)  # type: ignore[attr-defined]
    return 9.0 if of_bundles else 1.0


def answers(gallery: Gallery, count: int = MANY) -> Answers:
    result = gallery.search(QUERIES[:count], 4)
    return result.ids.tolist(), result.distances.tolist()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A gallery of tight groups, and a reference of none, whose bundles were made and kept."""
    where = tmp_path / "gallery"
    with Gallery.create(where, dim=DIM, fingerprint="3f9a1c") as gallery:
        gallery.add(IDS, STORED, LABELS)
        gallery.add(["alone"], -STORED[:1], [None])
        answers(gallery)
    assert (where / CELLS).exists()
    return where


@pytest.fixture
def expected(path: Path, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """What a scan of all references answers."""
    with monkeypatch.context() as patch, Gallery.open(path) as gallery:
        patch.setattr(division, "FROM", 1000)
        return answers(gallery)


def bundles_of(gallery: Gallery) -> bundles_module.Bundles | None:
    with gallery._index.reading() as index:
        return index.exact.divided().bundles


def test_the_groups_of_a_gallery_are_its_bundles(path: Path) -> None:
    kept = read_kept(path)
    assert kept is not None
    assert (kept.gain, kept.bundle_gain, len(kept.centroids)) == (1.0, 9.0, 0)
    together = np.append(np.arange(len(STORED)) // OF_EACH, GROUPS)
    same = together[:, None] == together
    np.testing.assert_array_equal(kept.bundle[:, None] == kept.bundle, same)


def test_kept_bundles_are_used_without_asking_for_groups(
    path: Path, expected: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles_module, "tight", None)  # would be called
    with Gallery.open(path) as gallery:
        gallery.search(QUERIES[:9], 4)
        assert bundles_of(gallery) is None
        gallery.warm()
        assert bundles_of(gallery) is not None
        assert answers(gallery) == expected


@pytest.mark.parametrize("prepared", [False, True], ids=["kept", "ready"])
def test_small_changes_reach_the_bundles(path: Path, prepared: bool) -> None:
    with Gallery.open(path) as gallery, Gallery.open(path) as reader:
        for each in (gallery, reader):
            each.search(QUERIES[:1], 1)
            if prepared:
                each.warm()
        gallery.add(["new", "twin"], QUERIES[:2], ["g0", None])
        gallery.remove([*IDS[5:10], "r000"])
        for each in (gallery, reader):
            ids, distances = answers(each)
            assert (ids[0][0], ids[1][0], distances[0][0]) == ("new", "twin", 0.0)
            assert not {*IDS[5:10], "r000"} & {id for row in ids for id in row}
            bundles = bundles_of(each)
            assert bundles is not None
            assert len(bundles.bundle) == len(gallery) == len(STORED) + 1 + 2 - 6
            assert len(bundles) == GROUPS - 1 + 1 + 2  # g1 is gone; three are alone
    with Gallery.open(path) as again:
        assert answers(again) == (ids, distances)


def test_misleading_bundles_change_no_answer(path: Path, expected: Answers) -> None:
    kept = read_kept(path)
    assert kept is not None
    head = json.loads((path / CELLS).read_bytes().partition(b"\n")[0])
    bundle = np.random.default_rng(0).integers(0, 9, len(kept.bundle))
    other = KeptCells(kept.trained, 1.0, kept.centroids, kept.cell, 9.0, bundle)
    write_kept(path, Mark(**head["mark"]), other)
    with Gallery.open(path) as gallery:
        assert answers(gallery) == expected
        assert bundles_of(gallery) is not None


def test_a_file_of_a_version_without_bundles_is_read_and_renewed(
    path: Path, expected: Answers
) -> None:
    first = (path / CELLS).read_bytes().partition(b"\n")[0]
    head = {key: value for key, value in json.loads(first).items() if "bundle" not in key}
    head["sha256"] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # of b""
    (path / CELLS).write_bytes(json.dumps(head).encode() + b"\n")
    kept = read_kept(path)
    assert kept is not None
    assert (kept.gain, kept.bundle_gain, len(kept.bundle)) == (1.0, None, 0)
    with Gallery.open(path) as gallery:
        assert answers(gallery, MANY - 1) == tuple(part[:-1] for part in expected)
        assert bundles_of(gallery) is None
        answers(gallery)
        assert bundles_of(gallery) is not None
        assert answers(gallery) == expected
    renewed = read_kept(path)
    assert renewed is not None
    assert renewed.bundle_gain == 9.0


def test_bundle_numbers_below_zero_are_refused(path: Path) -> None:
    kept = KeptCells(3, 1.0, np.empty((0, 0), np.float32), np.empty(0, np.int64), 9.0)
    write_kept(path, Mark(), kept.appended(0))
    assert read_kept(path) is not None
    bad = KeptCells(3, 1.0, kept.centroids, kept.cell, 9.0, np.array([0, -1]))
    write_kept(path, Mark(), bad)
    assert read_kept(path) is None


def test_labels_ask_by_bundles_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Gallery.open(path) as gallery:
        _, _, near = gallery.nearest_by_group(STORED, LABELS, skip=IDS)
        with monkeypatch.context() as patch, Gallery.open(path) as flat:
            patch.setattr(division, "FROM", 1000)
            _, _, expected = flat.nearest_by_group(STORED, LABELS, skip=IDS)
    for part in ("own", "other", "nearest", "closer"):
        np.testing.assert_array_equal(getattr(near, part), getattr(expected, part), part)


def test_how_a_gallery_is_searched_names_its_bundles(path: Path) -> None:
    with Gallery.open(path) as gallery:
        how = gallery.how_searched()
        assert (how.cells, how.bundles, how.gain) == (0, GROUPS + 1, 9.0)
        gallery.choose_search(SearchSetting("flat"))
        assert gallery.how_searched().bundles == 0
