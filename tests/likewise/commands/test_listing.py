"""A folder that a command reads is listed once, however its pictures are counted and named."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from likewise.commands.group import main

FOLDERS = {"data", "data/train", "data/train/3", "data/train/3/deep", "data/train/7"}


@pytest.fixture
def wrapped(tmp_path, queries) -> Path:
    """Digits whose labels lie two folders deep, so that every path is needed to find them."""
    pictures = {"3/a.png": 0, "3/deep/b.png": 1, "7/c.png": 2, "7/d.png": 3}
    for name, row in pictures.items():
        path = tmp_path / "data" / "train" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(queries[row].pixels()).save(path)
    return tmp_path / "data"


@pytest.fixture
def listed(tmp_path, monkeypatch) -> Counter[str]:
    """Counts how often each folder of the test is listed, by whichever function of `os`."""
    counts: Counter[str] = Counter()

    def counting(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def listing(path: Any = ".") -> Any:
            counts[os.path.relpath(os.fsdecode(path), tmp_path)] += 1
            return function(path)

        return listing

    for name in ("scandir", "listdir"):
        monkeypatch.setattr(os, name, counting(getattr(os, name)))
    return counts


def done(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def within(counts: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if name in FOLDERS}


@pytest.mark.parametrize("output", [[], ["-o", "rows.jsonl"]], ids=["to stdout", "to a file"])
def test_check_lists_each_folder_once(gallery, wrapped, listed, output, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    rows = done("check", gallery, wrapped, *output) or (tmp_path / "rows.jsonl").read_text()
    assert len(rows.splitlines()) == 4
    assert within(listed) == dict.fromkeys(FOLDERS, 1)


def test_build_lists_each_folder_once(fake, wrapped, listed, tmp_path):
    done("build", tmp_path / "new.gallery", wrapped)
    assert within(listed) == dict.fromkeys(FOLDERS, 1)
