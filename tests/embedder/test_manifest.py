"""The manifest of a model: refusals and their messages."""

import shutil

import pytest

from embedder.errors import ModelError
from embedder.model import SHIPPED, Embedder


@pytest.fixture
def copied(tmp_path):
    """A copy of the shipped model that a test may spoil."""
    return shutil.copytree(SHIPPED, tmp_path / "model")


@pytest.mark.parametrize("name", ["model.tflite", "model.json"])
def test_an_altered_model_is_refused_by_name(copied, name):
    content = bytearray((copied / name).read_bytes())
    index = content.index(b'"seed": ') + 8 if name == "model.json" else len(content) // 2
    content[index] = ord("9") if content[index] != ord("9") else ord("8")
    (copied / name).write_bytes(content)
    with pytest.raises(ModelError, match=rf"{name} of model .*altered or damaged"):
        Embedder.load(copied)


def test_a_truncated_description_is_refused(copied):
    (copied / "model.json").write_bytes((copied / "model.json").read_bytes()[:100])
    with pytest.raises(ModelError, match="not the description of a model"):
        Embedder.load(copied)


def test_a_model_of_a_later_format_names_both_formats(copied):
    text = (copied / "model.json").read_text().replace('"format": 1', '"format": 3')
    (copied / "model.json").write_text(text)
    with pytest.raises(ModelError, match="has format 3, this likewise reads formats 1 and 2"):
        Embedder.load(copied)


def test_no_model_at_all_is_reported_plainly(tmp_path):
    with pytest.raises(ModelError, match="There is no model at"):
        Embedder.load(tmp_path)


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.tflite"])
def test_a_model_of_another_program_is_refused_with_the_command_that_imports_it(tmp_path, name):
    (tmp_path / name).write_bytes(b"something")
    with pytest.raises(ModelError, match=rf"likewise import \S*{name} --out MODEL"):
        Embedder.load(tmp_path / name)
