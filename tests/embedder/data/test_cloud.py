"""Pictures in cloud storage: the same records as of a folder on disk, and plain errors."""

from __future__ import annotations

import errno
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedder.data.cloud import is_cloud, picture_at
from embedder.data.label_rule import LabelRule
from embedder.data.sources import load, records
from embedder.errors import DatasetError, ImageError
from tests.cloud_storage import png

pytestmark = pytest.mark.costly


@pytest.fixture
def folder(tmp_path, rng) -> Path:
    """Two groups of pictures, with what lies beside pictures in real folders."""
    files = {
        **{f"{label}/{place}.png": png(rng.integers(0, 256, (9, 7), np.uint8))
           for label in ("cat", "dog") for place in range(20)},
        "cat/plain": png(np.zeros((5, 5), np.uint8)),
        "dog/README": b"about dogs",
        "notes.txt": b"notes",
        ".hidden/a.png": b"x",
        "dog/.b.png": b"x",
        "dog/broken.png": b"not a picture",
    }  # fmt: skip
    for name, content in files.items():
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "pets"


def uploaded(s3, folder: Path) -> str:
    s3.put(str(folder) + "/", "bucket/pets/", recursive=True)
    s3.invalidate_cache()
    return "s3://bucket/pets"


def seen(stream) -> list[tuple[str, str | None, Any]]:
    """Ids, labels, and pixels or why there are none."""
    rows: list[tuple[str, str | None, Any]] = []
    for record in stream:
        try:
            rows.append((record.id, record.label, record.pixels().tolist()))
        except ImageError as error:
            rows.append((record.id, record.label, str(error)))
    return rows


def test_a_folder_in_the_cloud_is_read_as_the_folder_on_disk(s3, folder):
    address = uploaded(s3, folder)
    here, there = records(folder), records(address + "/")
    assert there.count() == here.count() == 42
    assert there.notes[0] == here.notes[0].replace(str(folder), f"{address}/")
    assert "2 hidden files" in there.notes[1]
    assert "2 files not named as a picture (1 without an ending, 1 .txt)" in there.notes[1]
    assert seen(there) == seen(here)


def test_labels_and_splits_follow_the_same_rules(s3, folder):
    address = uploaded(s3, folder.parent)
    rule = LabelRule(level=2)
    assert [r.label for r in records(address, rule=rule)] == [
        r.label for r in records(folder.parent, rule=rule)
    ]
    with pytest.raises(DatasetError, match="has no splits"):
        records(address, split="train")


def test_a_data_set_in_the_cloud_can_be_loaded_whole(s3, folder):
    (folder / "dog/broken.png").unlink()
    address = uploaded(s3, folder)
    assert load(address).digest == load(folder).digest


def test_a_list_names_pictures_beside_it_and_by_address(s3, tmp_path, rng):
    pictures = rng.integers(0, 256, (3, 6, 6), np.uint8)
    s3.pipe({f"bucket/a/{i}.png": png(picture) for i, picture in enumerate(pictures)})
    s3.pipe("bucket/a/list.csv", b"path,label\n0.png,x\ns3://bucket/a/1.png,y\n../a/2.png,z\n")
    stream = list(records("s3://bucket/a/list.csv"))
    assert [record.label for record in stream] == ["x", "y", "z"]
    assert [record.id for record in stream] == ["0.png", "s3://bucket/a/1.png", "../a/2.png"]
    assert all((r.pixels() == p).all() for r, p in zip(stream, pictures, strict=True))


def test_a_list_on_disk_names_pictures_by_address(s3, tmp_path):
    s3.pipe("bucket/1.png", png(np.eye(5, dtype=np.uint8)))
    (tmp_path / "list.csv").write_text("path,label\ns3://bucket/1.png,one\n")
    [record] = records(tmp_path / "list.csv")
    assert (record.pixels() == np.eye(5)).all()


def test_an_archive_and_one_picture_are_read_from_the_cloud(s3, folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, path.relative_to(folder))
    s3.put_file(str(tmp_path / "pets.zip"), "bucket/pets.zip")
    assert seen(records("s3://bucket/pets.zip")) == seen(records(tmp_path / "pets.zip"))
    s3.pipe("bucket/one.png", png(np.eye(5, dtype=np.uint8)))
    [record] = records("s3://bucket/one.png")
    assert (record.id, record.label) == ("s3://bucket/one.png", None)


def test_the_label_of_one_picture_is_read_from_its_address(s3, tmp_path):
    (tmp_path / "seven_1.png").write_bytes(png(np.eye(5, dtype=np.uint8)))
    s3.put_file(str(tmp_path / "seven_1.png"), "bucket/seven_1.png")
    rule = LabelRule(pattern=r"(?P<label>[a-z]+)_1\.png$")
    for source in (str(tmp_path / "seven_1.png"), "s3://bucket/seven_1.png"):
        assert [record.label for record in records(source, rule=rule)] == ["seven"]


