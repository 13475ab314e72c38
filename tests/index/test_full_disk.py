"""A full disk: reading needs no space, a change is refused with the reason, and succeeds later."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from index.backup import back_up
from index.doctor import examine
from index.errors import FullDiskError
from index.gallery import Gallery
from index.operating_point import OperatingPoint
from tests.small_disk import SmallDisk, small_disk

IDS = [f"r{i}" for i in range(50)]
VECTORS = np.random.default_rng(5).normal(size=(50, 4)).astype(np.float32)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", megabytes=4) as disk:
        yield disk


def created(path: Path) -> Gallery:
    gallery = Gallery.create(path, dim=4, fingerprint="a")
    gallery.add(IDS, VECTORS, ["x", "y"] * 25)
    return gallery


def at_rest(path: Path) -> None:
    created(path).close()


def killed(path: Path) -> None:
    if (child := os.fork()) == 0:
        created(path)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


def killed_without_the_file_of_locks(path: Path) -> None:
    killed(path)
    path.joinpath("references.sqlite-shm").unlink()


def without_an_index(path: Path) -> None:
    at_rest(path)
    for file in path.glob("vectors.*"):
        file.unlink()


STATES = [at_rest, killed, killed_without_the_file_of_locks, without_an_index]


@pytest.mark.parametrize("make", STATES, ids=lambda make: make.__name__.replace("_", " "))
def test_reading_a_gallery_needs_no_room(
    disk: SmallDisk, make: Callable[[Path], None], tmp_path: Path
) -> None:
    path = disk.path / "gallery"
    make(path)
    disk.fill()
    for _ in range(2):
        with Gallery.open(path) as gallery:
            assert gallery.search(VECTORS, 1).ids[:, 0].tolist() == IDS
            assert gallery.labels == {"x": 25, "y": 25}
            assert examine(gallery).broken == []
    assert back_up(path, tmp_path / "copy").count == 50


@pytest.mark.parametrize("make", STATES, ids=lambda make: make.__name__.replace("_", " "))
def test_a_change_on_a_full_disk_is_refused_as_that_and_goes_through_once_there_is_room(
    disk: SmallDisk, make: Callable[[Path], None]
) -> None:
    path = disk.path / "gallery"
    make(path)
    disk.fill()
    with Gallery.open(path) as gallery:
        generation = gallery.generation
        pictures = np.zeros((200, 28, 28), np.uint8)
        pictures[:] = np.random.default_rng(1).integers(0, 255, size=(200, 28, 28))
        many = [f"n{i}" for i in range(200)]
        for _ in range(2):
            with pytest.raises(FullDiskError, match=r"references\.sqlite': the disk is full"):
                gallery.add(many, np.resize(VECTORS, (200, 4)), ["z"] * 200, pictures=pictures)
        assert (gallery.generation, gallery.labels) == (generation, {"x": 25, "y": 25})
        disk.free()
        gallery.add(many, np.resize(VECTORS, (200, 4)), ["z"] * 200, pictures=pictures)
        assert gallery.labels == {"x": 25, "y": 25, "z": 200}
    with Gallery.open(path) as gallery:
        gallery.verify()
        assert len(gallery) == 250


def test_a_gallery_that_was_open_before_goes_on(disk: SmallDisk) -> None:
    with created(disk.path / "gallery") as gallery:
        disk.fill()
        assert gallery.search(VECTORS, 1).ids[:, 0].tolist() == IDS
        with Gallery.open(gallery.path) as other:
            assert len(other) == 50


def test_a_calibration_on_a_full_disk_leaves_the_points_as_they_were(disk: SmallDisk) -> None:
    with created(disk.path / "gallery") as gallery:
        gallery.points.store("first", OperatingPoint(threshold=1.0))
        disk.fill()
        with pytest.raises(OSError, match="No space left"):
            gallery.points.store(
                "second", OperatingPoint(threshold=2.0), unknown=VECTORS[:, 0] ** 2
            )
        assert list(gallery.points.all()) == ["first"]
        disk.free()
        gallery.points.store("second", OperatingPoint(threshold=2.0), unknown=VECTORS[:, 0] ** 2)
        assert list(gallery.points.all()) == ["first", "second"]
    assert not list(gallery.path.glob(".*"))


def test_a_copy_of_a_gallery_on_a_full_disk_is_refused_and_leaves_nothing(
    disk: SmallDisk, tmp_path: Path
) -> None:
    at_rest(tmp_path / "gallery")
    disk.fill()
    before = shutil.disk_usage(disk.path).free
    with pytest.raises((FullDiskError, OSError), match=r"full|No space left"):
        back_up(tmp_path / "gallery", disk.path / "copy")
    assert [file.name for file in disk.path.iterdir()] == ["filler"]
    assert shutil.disk_usage(disk.path).free == before
