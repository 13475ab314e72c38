"""A writer removes the drafts of killed writers, but not those of running ones."""

from __future__ import annotations

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
from index.gallery import Gallery
from index.operating_point import OperatingPoint
from index.storage import drafts
from index.storage.drafts import (
    draft,
    draft_directory,
    sweep_directories,
    sweep_drafts,
    sweep_files,
)

HASH = "0123456789abcdef" * 2
LEFT = [
    ".vectors.faiss.0a1b2c3d",
    ".vectors.json.0a1b2c3d",
    ".vectors.cells.0a1b2c3d",
    ".vectors.bounds.0a1b2c3d",
    ".vectors.names.0a1b2c3d",
    ".gallery.json.0a1b2c3d",
    ".references.mark.0a1b2c3d",
    f".evidence-{HASH}.npy.0a1b2c3d",
    f".pictures-{HASH}.npy.0a1b2c3d",
]
NOT_OURS = [".vectors.faiss.old", ".DS_Store", "vectors.faiss.0a1b2c3d", ".notes.0a1b2c3d", "a.png"]


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


@pytest.fixture
def path(gallery: Gallery) -> Path:
    gallery.close()
    return gallery.path


WRITERS: dict[str, Callable[[Gallery], object]] = {
    "add": lambda gallery: gallery.add(["new"], np.zeros((1, 4), np.float32), ["x"]),
    "remove": lambda gallery: gallery.remove(["r00"]),
    "remove nothing": lambda gallery: gallery.remove(["none"]),
    "calibrate": lambda gallery: gallery.points.store("new", OperatingPoint(threshold=1.0)),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_the_next_writer_removes_what_killed_ones_left_and_nothing_else(
    path: Path, write: Callable[[Gallery], object]
) -> None:
    for name in (*LEFT, *NOT_OURS):
        (path / name).write_bytes(b"left")
    (path / f"evidence-{HASH}.npy").write_bytes(b"no point names it")
    with Gallery.open(path) as gallery:
        assert set(LEFT) < names(path)  # a reader removes nothing
        write(gallery)
    left = names(path)
    assert not left & {*LEFT, f"evidence-{HASH}.npy"}
    assert set(NOT_OURS) < left


def test_evidence_that_a_point_names_stays(path: Path) -> None:
    with Gallery.open(path) as gallery:
        unknown = np.array([0.5], np.float32)
        gallery.points.store("new", OperatingPoint(threshold=1.0), unknown=unknown)
    with Gallery.open(path) as gallery:
        gallery.remove(["r00"])
        assert gallery.points.evidence("new").unknown.tolist() == [0.5]


WRITE_AND_STAND_STILL = """
import sys
from pathlib import Path
from index.storage import drafts
with getattr(drafts, sys.argv[1])(Path(sys.argv[2])) as beside:
    if beside.is_dir():
        (beside / "gallery.json").write_text("half")
    print(beside.name, flush=True)
    sys.stdin.read()
"""


def writer(kind: str, path: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE_AND_STAND_STILL, kind, str(path)],
        cwd=Path(drafts.__file__).parents[2],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


@pytest.mark.parametrize(
    ("kind", "name", "sweep"),
    [
        ("draft", "vectors.faiss", sweep_files),
        ("draft_directory", "new.gallery", sweep_directories),
    ],
)
def test_a_draft_is_left_alone_while_its_writer_lives_and_removed_when_it_was_killed(
    tmp_path: Path, kind: str, name: str, sweep: Callable[[Path], None]
) -> None:
    process, beside = writer(kind, tmp_path / name)
    sweep(tmp_path)
    assert names(tmp_path) == {beside}
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert names(tmp_path) == {beside}
    sweep(tmp_path)
    assert names(tmp_path) == set()


def test_a_copy_or_a_new_gallery_removes_what_killed_ones_left_beside_it(
    path: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    for name in (".monday.gallery.0a1b2c3d", ".tuesday.gallery.0a1b2c3d"):
        (folder / name / "model").mkdir(parents=True)
        (folder / name / "references.sqlite-wal").write_bytes(b"half")
        (folder / name / ".vectors.faiss.0a1b2c3d").write_bytes(b"half")
    mine = folder / ".mine.0a1b2c3d"
    mine.mkdir()
    (mine / "gallery.json").write_text("{}")
    (mine / "thesis.txt").write_text("not to be lost")
    (folder / ".thursday.gallery.0a1b2c3d").mkdir()  # killed before it wrote anything
    (folder / ".empty").mkdir()
    back_up(path, folder / "wednesday.gallery")
    assert names(folder) == {"wednesday.gallery", ".mine.0a1b2c3d", ".empty"}


def test_a_copy_that_was_hidden_with_its_date_is_no_draft(path: Path, tmp_path: Path) -> None:
    for name in (".gallery.20261130", ".gallery.20261131"):
        shutil.copytree(path, tmp_path / name)
    (tmp_path / ".rows.csv.20261130").write_text("mine")
    Gallery.create(tmp_path / "another", dim=4, fingerprint="3f9a1c").close()
    sweep_drafts(tmp_path / "rows.csv")
    mine = {".gallery.20261130", ".gallery.20261131", ".rows.csv.20261130"}
    assert mine < names(tmp_path)


def test_a_draft_never_looks_like_a_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([bytes.fromhex("20261130"), bytes.fromhex("2026113a")])
    monkeypatch.setattr(os, "urandom", lambda size: next(drawn))
    with draft(tmp_path / "rows.csv") as beside:
        assert beside.name == ".rows.csv.2026113a"


def test_a_sweep_between_making_a_directory_and_locking_it_costs_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def mkdir(path: Path) -> None:
        os.mkdir(path)
        made.append(path.name)
        if len(made) == 1:
            sweep_directories(tmp_path)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with draft_directory(tmp_path / "new") as beside:
        assert beside.is_dir()
    assert len(made) == 2
    assert names(tmp_path) == set()


def test_a_draft_that_fails_leaves_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    def write() -> None:
        with draft(path) as beside:
            beside.write_text("new")
            raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        write()
    assert (names(tmp_path), path.read_text()) == ({"a"}, "old")


def test_a_directory_that_was_renamed_by_its_writer_stays(tmp_path: Path) -> None:
    with draft_directory(tmp_path / "new") as beside:
        (beside / "file").write_text("whole")
        os.rename(beside, tmp_path / "new")
    assert names(tmp_path) == {"new"}


def test_without_fcntl_as_on_windows_drafts_are_written_and_swept_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "LOCKS", False)
    (tmp_path / LEFT[0]).write_bytes(b"left")
    with draft(tmp_path / "vectors.json") as beside:
        beside.write_text("whole")
    with draft_directory(tmp_path / "new"):
        pass
    sweep_files(tmp_path)
    sweep_directories(tmp_path)
    assert names(tmp_path) == {"vectors.json"}


def test_an_error_names_the_place_and_not_the_draft(tmp_path: Path) -> None:
    place = tmp_path / "no-such-folder" / "a"
    for making in (draft, draft_directory):
        with pytest.raises(FileNotFoundError) as caught, making(place):
            pass
        assert caught.value.filename == str(place)
