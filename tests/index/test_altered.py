"""An altered store is refused by name, or answers as before."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from index.decision import CheckOptions
from index.errors import StoreError
from index.gallery import Gallery

QUERIES = np.random.default_rng(1).normal(size=(4, 4)).astype(np.float32)
NAME = "references.sqlite"

QUESTIONS: dict[str, Callable[[Gallery], object]] = {
    "size": len,
    "labels": lambda gallery: gallery.labels,
    "ids": lambda gallery: list(gallery.ids()),
    "ids of a group": lambda gallery: list(gallery.ids("3")),
    "present": lambda gallery: "r42" in gallery,
    "absent": lambda gallery: "r99" in gallery,
    "get": lambda gallery: all_of(gallery, "r17"),
    "named": lambda gallery: [
        (id, row.label, row.content) for id, row in gallery.named(["r42", "r99"]).items()
    ],
    "search": lambda gallery: gallery.search(QUERIES, 3).ids.tolist(),
    "search a group": lambda gallery: gallery.search(QUERIES, 3, label="3").ids.tolist(),
    "check": lambda gallery: gallery.check(QUERIES, CheckOptions(k=5)),
    "removal": lambda gallery: gallery.remove(["r17", "r99"]),
    "adding": lambda gallery: added(gallery),
}


def all_of(gallery: Gallery, id: str) -> object:
    got = gallery.get(id)
    assert got.picture is not None
    return got.label, got.vector.tolist(), got.metadata, got.picture.tolist(), got.content


def added(gallery: Gallery) -> object:
    gallery.add(["r42", "new"], QUERIES[:2], ["x", "y"])
    return len(gallery), sorted(gallery.ids()), gallery.search(QUERIES, 3).ids.tolist()


def outcome(path: Path, question: Callable[[Gallery], object]) -> object:
    """The answer; or "refused" if that is refused and the file is named."""
    try:
        with Gallery.open(path) as gallery:
            return question(gallery)
    except StoreError as error:
        return "refused" if str(path / NAME) in str(error) else error


def restore(path: Path, files: dict[str, bytes]) -> None:
    for file in list(path.iterdir()):
        file.unlink()
    for name, content in files.items():
        (path / name).write_bytes(content)


def flips(gallery: Gallery, count: int, seed: int, *, with_index: bool) -> set[object]:
    """Flip bytes, one place at a time; return which questions were refused at least once."""
    gallery.close()
    path = gallery.path
    files = {file.name: file.read_bytes() for file in path.iterdir()}
    if not with_index:
        files = {name: content for name, content in files.items() if "vectors" not in name}
    expected = {}
    for name, question in QUESTIONS.items():
        restore(path, files)
        expected[name] = outcome(path, question)
    assert "refused" not in expected.values()
    rng = np.random.default_rng(seed)
    refused: set[object] = set()
    answered: set[object] = set()
    for place in rng.choice(len(files[NAME]), size=count):
        name = list(QUESTIONS)[rng.integers(len(QUESTIONS))]
        altered = bytearray(files[NAME])
        altered[place] ^= int(rng.integers(1, 256))
        restore(path, {**files, NAME: bytes(altered)})
        got = outcome(path, QUESTIONS[name])
        assert got in (expected[name], "refused"), f"{name} with byte {place} altered"
        (refused if got == "refused" else answered).add(name)
    assert answered == set(QUESTIONS)
    shutil.rmtree(path)
    return refused


@pytest.mark.costly
@pytest.mark.parametrize("with_index", [True, False], ids=["with index", "without index"])
def test_flipped_bytes_are_refused_by_name_or_do_no_harm(
    gallery: Gallery, with_index: bool
) -> None:
    count = 400 if with_index else 200  # beside an index fewer questions read the altered pages
    assert len(flips(gallery, count, seed=3, with_index=with_index)) > len(QUESTIONS) / 2


@pytest.mark.slow
@pytest.mark.parametrize("with_index", [True, False], ids=["with index", "without index"])
@pytest.mark.parametrize("seed", range(2))
def test_thousands_of_flipped_bytes_are_refused_by_name_or_do_no_harm(
    gallery: Gallery, seed: int, with_index: bool
) -> None:
    flips(gallery, 1000, seed=10 + seed, with_index=with_index)


@pytest.mark.parametrize("name", ["gallery.json", NAME])
def test_a_missing_file_is_named(gallery: Gallery, name: str) -> None:
    gallery.close()
    (gallery.path / name).unlink()
    with pytest.raises(StoreError, match=name):
        Gallery.open(gallery.path)


def test_an_altered_manifest_is_named(gallery: Gallery) -> None:
    gallery.close()
    manifest = gallery.path / "gallery.json"
    manifest.write_text(manifest.read_text().replace("0.5", "0.6"))
    with pytest.raises(StoreError, match=r"gallery\.json' was altered"):
        Gallery.open(gallery.path)
