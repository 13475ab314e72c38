"""One writer, many readers: each sees whole transactions."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index import gallery as module
from index.errors import GalleryError, StoreError
from index.gallery import Gallery
from index.references.local import Store
from tests.writing import another_process_writes

ROOT = Path(module.__file__).parents[1]
GROUP = 5

# Every transaction brings or takes a whole group of five, all at one point of the plane.
READER = """
import sys
import numpy as np
from index.gallery import Gallery
with Gallery.open(sys.argv[1]) as gallery:
    print("ready", flush=True)
    generations = set()
    while len(generations) < int(sys.argv[2]):
        generation = gallery.generation
        counts = gallery.labels
        assert set(counts.values()) <= {5}, counts
        found = gallery.search(np.zeros((1, 2), np.float32), 5)
        assert len(set(found.labels[0])) == 1, found.labels
        assert len(set(found.distances[0])) == 1, found.distances
        assert gallery.generation >= generation
        generations.add(generation)
"""


@contextmanager
def readers(path: Path, count: int, generations: int) -> Iterator[list[subprocess.Popen[str]]]:
    arguments = [sys.executable, "-c", READER, str(path), str(generations)]
    started = [
        subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def add_group(gallery: Gallery, name: str, place: float) -> None:
    ids = [f"{name}/{i}" for i in range(GROUP)]
    gallery.add(ids, np.full((GROUP, 2), place, np.float32), [name] * GROUP)


@pytest.mark.costly
def test_reading_processes_see_whole_transactions(tmp_path: Path) -> None:
    path = tmp_path / "gallery"
    with Gallery.create(path, dim=2, fingerprint="a") as writer:
        add_group(writer, "first", 1.0)
        with readers(path, count=2, generations=8) as started:
            step = 0
            while any(process.poll() is None for process in started):
                step += 1
                add_group(writer, f"g{step % 7}", 1 / (1 + step % 5))
                if step % 3 == 0:
                    writer.remove([f"g{step % 7}/{i}" for i in range(GROUP)])
            assert [process.returncode for process in started] == [0, 0]


@pytest.mark.costly
def test_two_writing_processes_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "gallery"
    script = (
        "import sys\nimport numpy as np\nfrom index.gallery import Gallery\n"
        "with Gallery.open(sys.argv[1], timeout=60) as gallery:\n"
        "    for i in range(30):\n"
        "        gallery.add([sys.argv[2] + str(i), 'shared'], np.eye(2, dtype=np.float32),"
        " ['x', 'y'])\n"
    )
    Gallery.create(path, dim=2, fingerprint="a").close()
    started = [
        subprocess.Popen([sys.executable, "-c", script, str(path), name], cwd=ROOT) for name in "ab"
    ]
    assert [process.wait(timeout=120) for process in started] == [0, 0]
    with Gallery.open(path) as gallery:
        gallery.verify()
        assert (len(gallery), gallery.generation) == (61, 60)
        assert gallery.search(np.array([[0, 1]], np.float32), 1).ids.tolist() == [["shared"]]


def test_threads_may_share_a_gallery(gallery: Gallery) -> None:
    query = gallery.get("r42").vector[None]
    wrong: list[object] = []

    def search() -> None:
        for _ in range(30):
            result = gallery.search(query, 2)[0][0].id
            wrong.extend([result] if result != "r42" else [])

    def change() -> None:
        for i in range(30):
            gallery.add([f"t{i}"], query + 1 + i, ["t"])

    threads = [threading.Thread(target=target) for target in (search, search, change)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (wrong, len(gallery)) == ([], 90)


def test_reads_go_on_while_a_change_waits_for_another_process(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, add = threading.Event(), Store.add

    def begin(store: Store, *rows: Any) -> object:
        begun.set()
        return add(store, *rows)

    monkeypatch.setattr(Store, "add", begin)
    new = np.full((1, 4), 9, np.float32)
    with ThreadPoolExecutor(1) as thread:
        with another_process_writes(gallery.path):
            change = thread.submit(gallery.add, ["new"], new, ["9"])
            assert begun.wait(60)
            assert gallery.search(new, 1).ids.tolist() != [["new"]]
            assert (len(gallery), sum(gallery.groups().values())) == (60, 60)
        change.result()  # which would say by now that the other process did not end
    assert gallery.search(new, 1).ids.tolist() == [["new"]]


def test_a_change_or_an_end_within_a_snapshot_is_refused(gallery: Gallery) -> None:
    with gallery.snapshot():
        with pytest.raises(GalleryError, match="cannot be changed inside a snapshot"):
            gallery.remove(["r00"])
        with pytest.raises(GalleryError, match="cannot be closed inside a snapshot"):
            gallery.close()
    assert gallery.remove(["r00"]) == 1


def test_a_closed_gallery_is_not_changed(gallery: Gallery) -> None:
    gallery.close()
    with pytest.raises(StoreError, match="is closed: open the gallery again"):
        gallery.remove(["r00"])
    with Gallery.open(gallery.path) as again:
        assert len(again) == 60
