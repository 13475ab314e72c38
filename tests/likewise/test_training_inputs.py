"""What a training reads is named in any form, and what it passes over is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from embedder.data.sources import records
from embedder.errors import DatasetError, UnlabelledError
from embedder.model import Embedder
from likewise import further, training
from likewise.joins import UnmatchedLabelsError

BROKEN = b"\x89PNG, and no more"


@pytest.fixture
def digits(tmp_path) -> Path:
    """Ten of each of two digits, a folder per label."""
    folder = tmp_path / "digits"
    for label in ("3", "7"):
        (folder / label).mkdir(parents=True)
        chosen = [record for record in records("mnist/test") if record.label == label][:10]
        for place, record in enumerate(chosen):
            Image.fromarray(record.pixels()).save(folder / label / f"{place}.png")
    return folder


def transfer(data, out, test, **settings):
    """Train for a step; what was told."""
    told: list[str] = []
    backbone: dict[str, Any] = {"backbone": "digits", "steps": 1}
    training.train(data, out, "transfer", test=test, tell=told.append, **backbone, **settings)
    return told


@pytest.mark.costly
def test_data_and_model_are_named_by_paths_or_texts(tmp_path, digits):
    transfer(digits, str(tmp_path / "model"), digits)
    assert Embedder.load(tmp_path / "model").metadata["figures"]["test"]["queries"] == 20


@pytest.mark.costly
def test_a_test_picture_that_cannot_be_read_is_told(tmp_path, digits):
    (digits / "7" / "broken.png").write_bytes(BROKEN)
    told = transfer(digits, tmp_path / "model", str(digits))
    passed_over = [sentence for sentence in told if sentence.startswith("Passed over: 1 picture.")]
    assert len(passed_over) == 2  # of the data, and of the test pictures


def test_a_kept_picture_that_cannot_be_read_is_told(digits):
    (digits / "7" / "broken.png").write_bytes(BROKEN)
    told: list[str] = []
    kept = further._kept(Embedder.load(), str(digits), told.append)
    assert kept is not None
    assert len(kept) == 20
    assert told[-1].startswith("Passed over: 1 picture. 7/broken.png cannot be read")


@pytest.mark.parametrize("goes_on", [False, True])
def test_test_pictures_that_cannot_measure_are_refused_before_the_training(
    tmp_path, digits, goes_on, monkeypatch
):
    monkeypatch.setattr(training, "_require_tensorflow", lambda: None)
    monkeypatch.setattr(training, "train_further", lambda *_, **__: pytest.fail("it began"))
    how = {"start": Embedder.load()} if goes_on else {"recipe": "transfer", "backbone": "digits"}

    def train_for(test: Path) -> None:
        training.train(digits, tmp_path / "model", test=test, **how)

    with pytest.raises(UnlabelledError, match="has no labels"):
        train_for(digits / "7" / "0.png")
    for label, spelled in (("3", "3"), ("7", "07")):
        (tmp_path / "others" / spelled).mkdir(parents=True)
        (digits / label / "0.png").rename(tmp_path / "others" / spelled / "0.png")
    with pytest.raises(UnmatchedLabelsError, match="'07'"):
        train_for(tmp_path / "others")


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "others has 2 pictures of 2 labels: add some"), (BROKEN, "cannot be read")],
)
def test_test_pictures_that_make_no_pair_or_cannot_be_read_are_refused_before_the_training(
    tmp_path, digits, content, words
):
    for label in ("3", "7"):
        (tmp_path / "others" / label).mkdir(parents=True)
        picture = (digits / label / "0.png").rename(tmp_path / "others" / label / "0.png")
        if content is not None:
            picture.write_bytes(content)
    with pytest.raises(DatasetError, match=words):
        transfer(digits, tmp_path / "model", tmp_path / "others")
    assert not (tmp_path / "model").exists()


def test_an_unknown_recipe_is_refused_with_the_known_ones(tmp_path, digits):
    with pytest.raises(ValueError, match=r"one of default, .*transfer\. Received: 'tranfser'"):
        training.train(digits, tmp_path / "model", "tranfser")
