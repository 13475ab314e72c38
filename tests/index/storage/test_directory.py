"""A gallery's directory is created completely or not at all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from index.errors import GalleryError
from index.gallery import Gallery
from index.operating_point import OperatingPoint
from index.storage import directory

ROOT = Path(directory.__file__).parents[2]


def create(path: Path, model: Path | None = None) -> None:
    Gallery.create(path, dim=4, fingerprint="3f9a1c", model=model).close()


def test_the_model_is_copied_in(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_bytes(b"123")
    with Gallery.create(
        tmp_path / "g", dim=4, fingerprint="a", model=tmp_path / "model"
    ) as gallery:
        assert (gallery.model_path / "weights").read_bytes() == b"123"


def test_directories_above_are_made(tmp_path: Path) -> None:
    create(tmp_path / "a" / "b" / "gallery")
    assert len(Gallery.open(tmp_path / "a" / "b" / "gallery")) == 0


@pytest.mark.parametrize("kind", ["file", "directory", "gallery", "dangling link"])
def test_an_existing_path_is_refused_and_left_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "gallery"
    make: dict[str, Callable[[], object]] = {
        "file": path.touch,
        "directory": path.mkdir,
        "gallery": lambda: create(path),
        "dangling link": lambda: path.symlink_to(tmp_path / "nowhere"),
    }
    make[kind]()
    with pytest.raises(GalleryError, match="gallery' exists already"):
        create(path)
    assert [file.name for file in tmp_path.iterdir()] == ["gallery"]


def test_the_second_of_two_writers_is_refused_and_the_first_ones_files_stay(tmp_path: Path) -> None:
    def write_as_another_does() -> None:
        with directory.staged(tmp_path / "g"):
            (tmp_path / "g").mkdir()
            (tmp_path / "g" / "of the first").touch()

    with pytest.raises(GalleryError, match="exists already"):
        write_as_another_does()
    assert [path.name for path in tmp_path.rglob("*")] == ["g", "of the first"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        create(tmp_path / "gallery", model=tmp_path / "missing")
    assert list(tmp_path.iterdir()) == []


NOT_JSON = OperatingPoint.from_json({"threshold": 1, "n": object()})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dim": 0}, "`dim` must be a whole number >= 1. Received: 0"),
        ({"dim": 2.0}, "Received: 2.0"),
        ({"operating_points": {"eer": NOT_JSON}}, "plain JSON values"),
    ],
)
def test_unusable_settings_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Gallery.create(tmp_path / "g", **{"dim": 4, "fingerprint": "a", **changes})
    assert list(tmp_path.iterdir()) == []


# Dies at the n-th call of anything that touches the disk, for n = 1, 2, ... until nothing is left
# to die at or the gallery stands; prints how often it died.
KILL = """
import os, signal, sys
from pathlib import Path
from index.storage.directory import created, fill_directory

def die_at(step):
    left = step
    def hook(event, args):
        nonlocal left
        if event in ("open", "os.rename", "os.mkdir", "sqlite3.connect", "shutil.copytree"):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)

path, model = map(Path, sys.argv[1:])
died = 0
while not path.exists():
    child = os.fork()
    if child == 0:
        die_at(died + 1)
        with created(path) as staging:
            fill_directory(staging, 4, "a", {}, model)
        os._exit(0)
    died += os.WIFSIGNALED(os.waitpid(child, 0)[1])
print(died)
"""


@pytest.mark.costly
def test_a_kill_while_creating_leaves_a_whole_gallery_or_none(tmp_path: Path) -> None:
    path, model = tmp_path / "gallery", tmp_path / "model"
    model.mkdir()
    (model / "weights").write_bytes(b"123")
    died = subprocess.check_output(
        [sys.executable, "-c", KILL, str(path), str(model)], cwd=ROOT, timeout=120
    )
    assert int(died) > 5
    with Gallery.open(path) as gallery:
        assert (len(gallery), (gallery.model_path / "weights").read_bytes()) == (0, b"123")
