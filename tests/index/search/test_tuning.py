"""A chosen search: it keeps its promise, or is exact; its file is derived and never trusted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from index.backup import back_up
from index.doctor import examine
from index.errors import GalleryError, StoreError
from index.gallery import Gallery
from index.search import division, tuning
from index.search.chosen import ChosenSearch
from index.search.kept import CELLS
from index.search.kept_codes import read_promise
from index.search.setting import CODES, EXACT, SearchSetting
from index.storage.files import read_sealed, write_sealed

pytestmark = pytest.mark.costly
DIM, GROUPS, COUNT = 16, 8, 2000
RECALL = 0.9
CHOSEN = SearchSetting(recall=RECALL)


def made(rng: np.random.Generator, count: int) -> tuple[np.ndarray, list[str]]:
    """Vectors of groups that lie apart, each spread in a plane of its own."""
    shape = np.random.default_rng(5)
    centres, planes = shape.normal(size=(GROUPS, DIM)), shape.normal(size=(GROUPS, 2, DIM))
    group = rng.integers(0, GROUPS, count)
    places = np.einsum("np,npd->nd", rng.normal(size=(count, 2)), planes[group])
    vectors = (2 * centres[group] + places).astype(np.float32)
    return vectors, [f"group {number}" for number in group]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """An approximate search pays from ten references on."""
    monkeypatch.setattr(division, "FROM", 10)
    monkeypatch.setattr(division, "measured_gain", lambda *_: 9.0)
    monkeypatch.setattr(tuning, "_SAMPLE", 500)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a gallery `plain`, searched exactly, and the same `approximate`."""
    folder = tmp_path_factory.mktemp("tuning")
    vectors, labels = made(np.random.default_rng(1), COUNT)
    with Gallery.create(folder / "plain", dim=DIM, fingerprint="3f9a1c") as gallery:
        gallery.add([f"r{row:04}" for row in range(COUNT)], vectors, labels)
    shutil.copytree(folder / "plain", folder / "approximate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(division, "FROM", 10)
        with Gallery.open(folder / "approximate") as gallery:
            promise = gallery.choose_search(CHOSEN)
    assert promise is not None
    assert promise.effort is not None
    return folder


@pytest.fixture
def plain(once: Path, tmp_path: Path) -> Path:
    """A gallery that is searched exactly."""
    return Path(shutil.copytree(once / "plain", tmp_path / "gallery"))


@pytest.fixture
def path(once: Path, tmp_path: Path) -> Path:
    """The same, searched approximately."""
    return Path(shutil.copytree(once / "approximate", tmp_path / "gallery"))


@pytest.fixture
def queries(rng: np.random.Generator) -> np.ndarray:
    return made(rng, 500)[0]


def is_approximate(gallery: Gallery) -> bool:
    """Whether its searches are, as soon as it is loaded."""
    with gallery._index.reading() as index:
        chosen = index._loaded().chosen
        return chosen.made is not None and not chosen.lacks(len(index.exact))


def found(gallery: Gallery, queries: np.ndarray) -> float:
    """The share of queries whose nearest reference is found; nothing nearer ever is."""
    near, exact = gallery.search(queries, 5), gallery.search(queries, 5, exact=True)
    assert (near.distances >= exact.distances).all()
    return float((near.distances[:, 0] == exact.distances[:, 0]).mean())


@pytest.mark.parametrize("recall", [0.8, 0.9, 0.97])
def test_the_promise_is_kept_for_queries_that_were_not_in_the_sample(
    plain: Path, queries: np.ndarray, rng: np.random.Generator, recall: float
) -> None:
    with Gallery.open(plain) as gallery:
        promise = gallery.choose_search(SearchSetting(recall=recall))
        assert promise is not None
        for kind in (promise.known, promise.unknown, promise.between):
            assert kind is not None
            assert kind.recall >= recall
        assert found(gallery, queries) >= recall
        assert found(gallery, (queries + queries[::-1]) / 2) >= recall


def test_every_process_that_opens_the_gallery_searches_as_its_owner_chose(
    path: Path, queries: np.ndarray
) -> None:
    with Gallery.open(path) as gallery:
        assert gallery.search_setting == CHOSEN
        assert is_approximate(gallery)
        assert found(gallery, queries) >= RECALL


def test_a_process_that_has_it_open_follows_the_choice(plain: Path) -> None:
    with Gallery.open(plain) as reader:
        assert not is_approximate(reader)
        with Gallery.open(plain) as owner:
            owner.choose_search(CHOSEN)
        assert is_approximate(reader)
        with Gallery.open(plain) as owner:
            assert owner.choose_search(EXACT) is None
        assert not is_approximate(reader)
    assert not (plain / CODES).exists()


def test_for_known_queries_alone_the_recall_of_unknown_ones_is_shown(plain: Path) -> None:
    with Gallery.open(plain) as gallery:
        both = gallery.choose_search(SearchSetting(recall=0.97))
        known = gallery.choose_search(SearchSetting(recall=0.97, recall_of="known"))
    assert both is not None
    assert known is not None
    assert known.effort is not None
    assert both.effort is not None
    assert known.effort.probes <= both.effort.probes
    assert known.known is not None
    assert known.known.recall >= 0.97
    assert known.between is not None


def test_a_promise_that_nothing_keeps_leaves_the_search_exact(
    plain: Path, queries: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "_SAMPLE", 50)  # proves no more than 0.025 ** (1 / 50) = 0.93
    with Gallery.open(plain) as gallery:
        promise = gallery.choose_search(SearchSetting(recall=0.95))
        assert promise is not None
        assert promise.effort is None
        assert found(gallery, queries) == 1
    with Gallery.open(plain) as gallery:
        assert found(gallery, queries) == 1
        how = gallery.how_searched()
        assert how.promise is not None
        assert how.promise.effort is None


def test_few_references_are_searched_exactly_and_that_is_said(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(division, "FROM", COUNT + 1)
    with Gallery.open(plain) as gallery:
        promise = gallery.choose_search(CHOSEN)
        assert promise is not None
        assert promise.effort is None


def test_references_without_labels_can_be_searched_approximately(
    tmp_path: Path, rng: np.random.Generator, queries: np.ndarray
) -> None:
    vectors = made(rng, COUNT)[0]
    with Gallery.create(tmp_path / "bare", dim=DIM, fingerprint="3f9a1c") as gallery:
        gallery.add([f"r{row}" for row in range(COUNT)], vectors, [None] * COUNT)
        promise = gallery.choose_search(CHOSEN)
        assert promise is not None
        assert promise.unknown is None  # there is no group to leave out
        assert promise.between is not None
        assert is_approximate(gallery)
        assert found(gallery, queries) >= RECALL


def test_additions_and_removals_reach_it(path: Path, rng: np.random.Generator) -> None:
    new, labels = made(rng, 300)
    ids = [f"n{row}" for row in range(300)]
    gone = [f"r{row:04}" for row in range(0, 270, 3)]  # 90 of 2,210: less than a twentieth
    with Gallery.open(path) as gallery, Gallery.open(path) as reader:
        assert is_approximate(reader)
        gallery.add(ids, new, labels)
        gallery.remove(gone)
        for each in (gallery, reader):
            assert is_approximate(each)
            near = each.search(new, 5)
            assert (near.distances[:, 0] == 0).mean() >= RECALL
            assert not set(near.ids.ravel().tolist()) & set(gone)
            assert found(each, new) >= RECALL
    with Gallery.open(path) as gallery:
        assert is_approximate(gallery)
        assert found(gallery, new) >= RECALL


def test_it_is_made_anew_when_more_than_a_twentieth_is_gone(path: Path) -> None:
    with Gallery.open(path) as gallery:
        gallery.remove([f"r{row:04}" for row in range(95)])
        assert is_approximate(gallery)  # 95 codes too many, of 1,905 references: 4.99 %
        gallery.remove(["r0095"])
        assert not is_approximate(gallery)
    with Gallery.open(path) as gallery:
        assert is_approximate(gallery)
        assert len(gallery) == 1904


def test_it_is_made_anew_when_the_gallery_has_doubled(path: Path, rng: np.random.Generator) -> None:
    before = read_promise(path)
    with Gallery.open(path) as gallery:
        new, labels = made(rng, COUNT + 1)
        gallery.add([f"n{row}" for row in range(COUNT + 1)], new, labels)
        assert not is_approximate(gallery)
        assert found(gallery, new[:50]) == 1  # exactly, until then
    after = read_promise(path)
    assert before is not None
    assert after is not None
    assert (before.trained, after.trained) == (COUNT, 2 * COUNT + 1)


def test_a_file_that_is_gone_is_made_again_by_a_server(path: Path, queries: np.ndarray) -> None:
    (path / CODES).unlink()
    with Gallery.open(path) as gallery:
        assert found(gallery, queries) == 1
        assert gallery.how_searched().promise is None
        gallery.warm()
        assert is_approximate(gallery)
    assert (path / CODES).exists()


def test_a_file_that_is_gone_is_made_again_when_very_many_queries_are_asked(
    path: Path, queries: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.search.chosen._REPAID", 1000)  # two calls of 500
    (path / CODES).unlink()
    with Gallery.open(path) as gallery:
        gallery.search(queries, 1)
        assert not is_approximate(gallery)
        gallery.search(queries, 1)
        assert is_approximate(gallery)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "no JSON": lambda _: b"?\n",
    "JSON, but no object": lambda _: b"[1]\n",
    "truncated": lambda content: content[:-3],
    "a byte altered": lambda content: content[:-99] + b"\xff\x01" + content[-97:],
    "of a later format": lambda content: content.replace(b'"format": 1', b'"format": 2'),
    "of other rows": lambda content: content.replace(b'"total": ', b'"total": 1'),
    "without its promise": lambda content: content.replace(b'"promise"', b'"premise"'),
    "with a field more": lambda content: content.replace(b'"trained"', b'"more": 1, "trained"'),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_leaves_the_search_exact(
    path: Path, queries: np.ndarray, damage: Callable[[bytes], bytes]
) -> None:
    (path / CODES).write_bytes(damage((path / CODES).read_bytes()))
    with Gallery.open(path) as gallery:
        assert not is_approximate(gallery)
        assert found(gallery, queries) == 1


def test_an_index_of_another_kind_is_passed_over(path: Path, queries: np.ndarray) -> None:
    import hashlib

    import faiss

    head, _, _ = (path / CODES).read_bytes().partition(b"\n")
    flat = faiss.IndexFlatL2(DIM)
    flat.add(np.zeros((COUNT, DIM), np.float32))
    content = faiss.serialize_index(flat).tobytes()
    fields = {**json.loads(head), "sha256": hashlib.sha256(content).hexdigest()}
    (path / CODES).write_bytes(json.dumps(fields).encode() + b"\n" + content)
    with Gallery.open(path) as gallery:
        assert not is_approximate(gallery)
        assert found(gallery, queries) == 1


KILLED = """
import os, sys
from index.gallery import Gallery
from index.search import division, kept_codes
from index.search.setting import SearchSetting
from index.storage import files

division.FROM = 10
write = os.fsync
def dies(*_):
    if any("codes" in name for name in os.listdir(sys.argv[1]) if name.startswith(".")):
        os.kill(os.getpid(), 9)
    write(*_)
os.fsync = dies
with Gallery.open(sys.argv[1]) as gallery:
    gallery.choose_search(SearchSetting(recall=0.9))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_a_kill_while_it_is_written_leaves_an_exact_search(
    plain: Path, queries: np.ndarray
) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, plain], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not (plain / CODES).exists()
    with Gallery.open(plain) as gallery:
        assert gallery.search_setting == EXACT  # which is stored last
        assert found(gallery, queries) == 1
        gallery.choose_search(CHOSEN)
        assert is_approximate(gallery)
    assert not [name for name in os.listdir(plain) if name.startswith(".vectors")]


def test_a_gallery_of_before_has_no_setting_and_is_searched_exactly(plain: Path) -> None:
    assert "search" not in read_sealed(plain / "gallery.json")
    with Gallery.open(plain) as gallery:
        assert gallery.search_setting == EXACT


@pytest.mark.parametrize(
    "stored",
    [{"way": "fast"}, {"recall": 1.5}, {"recall": "0.9"}, {"recall_of": None}, {"more": 1}, [], 3],
    ids=str,
)
def test_a_setting_of_other_values_is_refused_by_name(plain: Path, stored: object) -> None:
    manifest = plain / "gallery.json"
    write_sealed(manifest, {**read_sealed(manifest), "search": stored})
    with pytest.raises(StoreError, match=r"gallery\.json' is not as likewise writes it.*`search`"):
        Gallery.open(plain)


def test_a_backup_is_searched_as_its_gallery_is(path: Path, tmp_path: Path) -> None:
    back_up(path, tmp_path / "copy")
    with Gallery.open(tmp_path / "copy") as copy:
        assert copy.search_setting == CHOSEN
        copy.warm()
        assert is_approximate(copy)


def test_a_search_in_one_group_and_by_group_and_doctor_are_exact(
    path: Path, queries: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ChosenSearch, "nearest", None)  # would be called
    with Gallery.open(path) as gallery:
        gallery.search(queries, 3, label="group 1")
        gallery.nearest_by_group(queries[:5], [None] * 5)
        gallery.within(queries[:5], 0.5)
        examination = examine(gallery)
    assert examination.broken == []
    assert examination.search_recall == 1


def test_very_many_neighbours_are_searched_exactly(path: Path, queries: np.ndarray) -> None:
    with Gallery.open(path) as gallery:
        near = gallery.search(queries[:9], 129)  # more than 128
        exact = gallery.search(queries[:9], 129, exact=True)
        assert near.ids.tolist() == exact.ids.tolist()


def test_scans_can_be_forced(plain: Path, queries: np.ndarray) -> None:
    with Gallery.open(plain) as gallery:
        expected = gallery.search(queries, 5).ids.tolist()
        gallery.choose_search(SearchSetting("flat"))
        for _ in range(5):  # 2,500 queries make cells by themselves
            assert gallery.search(queries, 5).ids.tolist() == expected
        assert gallery._index.exact.divided().cells is None
    assert not (plain / CELLS).exists()


def test_cells_can_be_forced_where_they_would_not_pay(
    plain: Path, queries: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(division, "measured_gain", lambda *_: 0.5)
    monkeypatch.setattr(division, "FROM", COUNT + 1)
    with Gallery.open(plain) as gallery:
        expected = gallery.search(queries, 5).ids.tolist()
        gallery.choose_search(SearchSetting("cells"))
    with Gallery.open(plain) as gallery:
        how = gallery.how_searched()
        assert (how.cells, how.gain) == (32, 0.5)  # 2 to the power of log2(2000) / 2, rounded
        gallery.warm()
        assert gallery._index.exact.divided().cells is not None
        assert gallery.search(queries, 5).ids.tolist() == expected
        gallery.choose_search(EXACT)
    with Gallery.open(plain) as gallery:
        gallery.warm()
        assert gallery._index.exact.divided().cells is None


def test_a_gallery_that_cannot_be_written_refuses_before_a_minute_of_work(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "tuned", None)  # would be called
    with (
        Gallery.open(plain) as gallery,
        gallery.snapshot(),
        pytest.raises(GalleryError, match="snapshot"),
    ):
        gallery.choose_search(CHOSEN)
