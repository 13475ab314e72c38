"""A gallery that may only be read."""

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
