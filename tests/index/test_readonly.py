"""A read-only gallery."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from index import gallery as module
from index.gallery import Gallery

ROOT = Path(module.__file__).parents[1]

ASK = """
import os
import sys
import numpy as np
from index.gallery import Gallery
if os.geteuid() == 0:  # whom no mode stops
    os.setgid(65534)
    os.setuid(65534)
gallery = Gallery.open(sys.argv[1])
print(gallery.search(np.zeros((1, 2), np.float32), 2).ids.tolist(), gallery.labels)
gallery.verify()
try:
    gallery.add(["z"], np.zeros((1, 2), np.float32), ["z"])
except Exception as error:
    print(type(error).__name__, error)
gallery.close()
"""


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = Path(folder, "gallery")
        with Gallery.create(path, dim=2, fingerprint="a") as gallery:
            gallery.add(["a", "b"], np.eye(2, dtype=np.float32), ["x", "y"])
        yield path
        path.chmod(0o755)


def ask(path: Path) -> str:
    path.chmod(0o555)
    for file in path.iterdir():
        file.chmod(0o444)
    return subprocess.run(
        [sys.executable, "-c", ASK, str(path)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=120,
    ).stdout  # fmt: skip


@pytest.mark.costly
@pytest.mark.parametrize("index", ["with its index", "without its index"])
def test_a_read_only_gallery_answers_and_refuses_changes_plainly(path: Path, index: str) -> None:
    if index == "without its index":
        for file in path.glob("vectors.*"):
            file.unlink()
    answer, refusal = ask(path).splitlines()
    assert answer == "[['a', 'b']] {'x': 1, 'y': 1}"
    assert refusal.startswith("ReadOnlyError Cannot change '")
    assert "read-only" in refusal


@pytest.mark.costly
def test_a_read_only_gallery_answers_while_another_user_writes(path: Path) -> None:
    with Gallery.open(path) as writer:
        writer.add(["c"], np.full((1, 2), 9, np.float32), ["x"])
        assert ask(path).startswith("[['a', 'b']] {'x': 2, 'y': 1}")
        path.chmod(0o755)
        for file in path.iterdir():
            file.chmod(0o644)


FOLLOW = """
import os
import sys
import numpy as np
from index.gallery import Gallery
if sys.argv[2] == "nobody" and os.geteuid() == 0:  # whom no mode stops
    os.setgid(65534)
    os.setuid(65534)
gallery = Gallery.open(sys.argv[1])
for line in sys.stdin:
    near = gallery.search(np.zeros((1, 2), np.float32), 1)
    print(gallery.generation, sorted(gallery.ids()), near.ids[0, 0], flush=True)
"""
AS_NOBODY = "import os\nos.setgid(65534)\nos.setuid(65534)\n" if os.geteuid() == 0 else ""


class Reader:
    """Another user who may not write the gallery, in a process of its own."""

    def __init__(self, path: Path, *wrapped: str) -> None:
        modes = {place: place.stat().st_mode for place in (path, *path.iterdir())}
        if os.geteuid() != 0:  # then only the modes of this moment keep it from writing
            path.chmod(0o555)
            for file in path.iterdir():
                file.chmod(0o444)
        self._process = subprocess.Popen(
            [*wrapped, sys.executable, "-c", FOLLOW, str(path), "root" if wrapped else "nobody"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.ask()
        for place, mode in modes.items():
            place.chmod(mode)

    def ask(self) -> str:
        """Its generation, all ids, and the nearest of the origin."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        self._process.communicate()


WRITE = """
import os, sys
import numpy as np
from index.gallery import Gallery
gallery = Gallery.open(sys.argv[1])
name = sys.argv[2]
gallery.remove([f"{int(name) - 1}"])
gallery.add([name], np.full((1, 2), 0.5 / float(name), np.float32), ["x"])
print("done", flush=True)
if sys.argv[3] == "ends":
    gallery.close()
elif sys.argv[3] == "is killed":
    os.kill(os.getpid(), 9)
sys.stdin.read()
"""


def write(path: Path, number: int, fate: str) -> subprocess.Popen[str]:
    """Remove the reference `number - 1`, add `number`, and end, be killed, or stay open."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITE, str(path), str(number), fate],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert writer.stdout is not None
    assert writer.stdout.readline() == "done\n"
    if fate != "stays":
        writer.communicate()
    return writer


FATES = [
    ("ends", "ends", "ends"),
    ("stays", "ends", "stays", "ends"),
    ("is killed", "is killed", "ends", "is killed"),
]


def follow(path: Path, reader: Reader, fates: tuple[str, ...]) -> None:
    """Have writers come and go, and hold the reader to each change at its next answer."""
    staying = []
    for number, fate in enumerate(fates, 1):
        staying.append(write(path, number, fate))
        generation = 2 * number  # after one addition, then a removal and an addition each time
        assert reader.ask() == f"{generation} {sorted(['a', 'b', str(number)])} {number}"
    for writer in staying:
        writer.communicate()
    assert reader.ask().startswith(str(2 * len(fates)))
    reader.close()


@pytest.mark.slow
@pytest.mark.parametrize("fates", FATES, ids=", ".join)
def test_a_reader_who_may_not_write_sees_every_change_at_its_next_answer(
    path: Path, fates: tuple[str, ...]
) -> None:
    follow(path, Reader(path), fates)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount; other users: the test above")
def test_a_reader_on_a_read_only_mount_sees_every_change_at_its_next_answer(path: Path) -> None:
    mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    follow(path, Reader(path, "unshare", "-m", "sh", "-c", mount, str(path)), FATES[1])
