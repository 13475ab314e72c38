"""Names by column are derived: whatever happens to their file, groups agree with the rows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.backup import back_up
from index.errors import StoreError
from index.gallery import Gallery
from index.references import changes
from index.search import current
from index.search.names import Names
from index.search.names_file import NAMES, read_names, write_names
from index.storage.database import Database

ROOT = Path(current.__file__).parents[2]
LABELS = ["", "a", "ab", "b", " b", "c ", "é", "é", "日", "\U0001f600", "z"]


@pytest.fixture
def path(gallery: Gallery) -> Path:
    gallery.close()
    return gallery.path


def vectors(count: int) -> np.ndarray:
    return np.ones((count, 4), np.float32)


def listed(gallery: Gallery) -> object:
    """All that is said of groups, page by page."""
    pages, after = [], None
    while True:
        page, after = gallery.group_page(limit=2, after=after, samples=3)
        pages += page
        if after is None:
            break
    whole = {label: gallery.page(limit=10_000, label=label)[0] for label in gallery.groups()}
    bare, _ = gallery.page(limit=10_000, unlabelled=True)
    counts = gallery.count_groups(), gallery.count_unlabelled()
    return [tuple(entry) for entry in pages], gallery.labels, whole, bare, counts


def scanned(gallery: Gallery) -> object:
    """The same, by a scan of all rows."""
    rows = list(gallery._store.rows())
    counts = dict(sorted(Counter(row.label for row in rows if row.label).items()))
    whole = {label: [(r.id, label) for r in rows if r.label == label] for label in counts}
    pages = []
    for label, every in whole.items():
        most = min(3, len(every))
        samples = [every[place * len(every) // most][0] for place in range(most)]
        pages.append((label, len(every), samples))
    bare = [(row.id, None) for row in rows if not row.label]
    return pages, counts, whole, bare, (len(counts), len(bare))


def listed_at(path: Path) -> object:
    with Gallery.open(path) as gallery:
        return listed(gallery)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(st.tuples(st.integers(0, 40), st.sampled_from(LABELS)))),
        st.tuples(st.just("remove"), st.lists(st.integers(0, 40), max_size=20)),
        st.tuples(st.sampled_from(["ask", "open again", "lose the file"]), st.none()),
    ),
    max_size=12,
)


@pytest.mark.costly
@settings(deadline=None, max_examples=15)
@given(steps)
def test_pages_and_counts_equal_a_scan_of_the_rows_after_random_changes(steps) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "g")
        gallery = Gallery.create(path, dim=4, fingerprint="a")
        for what, given in steps:
            if what == "add" and given:
                ids = [str(number) for number, _ in given]
                gallery.add(ids, vectors(len(ids)), [label or None for _, label in given])
            elif what == "remove":
                gallery.remove(list(map(str, given)))
            elif what == "ask":
                assert listed(gallery) == scanned(gallery)
            elif what != "add":
                gallery.close()
                if what == "lose the file":
                    (path / NAMES).unlink(missing_ok=True)
                gallery = Gallery.open(path)
        assert listed(gallery) == scanned(gallery)
        gallery.verify()
        gallery.close()


def damage(path: Path, change: Callable[[bytearray], bytes | bytearray | None]) -> None:
    content = bytearray(path.read_bytes())
    path.write_bytes(change(content) or content)


FORGED = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "truncated in its head": lambda path: damage(path, lambda content: content[:100]),
    "truncated": lambda path: damage(path, lambda content: content[:-7]),
    "longer": lambda path: damage(path, lambda content: content + b"more"),
    "a slot altered": lambda path: damage(path, lambda content: content.__setitem__(513, 9)),
    "a label altered": lambda path: damage(path, lambda content: content.__setitem__(-1, 9)),
    "its head altered": lambda path: damage(path, lambda content: content.__setitem__(30, 57)),
    "its head no object": lambda path: damage(path, lambda content: b"[]" + content[2:]),
    "of another format": lambda path: damage(
        path, lambda content: content.replace(b'"format": 1', b'"format": 2')
    ),
    "a directory": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_file_that_is_damaged_is_made_again(path: Path, forge: Callable[[Path], object]) -> None:
    before = listed_at(path)
    forge(path / NAMES)
    assert listed_at(path) == before
    if (path / NAMES).is_file():
        healed = read_names(path)
        assert healed is not None
        assert len(healed.slots) == 60  # as `gallery` has
    with Gallery.open(path) as gallery:
        gallery.verify()


def test_a_file_of_an_earlier_state_catches_up(path: Path, tmp_path: Path, monkeypatch) -> None:
    shutil.copy(path / NAMES, tmp_path)
    with Gallery.open(path) as gallery:
        gallery.remove([f"r{i:02}" for i in range(10)])
        gallery.add(["r11", "new"], vectors(2), ["other", "0"])
        expected = scanned(gallery)
    shutil.copy(tmp_path / NAMES, path)
    monkeypatch.setattr(Names, "made", None)  # would read all rows
    assert listed_at(path) == expected


def test_a_file_that_the_removal_log_no_longer_reaches_is_made_again(
    path: Path, tmp_path: Path, monkeypatch
) -> None:
    shutil.copy(path / NAMES, tmp_path)
    monkeypatch.setattr(changes, "MIN_KEPT", 0)
    with Gallery.open(path) as gallery:
        gallery.remove([f"r{i:02}" for i in range(40)])  # of which the log keeps the last 20
        expected = scanned(gallery)
    shutil.copy(tmp_path / NAMES, path)
    assert listed_at(path) == expected


def test_a_file_of_a_later_state_or_of_another_gallery_is_not_used(
    path: Path, tmp_path: Path
) -> None:
    before = listed_at(path)
    for count in (3, 60, 90):  # as many references too, but others
        with Gallery.create(tmp_path / f"{count}", dim=4, fingerprint="a") as other:
            other.add([str(i) for i in range(count)], vectors(count), ["x"] * count)
        shutil.copy(tmp_path / f"{count}" / NAMES, path)
        assert listed_at(path) == before


def test_a_file_that_fits_in_all_but_its_rows_is_found_by_verify(path: Path) -> None:
    names = read_names(path)
    assert names is not None
    write_names(path, replace(names, codes=names.codes[::-1].copy()))
    with Gallery.open(path) as gallery, pytest.raises(StoreError, match=r"names' does not match"):
        gallery.verify()
    (path / NAMES).unlink()
    with Gallery.open(path) as gallery:
        gallery.verify()


def test_a_gallery_of_an_earlier_likewise_gets_the_file_where_groups_are_asked_for(
    path: Path,
) -> None:
    (path / NAMES).unlink()
    with Gallery.open(path) as gallery:
        gallery.add(["one more"], vectors(1), ["0"])
        assert "two more" not in gallery
        assert (gallery.count_groups(), gallery.count_unlabelled()) == (5, 0)
    assert not (path / NAMES).exists()
    with Gallery.open(path) as gallery:
        assert gallery.labels["0"] == 60 // 5 + 1
    assert (path / NAMES).exists()


def test_a_copy_has_the_file(path: Path, tmp_path: Path) -> None:
    back_up(path, tmp_path / "copy")
    assert read_names(tmp_path / "copy") is not None
    assert listed_at(tmp_path / "copy") == listed_at(path)


def test_groups_and_small_changes_need_neither_the_vectors_nor_the_whole_file(
    path: Path, monkeypatch
) -> None:
    with Gallery.open(path) as gallery:
        gallery.add([f"s{i}" for i in range(100)], np.ones((100, 4), np.float32), ["s"] * 100)
    monkeypatch.setattr(current, "DerivedIndex", None)  # would read the vectors
    monkeypatch.setattr(Database, "prove_sound", None)  # would read everything
    with Gallery.open(path) as gallery:
        gallery.add(["new", "r00"], vectors(2), ["0", "s"])
        gallery.add(["newer"], vectors(1), ["0"])
        assert gallery.remove(["r01", "unknown"]) == 1
        assert "newest" not in gallery
        assert (gallery.labels["0"], gallery.labels["s"]) == (12 - 1 + 2, 101)  # r00 changed group
        assert listed(gallery) == scanned(gallery)


def test_an_id_that_an_altered_index_hides_is_never_taken_for_absent(path: Path) -> None:
    store = path / "references.sqlite"
    content, refusals = store.read_bytes(), []
    places = [place for place in range(len(content)) if content[place : place + 3] == b"r42"]
    assert len(places) >= 2  # in the row, and in the index of ids
    for place in places:
        altered = bytearray(content)
        altered[place + 2] ^= 0x40
        store.write_bytes(altered)
        try:
            with Gallery.open(path) as gallery:
                assert "r42" in gallery  # what was altered is on a page that is no longer used
        except StoreError as error:
            refusals.append(str(error))
    assert any("its index of ids lacks 'r42'" in refusal for refusal in refusals)


KILLED = """
import os, sys
import numpy as np
from index.gallery import Gallery
from index.search import derived, names

def dies(*_):
    os.kill(os.getpid(), 9)

if sys.argv[2] == "after the names":
    derived.DerivedIndex.write = dies
else:
    names.write_names = dies
gallery = Gallery.open(sys.argv[1])
gallery.search(np.ones((1, 4), np.float32), 1)
gallery.labels
gallery.remove([f"r{i:02}" for i in range(20)])
gallery.add([f"s{i}" for i in range(30)], np.ones((30, 4), np.float32), ["s"] * 30)
gallery.close()
"""


@pytest.mark.costly
@pytest.mark.parametrize("when", ["before the names", "after the names"])
def test_a_kill_between_the_derived_files_does_no_harm(path: Path, when: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), when], cwd=ROOT, env={**os.environ}, check=False
    )
    assert done.returncode == -9
    with Gallery.open(path) as gallery:
        assert listed(gallery) == scanned(gallery)
        assert gallery.labels["s"] == 30
        assert gallery.search(vectors(1), 5).labels.tolist() == [["s"] * 5]
        gallery.verify()
