"""The public names of `likewise`, imported when they are first used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import likewise
from likewise.matcher import Matcher

ROOT = Path(__file__).parents[2]
HEAVY = {"numpy", "faiss", "PIL", "click", "orjson", "embedder", "index", "ai_edge_litert"}


def test_import_likewise_loads_no_library():
    code = "import sys, likewise; print(dir(likewise)); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert not HEAVY & set(done.stdout.splitlines()[-1].split())


def test_the_embedder_never_imports_tensorflow():
    code = "import sys, likewise; likewise.Embedder.load(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "embedder.model" in done.stdout.split()
    assert not {"tensorflow", "keras"} & set(done.stdout.split())


@pytest.mark.parametrize("name", sorted(set(likewise.__all__) - {"__version__"}))
def test_every_public_name_has_a_docstring_with_an_example(name):
    assert ">>> " in (getattr(likewise, name).__doc__ or "")


@pytest.mark.parametrize("name", likewise.__all__)
def test_every_public_name_exists(name):
    assert getattr(likewise, name) is not None
    assert name in dir(likewise)


def test_a_public_name_is_the_object_itself():
    assert likewise.Matcher is Matcher
    assert likewise.open == Matcher.open


def test_a_star_import_brings_the_public_names():
    names: dict[str, object] = {}
    exec("from likewise import *", names)
    assert set(likewise.__all__) <= names.keys()


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'likewise' has no attribute 'matcher_'"):
        likewise.matcher_  # noqa: B018
