"""What a new user gets: a complete wheel, an environment without TensorFlow, a demo.

Each test makes environments of its own, with the locked packages from wherever pip finds them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("likewise", "embedder", "index")

# `make release` takes two minutes of a processor, on a busy machine more than ten by the clock.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def shell(
    *command: str | Path, cwd: Path = ROOT, **variables: str
) -> subprocess.CompletedProcess[str]:
    unset = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=cwd, env=unset | variables, text=True, capture_output=True)


def succeed(*command: str | Path, cwd: Path = ROOT, **variables: str) -> str:
    done = shell(*command, cwd=cwd, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> Path:
    """What `make release` leaves: dist/, and environments with the wheel and with the sdist."""
    folder = tmp_path_factory.mktemp("release")
    shown = succeed(".ci/release", folder / "dist", folder, PYTHON=sys.executable)
    (folder / "shown").write_text(shown)
    return folder


@pytest.fixture(scope="module")
def built(released) -> Path:
    """A folder with the wheel and the source distribution."""
    return Path(released / "dist")


@pytest.fixture(scope="module")
def installed(released) -> Path:
    """The bin/ of an environment with the runtime lock and the wheel, nothing else."""
    return Path(released / "wheel" / "bin")


@pytest.fixture
def fresh(tmp_path) -> Path:
    """The bin/ of an environment with pip alone."""
    succeed(sys.executable, "-m", "venv", tmp_path / "fresh")
    return Path(tmp_path / "fresh" / "bin")


def constrain(monkeypatch, lock: str, folder: Path) -> None:
    """Let pip, by its settings alone, take the locked versions; hashes it would ask of us too."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    versions = re.findall(r"^[a-z][^\\\n]*==[^\\\n]*", text, re.MULTILINE)
    plain = re.sub(r"\[[a-z]+\]", "", "\n".join(versions))  # constraints cannot have extras
    (folder / "constraints.txt").write_text(plain)
    monkeypatch.setenv("PIP_CONSTRAINT", str(folder / "constraints.txt"))


def shipped() -> set[str]:
    """Every file of the packages, as it must stand in wheel and source distribution."""
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*")]
    names = {str(path.relative_to(ROOT)) for path in files if path.is_file()}
    return {name for name in names if "__pycache__" not in name}


def test_a_release_runs_the_demo_from_the_wheel_and_from_the_source_distribution(released):
    from likewise import __version__

    shown = (released / "shown").read_text()
    assert f"likewise-{__version__}-py3-none-any.whl: likewise, version {__version__}" in shown
    assert f"likewise-{__version__}.tar.gz: likewise, version {__version__}" in shown
    assert len(re.findall(r"^  digits: \d{4} right, ", shown, re.MULTILINE)) == 2


def test_the_wheel_holds_the_packages_with_their_data_and_nothing_else(built):
    (wheel,) = built.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == shipped()
    assert {"embedder/mnist/train-images-idx3-ubyte.gz", "embedder/pretrained/model.json"} <= names


def test_the_source_distribution_holds_the_packages_and_the_licence(built):
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    assert shipped() | {"LICENSE", "pyproject.toml", "tests/test_docs.py"} <= names


def test_the_installed_command_works_away_from_the_sources_without_tensorflow(installed, tmp_path):
    succeed(installed / "python", "-m", "pip", "check")
    assert "tensorflow" not in succeed(installed / "python", "-m", "pip", "freeze")
    build = (installed / "likewise", "build", "small.gallery", "mnist/test")
    succeed(*build, cwd=tmp_path)
    assert "10000" in succeed(installed / "likewise", "info", "small.gallery", cwd=tmp_path)


def test_training_without_tensorflow_says_so_in_one_sentence(installed, tmp_path):
    done = shell(installed / "likewise", "train", "mnist", "--out", "model", cwd=tmp_path)
    assert done.returncode == 1
    assert re.fullmatch(r"Error: .*likewise\[train\].*\n", done.stderr)


def test_pip_install_of_the_sources_gives_a_command_that_works(fresh, tmp_path, monkeypatch):
    constrain(monkeypatch, "runtime", tmp_path)
    succeed(fresh / "pip", "install", ".")
    assert "tensorflow" not in succeed(fresh / "pip", "freeze")
    assert re.fullmatch(r"likewise, version \S+\n", succeed(fresh / "likewise", "--version"))
    succeed(fresh / "likewise", "build", "one.gallery", "mnist/test/00000", cwd=tmp_path)
    query = (fresh / "likewise", "query", "one.gallery", "mnist/test/00017")
    [row] = map(json.loads, succeed(*query, cwd=tmp_path).splitlines())
    assert [near["label"] for near in row["neighbours"]] == ["7"]


@pytest.mark.parametrize(("extra", "package"), [("train", "tensorflow"), ("serve", "fastapi")])
def test_pip_finds_what_an_extra_needs(fresh, extra, package, tmp_path, monkeypatch):
    constrain(monkeypatch, extra, tmp_path)
    output = succeed(fresh / "pip", "install", "--dry-run", f".[{extra}]")
    assert re.search(rf"^Would install .*\b{package}-\d", output, re.MULTILINE)


def test_make_demo_works_on_a_fresh_copy_of_the_sources(tmp_path):
    unwanted = shutil.ignore_patterns(".venv", ".git", ".*_cache", "__pycache__", ".hypothesis")
    copy = shutil.copytree(ROOT, tmp_path / "likewise", ignore=unwanted)
    shown = succeed("make", "demo", f"PYTHON={sys.executable}", cwd=copy)
    assert "▀" in shown or "▄" in shown  # pictures, in half blocks
    assert not list(copy.glob(".venv/*/lib/*/site-packages/tensorflow"))


def test_no_lock_names_where_its_packages_come_from():
    for lock in (ROOT / "requirements").glob("*.txt"):
        assert not re.search(r"://|^--(?:extra-)?index|^--find", lock.read_text(), re.MULTILINE)


@pytest.mark.parametrize("narrow", ["runtime", "train"])
def test_the_tests_run_on_the_very_versions_that_a_user_gets(narrow):
    def pinned(name: str) -> set[str]:
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        return set(re.findall(r"^[a-z][^ ]*==[^\\\n]*", text, re.MULTILINE))

    assert pinned(narrow) <= pinned("dev")
