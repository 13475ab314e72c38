"""A zip is read like the folder that was packed, without unpacking it, and can do no harm."""

from __future__ import annotations

import io
import shutil
import tracemalloc
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embedder.data.sources import load, records
from embedder.data.zips import ZipLimits, zip_records
from embedder.errors import DatasetError, ImageError


def png(level: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((4, 3), level, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def packed(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def reason(path: Path, **limits: int) -> str:
    """Why the one picture of an archive cannot be read."""
    (record,) = zip_records(path, ZipLimits(**limits))
    with pytest.raises(ImageError) as error:
        record.pixels()
    return str(error.value)


def test_a_folder_and_a_zip_of_it_give_the_same_records(tmp_path):
    folder = tmp_path / "digits"
    for place, name in enumerate(["b/2.png", "a.png", "b/10.png", "a/x/1.png", ".hidden.png"]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(png(place))
    (folder / "b" / "notes.txt").write_text("no picture")
    shutil.make_archive(str(folder), "zip", folder)
    read = [
        [(record.id, record.label, record.pixels().tolist()) for record in records(source)]
        for source in (folder, f"{folder}.zip")
    ]
    assert read[0] == read[1]
    assert [id for id, *_ in read[1]] == ["a/x/1.png", "a.png", "b/10.png", "b/2.png"]


def test_a_name_is_an_id_and_never_a_path(tmp_path):
    names = ["../above.png", "/root.png", "a/../../b.png", "C:\\windows.png"]
    (tmp_path / "in").mkdir()
    path = packed(tmp_path / "in" / "evil.zip", dict.fromkeys(names, png(9)))
    read = {record.id: record.pixels().max() for record in records(path)}
    assert read == dict.fromkeys(names, 9)
    assert [made.name for made in tmp_path.rglob("*")] == ["in", "evil.zip"]


def test_names_of_an_unknown_encoding_are_read_as_code_page_437_and_told(tmp_path):
    """As Windows in Japan packs 猫/1.pgm: in Shift JIS, which nothing in the archive says."""
    name = "猫/1.pgm".encode("shift-jis")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x" * len(name), b"P5 2 1 255 01")
    content = (tmp_path / "a.zip").read_bytes().replace(b"x" * len(name), name)
    (tmp_path / "a.zip").write_bytes(content)
    read = records(tmp_path / "a.zip")
    assert [record.label for record in read] == [name.decode("cp437").partition("/")[0]]
    assert "read as code page 437" in " ".join(read.notes)


def test_archives_within_archives_are_not_followed(tmp_path):
    inner = packed(tmp_path / "inner.zip", {"deep.png": png(1)}).read_bytes()
    path = packed(tmp_path / "outer.zip", {"inner.zip": inner, "inner.png": inner, "a.png": png(2)})
    read = list(records(path))
    assert [record.id for record in read] == ["a.png", "inner.png"]
    with pytest.raises(ImageError, match="a zip archive, which is not read"):
        read[1].pixels()


def test_several_threads_may_read_one_archive(tmp_path):
    path = packed(tmp_path / "many.zip", {f"{level:03}.png": png(level) for level in range(256)})
    with ThreadPoolExecutor(8) as pool:
        levels = list(pool.map(lambda record: record.pixels().max(), records(path)))
    assert levels == list(range(256))


def test_a_damaged_member_is_one_unreadable_picture(tmp_path):
    path = packed(tmp_path / "two.zip", {"a.png": png(1) * 3, "b.png": png(2)}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[60] ^= 1  # within the first picture
    path.write_bytes(content)
    first, second = records(path)
    assert second.pixels().max() == 2
    with pytest.raises(ImageError, match="damaged in its archive"):
        first.pixels()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_method_without_a_bound_is_not_unpacked(tmp_path, method):
    assert "not packed by deflate" in reason(packed(tmp_path / "a.zip", {"a.png": png(1)}, method))


def test_an_encrypted_picture_says_so(tmp_path):
    path = packed(tmp_path / "a.zip", {"a.png": png(1)})
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert reason(path) == "encrypted in its archive"


def test_a_picture_beyond_the_limit_is_not_unpacked(tmp_path):
    path = packed(tmp_path / "a.zip", {"a.png": bytes(1000)})
    assert reason(path, picture=999) == "a file of 1000 bytes; at most 999 are read"


@pytest.mark.costly
def test_a_picture_that_grows_beyond_what_its_entry_says_is_not_unpacked(tmp_path):
    path = packed(tmp_path / "a.zip", {"a.png": bytes(64 << 20)})
    content = path.read_bytes()
    true, answer = ((size).to_bytes(4, "little") for size in (64 << 20, 1000))
    path.write_bytes(content.replace(true, answer))
    tracemalloc.start()
    assert reason(path) == "damaged in its archive"
    assert tracemalloc.get_traced_memory()[1] < 2 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"entries": 9}, r"holds 10 members, but at most 9 are read"),
        ({"entries": 1}, r"holds \d+ bytes of names, but at most 300 are read"),
        ({"bytes": 99_999}, r"holds 100000 bytes when unpacked, but at most 99999 are read"),
        ({"free": 99_999, "ratio": 50}, r"holds \d\d times its size .* but at most 50 times"),
    ],
    ids=["entries", "names", "bytes", "ratio"],
)
def test_a_bomb_is_refused_before_anything_is_unpacked(tmp_path, limits, message):
    path = packed(tmp_path / "bomb.zip", {f"{i}.png": bytes(10_000) for i in range(10)})
    with pytest.raises(DatasetError, match=message):
        zip_records(path, ZipLimits(**limits))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a readable zip archive"),
        (b"PK\x03\x04 and no more", "is not a readable zip archive"),
        (None, "should hold pictures, but holds none"),
    ],
    ids=["empty", "cut off", "no pictures"],
)
def test_what_is_not_a_zip_of_pictures_is_refused_plainly(tmp_path, content, message):
    path = packed(tmp_path / "a.zip", {"notes.txt": b"x"})
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        records(path)


@pytest.mark.costly
def test_a_damaged_zip_of_any_kind_raises_what_it_may(tmp_path, rng):
    """A thousand alterations: records or a DatasetError, pixels or an ImageError."""
    whole = packed(tmp_path / "a.zip", {f"{i}.png": png(i) for i in range(3)}).read_bytes()
    path = tmp_path / "b.zip"
    for _ in range(1000):
        content = bytearray(whole)
        for place in rng.integers(0, len(whole), rng.integers(1, 5)):
            content[place] = rng.integers(256)
        path.write_bytes(
            content[: rng.integers(1, len(whole) + 1)] if rng.random() < 0.2 else content
        )
        try:
            for record in records(path):
                record.pixels()
        except (DatasetError, ImageError):
            continue


def test_a_zip_can_be_read_whole(tmp_path):
    path = packed(tmp_path / "pets.zip", {"cat/1.png": png(1), "dog/1.png": png(2)})
    assert (load(path).labels, np.shape(load(path).images)) == (["cat", "dog"], (2, 4, 3))
    with pytest.raises(DatasetError, match="has no splits"):
        records(path, split="train")
