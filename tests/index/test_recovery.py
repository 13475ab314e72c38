"""An older state than the last acknowledged one is refused by name, until it is accepted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from index.backup import back_up
from index.errors import OlderStateError, StoreError
from index.gallery import Gallery
from index.recovery import accept_older
from index.references import local
from index.references.high_water import HighWater
from index.references.rows import State
from tests.eventually import eventually

STORE, LOG, MARK = "references.sqlite", "references.sqlite-wal", "references.mark"
EARLY = [f"e{i}" for i in range(20)]
LATE = [f"l{i}" for i in range(20)]


def vectors(ids: list[str]) -> np.ndarray:
    return np.stack([np.random.default_rng(list(id.encode())).normal(size=4) for id in ids]).astype(
        np.float32
    )


def contents(path: Path) -> tuple[dict[str, int], list[str]]:
    """Labels with their counts, and the nearest of each reference that was ever there."""
    with Gallery.open(path) as gallery:
        return gallery.labels, gallery.search(vectors(EARLY + LATE), 1).ids[:, 0].tolist()


@pytest.fixture
def early(tmp_path: Path) -> Path:
    """A gallery at rest with twenty references: of generation 1."""
    with Gallery.create(tmp_path / "early", dim=4, fingerprint="a") as gallery:
        gallery.add(EARLY, vectors(EARLY), ["early"] * 20)
    return tmp_path / "early"


@pytest.fixture
def killed(early: Path, tmp_path: Path) -> Path:
    """That gallery after two more changes, as a killed writer leaves it: they lie in the log."""
    with Gallery.open(Path(shutil.copytree(early, tmp_path / "living"))) as gallery:
        gallery.add(LATE, vectors(LATE), ["late"] * 20)
        gallery.remove([EARLY[0]])
        gallery._index.save()
        path = Path(shutil.copytree(gallery.path, tmp_path / "killed"))
    (path / f"{STORE}-shm").unlink()
    return path


@pytest.fixture
def ended(killed: Path, tmp_path: Path) -> Path:
    """The same after a writer that ended in order: there is no log."""
    path = Path(shutil.copytree(killed, tmp_path / "ended"))
    Gallery.open(path).close()
    assert not (path / LOG).exists()
    return path


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 0x10
    path.write_bytes(content)


def with_early(path: Path, early: Path, *names: str) -> None:
    """Put files of the earlier gallery into the place of newer ones; the log belongs to those."""
    (path / LOG).unlink(missing_ok=True)
    for name in names:
        shutil.copyfile(early / name, path / name)


def with_early_and_no_mark(path: Path, early: Path) -> None:
    with_early(path, early, STORE)
    (path / MARK).unlink()


def without_mark_or_note(path: Path) -> None:
    for name in (MARK, "vectors.json"):
        (path / name).unlink()


WAYS_BACK: dict[str, Callable[[Path, Path], object]] = {
    "the log is missing": lambda path, early: (path / LOG).unlink(),
    "the log is empty": lambda path, early: (path / LOG).write_bytes(b""),
    "the log's header is damaged": lambda path, early: flip(path / LOG, 9),
    "a frame of the first change is damaged": lambda path, early: flip(path / LOG, 60),
    "the last frame is damaged": lambda path, early: flip(path / LOG, -5),
    "the log is cut off": lambda path, early: (path / LOG).write_bytes(
        (path / LOG).read_bytes()[:-100]
    ),
    "an older file lies there": lambda path, early: with_early(path, early, STORE),
    "an older file and mark lie beside a newer note": lambda path, early: with_early(
        path, early, STORE, MARK
    ),
    "an older file lies beside a newer mark alone": lambda path, early: with_early(
        path, early, STORE, "vectors.json", "vectors.faiss"
    ),
    "an older file lies beside a newer note, and no mark": with_early_and_no_mark,
}


@pytest.fixture(params=list(WAYS_BACK.values()), ids=list(WAYS_BACK))
def set_back(request: pytest.FixtureRequest, killed: Path, early: Path) -> Path:
    request.param(killed, early)
    return killed


def test_a_killed_writer_s_changes_are_there(killed: Path, ended: Path) -> None:
    assert contents(killed) == contents(ended)
    assert contents(killed)[0] == {"early": 19, "late": 20}


def test_an_older_state_is_refused_with_the_command_that_accepts_it(
    set_back: Path, tmp_path: Path
) -> None:
    command = rf"references\.sqlite' holds .*: likewise doctor {set_back} --accept-older"
    with pytest.raises(OlderStateError, match=command):
        Gallery.open(set_back)
    with pytest.raises(OlderStateError, match=command):
        back_up(set_back, tmp_path / "copy")


def test_an_older_state_that_was_accepted_goes_on_beyond_all_that_was_lost(set_back: Path) -> None:
    state = accept_older(set_back)
    assert state.generation > 3  # of the second of the two changes that were lost
    groups, nearest = contents(set_back)
    assert groups["early"] == 20
    assert not set(nearest) & set(LATE[groups.get("late", 0) :])
    with Gallery.open(set_back) as gallery:
        assert gallery.generation == state.generation
        gallery.verify()
        gallery.add(["new"], vectors(["new"]), ["new"])
        assert gallery._store.state().last_slot > 40  # no slot of a lost reference is used again
    assert accept_older(set_back).generation == state.generation + 1  # nothing is left to accept


def test_an_accepted_state_that_was_not_older_stays_as_it_is(ended: Path) -> None:
    before = {file.name: file.read_bytes() for file in ended.iterdir()}
    assert accept_older(ended).generation == 3
    assert {file.name: file.read_bytes() for file in ended.iterdir()} == before


def test_another_change_of_the_same_number_is_refused(early: Path, ended: Path) -> None:
    with Gallery.open(early) as other:
        other.add(["x"], vectors(["x"]), ["x"])
        other.add(["y"], vectors(["y"]), ["y"])
        assert other.generation == 3
    shutil.copyfile(early / STORE, ended / STORE)
    with pytest.raises(OlderStateError, match="another change of that number"):
        Gallery.open(ended)


def test_a_change_that_was_committed_but_not_recorded_is_there(killed: Path, early: Path) -> None:
    expected = contents(Path(shutil.copytree(killed, killed.with_name("copy"))))
    shutil.copyfile(early / MARK, killed / MARK)  # a kill came between commit and record
    assert contents(killed) == expected


def test_what_an_older_likewise_left_opens_without_a_mark(killed: Path) -> None:
    without_mark_or_note(killed)
    assert contents(killed)[0] == {"early": 19, "late": 20}
    assert not (killed / MARK).exists()  # nothing was changed
    with Gallery.open(killed) as gallery:
        gallery.remove([EARLY[1]])
        assert HighWater(killed / STORE).read() == gallery._store.state()


def contents_or_refusal(path: Path) -> object:
    try:
        return contents(path)
    except StoreError as error:
        return error


@pytest.mark.costly
@pytest.mark.parametrize("name", [LOG, MARK])
def test_a_flipped_bit_of_what_keeps_the_newest_state_is_refused_or_does_no_harm(
    killed: Path, tmp_path: Path, name: str
) -> None:
    expected = contents(Path(shutil.copytree(killed, tmp_path / "whole")))
    rng, refused = np.random.default_rng(3), 0
    places = rng.choice((killed / name).stat().st_size, size=60, replace=False)
    for place in places.tolist():
        path = Path(shutil.copytree(killed, tmp_path / "flipped"))
        flip(path / name, place)
        outcome = contents_or_refusal(path)
        if outcome != expected:
            assert str(path) in str(outcome)
            refused += 1
        shutil.rmtree(path)
    assert refused > 20


def test_a_damaged_mark_is_replaced_when_the_references_are_accepted(ended: Path) -> None:
    flip(ended / MARK, 3 * 64)  # the record of generation 3
    with pytest.raises(StoreError, match=r"references\.mark', which records .* was altered"):
        Gallery.open(ended)
    accept_older(ended)
    assert contents(ended)[0] == {"early": 19, "late": 20}


def test_the_mark_of_a_writer_that_was_overtaken_does_not_hide_a_later_one(tmp_path: Path) -> None:
    mark = HighWater(tmp_path / STORE)
    mark.begin(State())
    for generation in (1, 3, 4, 2):  # the second process was held up between commit and record
        mark.write(State(generation=generation))
    assert mark.read() == State(generation=4)


def test_a_backup_has_a_mark_of_its_own(ended: Path, tmp_path: Path) -> None:
    state = back_up(ended, tmp_path / "copy")
    assert HighWater(tmp_path / "copy" / STORE).read() == state


def test_changes_leave_the_log_when_the_gallery_is_idle(
    early: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else an open server would keep what was acknowledged in the log for months."""
    monkeypatch.setattr(local, "_QUIET", 0.05)

    def is_in_the_file() -> bool:
        alone = tmp_path / "alone.sqlite"  # a copy of the file without its log
        shutil.copyfile(early / STORE, alone)
        store = local.Store(alone)
        count = store.state().count
        store.close()
        return count == 21

    with Gallery.open(early) as gallery:
        gallery.add(["new"], vectors(["new"]), ["new"])
        eventually(is_in_the_file)
        gallery.add(["again"], vectors(["again"]), ["new"])  # and it goes on


def test_a_writer_that_ends_leaves_nothing_in_the_log_of_readers_that_stay(
    early: Path, tmp_path: Path
) -> None:
    with Gallery.open(early):
        with Gallery.open(early) as writer:
            writer.add(["new"], vectors(["new"]), ["new"])
        shutil.copyfile(early / STORE, tmp_path / "alone.sqlite")
    store = local.Store(tmp_path / "alone.sqlite")
    assert store.state().count == 21
    store.close()
