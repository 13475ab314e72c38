"""A backup of a gallery during changes is complete and of one moment, or does not exist."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index import backup
from index import gallery as module
from index.backup import back_up
from index.decision import CheckOptions
from index.errors import GalleryError, StoreError
from index.gallery import Gallery
from index.references.local import Store
from index.replacement import replacement
from index.storage.directory import STORE, copy_directory

ROOT = Path(module.__file__).parents[1]
BATCH = 20

# Adds and removes batches of twenty, and calibrates after each: the operating point says what the
# generation was, and its evidence is as long as that number.
WRITER = """
import sys
import numpy as np
from index.gallery import Gallery
from index.operating_point import OperatingPoint
with Gallery.open(sys.argv[1]) as gallery:
    batch = 0
    while True:
        ids = [f"{batch}/{i}" for i in range(20)]
        gallery.add(ids, np.full((20, 2), batch, np.float32), [f"b{batch % 9}"] * 20)
        if batch >= 30:
            gallery.remove([f"{batch - 30}/{i}" for i in range(20)])
        now = gallery.generation
        point = OperatingPoint(threshold=0.5, generation=now)
        gallery.points.store("now", point, unknown=np.zeros(now, np.float32))
        if batch == 0:
            print("writing", flush=True)
        batch += 1
"""


def started(script: str, *arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def assert_of_one_moment(path: Path) -> None:
    with Gallery.open(path) as copy:
        copy.verify()
        batches = [id.split("/")[0] for id in copy.ids()]
        assert len(batches) == BATCH * len(set(batches))
        generation, known = copy.generation, copy.points["now"].generation
        assert known is not None
        assert known <= generation <= known + 2  # an adding and a removal later comes the next
        assert (
            copy.points.evidence("now").p_values(np.zeros(1, np.float32)) == 1.0
        )  # its evidence is there
        assert len(np.load(next(path.glob("evidence-*.npy")))) == known
        assert len(list(path.glob("evidence-*.npy"))) == 1


@pytest.mark.costly
def test_every_copy_of_a_gallery_that_a_process_writes_to_is_of_one_moment(tmp_path):
    path = tmp_path / "gallery"
    Gallery.create(path, dim=2, fingerprint="a").close()
    writer = started(WRITER, path)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        states = []
        with Gallery.open(path) as watched:
            for i in range(8):
                states.append(back_up(path, tmp_path / f"copy{i}"))
                while watched.generation == states[-1].generation:  # until the writer has gone on
                    assert writer.poll() is None
    finally:
        writer.kill()
        writer.communicate()
    assert len({state.generation for state in states}) == 8
    for i in range(8):
        assert_of_one_moment(tmp_path / f"copy{i}")


def test_a_copy_is_of_the_snapshot_that_is_held_not_of_what_was_committed_since(gallery, tmp_path):
    store = Store(gallery.path / "references.sqlite")
    with store.reading() as state:
        gallery.remove([f"r{i:02}" for i in range(10)])
        store.copy_to(tmp_path / "copy.sqlite")
    store.close()
    copy = Store(tmp_path / "copy.sqlite")
    assert (copy.state(), copy.state().count, len(gallery)) == (state, 60, 50)
    copy.close()


def test_a_copy_answers_as_the_gallery_does_and_its_index_is_ready(gallery, tmp_path):
    queries = np.random.default_rng(1).normal(size=(9, 4)).astype(np.float32)
    back_up(gallery.path, tmp_path / "deep" / "copy")
    assert (tmp_path / "deep" / "copy" / "vectors.faiss").exists()
    with Gallery.open(tmp_path / "deep" / "copy") as copy:
        assert copy.points.all() == gallery.points.all()
        assert copy.get("r42").metadata == {"place": 42}
        assert copy.check(queries, CheckOptions(k=3)) == gallery.check(queries, CheckOptions(k=3))


def test_an_existing_target_is_refused_and_left_alone(gallery, tmp_path):
    target = tmp_path / "precious"
    target.write_text("mine")
    with pytest.raises(GalleryError, match=r"precious' exists already: give the copy another"):
        back_up(gallery.path, target)
    assert target.read_text() == "mine"


def test_a_full_disk_names_the_target_and_leaves_nothing(gallery, tmp_path, monkeypatch):
    (gallery.path / "model").mkdir()
    (gallery.path / "model" / "model.json").write_text("{}")

    def full(source: Path, target: Path, **_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), source, None, target)

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space left") as output:
        back_up(gallery.path, tmp_path / "copy")
    assert output.value.filename == str(tmp_path / "copy")
    assert not list(tmp_path.glob("*copy*"))


def test_references_that_do_not_fit_do_not_name_the_draft(gallery, tmp_path):
    references = gallery.path / STORE
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (references.stat().st_size // 2, limits[1]))
    try:
        with pytest.raises(StoreError) as refused:
            back_up(gallery.path, tmp_path / "copy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert re.fullmatch(f"Cannot copy '{references}': [a-zI/O ]+\\.", str(refused.value))
    assert not list(tmp_path.glob("*copy*"))


def test_a_copied_model_can_be_read_by_those_who_read_the_rest(gallery, tmp_path):
    model = gallery.path / "model"
    model.mkdir()
    (model / "model.json").write_text("{}")
    (model / "model.json").chmod(0o600)
    back_up(gallery.path, tmp_path / "copy")
    modes = {
        (tmp_path / "copy" / file).stat().st_mode for file in ("gallery.json", "model/model.json")
    }
    assert len(modes) == 1


def test_a_target_within_the_gallery_is_refused(gallery, tmp_path):
    with pytest.raises(GalleryError, match="is inside the gallery"):
        back_up(gallery.path, gallery.path / "copy")
    assert not (gallery.path / "copy").exists()


def test_what_is_not_a_gallery_leaves_nothing_behind(tmp_path):
    (tmp_path / "folder").mkdir()
    for wrong in ("absent", "folder"):
        with pytest.raises(GalleryError):
            back_up(tmp_path / wrong, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_an_altered_gallery_is_not_copied_and_nothing_is_left(gallery, tmp_path):
    gallery.close()
    path = gallery.path / "references.sqlite"
    content = bytearray(path.read_bytes())
    place = content.index(b"r42")
    content[place : place + 3] = b"x42"
    path.write_bytes(content)
    before = set(tmp_path.iterdir())
    with pytest.raises(StoreError, match=r"is incomplete .*altered.*likewise doctor"):
        back_up(gallery.path, tmp_path / "copy")
    assert set(tmp_path.iterdir()) == before


def model_of(folder: Path, fingerprint: str) -> Path:
    folder.mkdir()
    (folder / "model.json").write_text(json.dumps({"fingerprint": fingerprint}))
    return folder


def upgraded(path: Path, model: Path) -> None:
    with (
        Gallery.open(path) as old,
        replacement(old, dim=2, fingerprint="new", operating_points={}, model=model) as new,
    ):
        new.add(["a"], np.zeros((1, 2), np.float32), ["x"])


@pytest.fixture
def to_upgrade(tmp_path: Path) -> Path:
    """A gallery with the model `old`, and beside it the model `new`."""
    old, _ = model_of(tmp_path / "old", "old"), model_of(tmp_path / "new", "new")
    path = tmp_path / "gallery"
    with Gallery.create(path, dim=2, fingerprint="old", model=old) as gallery:
        gallery.add(["a"], np.ones((1, 2), np.float32), ["x"])
    return path


@pytest.mark.parametrize("step", ["copy_directory", "open_store", "_copied_manifest"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_copy_during_an_upgrade_has_the_model_that_made_its_vectors(
    to_upgrade, tmp_path, monkeypatch, step, moment
):
    real = getattr(backup, step)
    once = iter([True])

    def interrupted(*args: Any, **options: Any) -> Any:
        if moment == "before" and next(once, False):
            upgraded(to_upgrade, tmp_path / "new")
        result = real(*args, **options)
        if moment == "after" and next(once, False):
            upgraded(to_upgrade, tmp_path / "new")
        return result

    monkeypatch.setattr(backup, step, interrupted)
    back_up(to_upgrade, tmp_path / "copy")
    assert next(once, None) is None  # the upgrade did fall within the backup
    described = json.loads((tmp_path / "copy" / "model" / "model.json").read_text())
    with Gallery.open(tmp_path / "copy") as copy:
        assert copy.fingerprint == described["fingerprint"] == "new"
        np.testing.assert_array_equal(copy.get("a").vector, [0, 0])


def test_a_copy_whose_model_vanishes_while_it_is_copied_is_made_again(
    to_upgrade, tmp_path, monkeypatch
):
    real = copy_directory
    once = iter([True])

    def vanishing(source: Path, target: Path) -> None:
        if next(once, False):
            upgraded(to_upgrade, tmp_path / "new")
            target.mkdir()
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(source))
        real(source, target)

    monkeypatch.setattr(backup, "copy_directory", vanishing)
    back_up(to_upgrade, tmp_path / "copy")
    assert "new" in (tmp_path / "copy" / "model" / "model.json").read_text()


@pytest.mark.parametrize("content", ['{"fingerprint": "other"}', "[]", "no JSON"])
def test_a_copy_beside_another_model_than_its_vectors_have_is_refused(
    to_upgrade, tmp_path, content
):
    (to_upgrade / "model" / "model.json").write_text(content)
    with pytest.raises(StoreError, match=r"is incomplete .*model.*likewise doctor"):
        back_up(to_upgrade, tmp_path / "copy")
    assert not list(tmp_path.glob("*copy*"))


READ_ONLY = """
import os, sys
from pathlib import Path
from index.backup import back_up
if os.geteuid() == 0:  # whom no mode stops
    os.setgid(65534)
    os.setuid(65534)