def test_copies_of_files_go_with_the_records(s3, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    s3.pipe("bucket/list.csv", b"path,label\n0.png,x\n")
    stream = records("s3://bucket/list.csv")
    assert stream.count() == 1
    del stream
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("s3://bucket/none", "There is nothing at s3://bucket/none: check the address"),
        ("s3://other/x", "There is nothing at s3://other/x"),
        ("s3://bucket/*.png", "is a pattern, which cloud storage does not know: name the folder"),
        ("nowhere://a/b", "nowhere://a/b is not in storage that can be read: Protocol not known"),
        ("gs://bucket/x", "gs://bucket/x needs a driver that is not installed: .*gcsfs"),
    ],
)
def test_an_address_without_pictures_is_refused_by_name(s3, address, message):
    with pytest.raises(DatasetError, match=message.replace("*.", r"\*\.")):
        records(address)


def test_an_error_in_a_copied_file_names_its_address(s3):
    s3.pipe("bucket/bad.csv", b"colour\nred\n")
    with pytest.raises(DatasetError, match=r"^s3://bucket/bad.csv should begin with a header"):
        records("s3://bucket/bad.csv")


def test_a_picture_that_is_gone_is_an_unreadable_one(s3, folder):
    stream = records(uploaded(s3, folder))
    s3.rm("bucket/pets/cat/3.png")
    rows = {id: pixels for id, _, pixels in seen(stream)}
    assert rows["cat/3.png"] == "not found in its storage"
    assert isinstance(rows["cat/4.png"], list)


def test_a_picture_can_be_read_by_another_process_that_gets_its_name(s3, folder):
    picture = next(records(uploaded(s3, folder))).image
    sent = pickle.loads(pickle.dumps(picture))
    assert sent.read_bytes() == (folder / "cat/0.png").read_bytes()


def test_storage_that_cannot_be_reached_is_an_error_of_the_whole(s3, folder, monkeypatch):
    """Not of each picture: a network that is down must not look like pictures that are damaged."""
    import s3fs

    stream = records(uploaded(s3, folder))
    first = next(stream)
    monkeypatch.setattr(s3fs.S3FileSystem, "_cat_file", unreachable)
    with pytest.raises(DatasetError, match=r"Cannot reach s3://bucket/pets/.* \(OSError: down\)"):
        first.pixels()


async def unreachable(self, *arguments, **options):
    raise OSError("down")


@pytest.mark.parametrize("error", [PermissionError("expired"), PermissionError("denied")])
def test_what_must_not_be_read_is_an_error_of_the_whole(s3, folder, monkeypatch, error):
    """Credentials may expire in the middle: that must not look like damaged pictures."""
    import s3fs

    async def refused(self, *arguments, **options):
        raise error

    first = next(records(uploaded(s3, folder)))
    monkeypatch.setattr(s3fs.S3FileSystem, "_cat_file", refused)
    with pytest.raises(DatasetError, match=r"Cannot reach .* \(PermissionError: "):
        first.pixels()


NAMES = [
    "br[1].png", "d[1]/a.png", "star*.png", "what?.png", "a::b.png", "a b#%+&.png", "größe.png"
]  # fmt: skip


def test_names_that_mean_more_to_a_shell_are_names(s3, tmp_path, rng):
    pictures = {name: rng.integers(0, 256, (3, 3), np.uint8) for name in NAMES}
    for name, picture in pictures.items():
        s3.pipe_file(f"bucket/odd/{name}", png(picture))
    stream = list(records("s3://bucket/odd"))
    assert sorted(record.id for record in stream) == sorted(NAMES)
    assert all((record.pixels() == pictures[record.id]).all() for record in stream)
    for name, picture in pictures.items():
        [record] = records(f"s3://bucket/odd/{name}")
        assert (record.pixels() == picture).all()


def test_empty_files_without_an_ending_are_passed_over(s3):
    s3.pipe({"bucket/a/one": png(np.eye(3, dtype=np.uint8)), "bucket/a/_SUCCESS": b""})
    assert [record.id for record in records("s3://bucket/a")] == ["one"]


def test_an_address_of_no_storage_is_one_unreadable_picture_of_a_list(tmp_path, s3):
    s3.pipe("bucket/1.png", png(np.eye(5, dtype=np.uint8)))
    (tmp_path / "list.csv").write_text("path\nS3://bucket/1.png\nfoo://x/1.png\n")
    first, second = records(tmp_path / "list.csv")
    assert (first.pixels() == np.eye(5)).all()
    with pytest.raises(ImageError, match="not in storage that can be read"):
        second.pixels()


def test_a_full_temporary_folder_is_named(s3, monkeypatch):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    s3.pipe("bucket/list.csv", b"path\na.png\n")
    monkeypatch.setattr(s3, "get_file", full)
    with pytest.raises(DatasetError, match=r"temporary folder .* has no room for s3://bucket"):
        records("s3://bucket/list.csv")


def test_without_fsspec_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(DatasetError, match=r"pip install 'likewise\[cloud\]'"):
        picture_at("s3://bucket/1.png")


@pytest.mark.parametrize("name", ["scans/1.png", "/a//b", "C:\\a", "postgresql://h/d#n", "mnist"])
def test_paths_are_not_addresses(name):
    assert not is_cloud(name)
    assert picture_at(name) == Path(name)
