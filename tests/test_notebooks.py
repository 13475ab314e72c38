"""The notebooks of docs/notebooks run from end to end and show what is stored in them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
DIGITS = ROOT / "docs/notebooks/digits.ipynb"
TUTORIAL = ROOT / "docs/notebooks/tutorial.ipynb"
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))

EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""


def outputs(path: Path) -> list[dict[str, Any]]:
    """What the cells of a notebook show, in order; without what libraries log on stderr."""
    cells = json.loads(path.read_text())["cells"]
    shown = [output for cell in cells for output in cell.get("outputs", ())]
    return [output for output in shown if output.get("name") != "stderr"]


def executed(notebook: Path, folder: Path) -> Path:
    """Run a notebook in a folder, and give the copy with what it shows then."""
    again = folder / notebook.name
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, str(notebook), str(again)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return again


def shown(output: dict[str, Any]) -> str:
    """What a reader sees of an output; of numbers two digits, as processors differ in the last."""
    data = output.get("data", {})
    html = "".join(data.get("text/html") or output.get("text") or data.get("text/plain", ""))
    text = re.sub(r"<style.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL)
    return re.sub(r"(\d\.\d\d)\d+", r"\1", " ".join(text.split()))


@pytest.mark.slow
def test_the_notebook_of_digits_runs_and_shows_what_is_stored_in_it(tmp_path):
    again = executed(DIGITS, tmp_path)
    assert list(map(shown, outputs(again))) == list(map(shown, outputs(DIGITS)))
    views = ["".join(output.get("data", {}).get("text/html", "")) for output in outputs(again)]
    assert sum(view.count("<img") for view in views) == 10 * 6 + 5 * 6 + 6
    assert all(len(view.encode()) <= 200_000 for view in views)


@pytest.mark.slow
def test_the_notebook_of_the_tutorial_runs_and_shows_what_is_stored_in_it(tmp_path):
    again = executed(TUTORIAL, tmp_path)
    assert list(map(without_fractions, outputs(again))) == (
        list(map(without_fractions, outputs(TUTORIAL)))
    )


def without_fractions(output: dict[str, Any]) -> str:
    """What a reader sees but for distances, which depend on the processor that trained."""
    return re.sub(r"\d+\.\d+", "#", shown(output))


def test_the_notebook_of_the_tutorial_is_stored_with_its_answers():
    texts = list(map(shown, outputs(TUTORIAL)))
    assert "equal" in texts  # the pair accuracy in Keras and in likewise
    assert "2000 of 10000 unknown digits match" in texts
    assert any("2 match, 1 no_match" in text for text in texts)


def test_the_notebook_of_digits_is_stored_with_its_pictures():
    views = ["".join(output.get("data", {}).get("text/html", "")) for output in outputs(DIGITS)]
    gallery, answers = views[0], views[1]
    assert "5000 references of 10 groups" in gallery
    assert gallery.count("<img") == 10 * 6
    assert "3 match, 2 no_match" in answers
    assert answers.count("<img") == 5 * (1 + 5)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_names_no_folder_of_the_machine_that_ran_it(path):
    assert not re.search(r"/(tmp|home|root|work)/", path.read_text())
    assert path.stat().st_size < 200_000