print(back_up(Path(sys.argv[1]), Path(sys.argv[2])).count)
"""


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that every user may enter; pytest closes its own to others at each start."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.mark.costly
@pytest.mark.parametrize("written", ["closed", "being written to"])
def test_a_gallery_that_may_only_be_read_is_copied(open_path, written):
    path, target = open_path / "gallery", open_path / "target"
    target.mkdir()
    target.chmod(0o777)
    writer = Gallery.create(path, dim=2, fingerprint="a")
    writer.add(["a", "b"], np.eye(2, dtype=np.float32), ["x", "y"])
    if written == "closed":
        writer.close()
    path.chmod(0o555)
    for file in path.iterdir():
        file.chmod(0o444)
    reader = started(READ_ONLY, path, target / "copy")
    assert reader.communicate()[0] == "2\n"
    writer.close()
    with Gallery.open(target / "copy") as copy:
        copy.add(["c"], np.ones((1, 2), np.float32), ["x"])  # the copy may be written to
        copy.verify()


KILLED = """
import importlib, os, signal, sys
from pathlib import Path
from index.backup import back_up

name, step, moment = sys.argv[3:]
module = importlib.import_module(name)
real = getattr(module, step)

def killed(*arguments):
    if moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    real(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(module, step, killed)
back_up(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.costly
@pytest.mark.parametrize(
    ("module", "step", "moment", "whole"),
    [
        ("index.backup", "_copied_manifest", "before", False),
        ("index.backup", "_copied_manifest", "after", False),
        ("index.backup", "_prove", "before", False),
        ("index.backup", "_prove", "after", False),
        ("index.storage.directory", "_take_place", "before", False),
        ("index.storage.directory", "_take_place", "after", True),
    ],
)
def test_a_backup_that_is_killed_leaves_a_whole_target_or_none(
    gallery, tmp_path, module, step, moment, whole
):
    copy = tmp_path / "copies" / "monday"
    backup = started(KILLED, gallery.path, copy, module, step, moment)
    backup.communicate()
    assert backup.returncode == -signal.SIGKILL
    [left] = copy.parent.iterdir()
    assert (left == copy) == whole
    assert left.name.startswith(".") == (not whole)
    if not whole:
        back_up(gallery.path, copy)  # removes what was left, and makes the copy
        assert list(copy.parent.iterdir()) == [copy]
    with Gallery.open(copy) as made:
        made.verify()
        assert len(made) == 60
