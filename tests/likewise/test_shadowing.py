"""A user's own modules beside ours: `PYTHONPATH=.` in a folder of theirs."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from functools import partial
from pathlib import Path

import pytest

from likewise.commands.group import COMMANDS

pytestmark = pytest.mark.costly
ROOT = Path(__file__).parents[2]
FOREIGN = "raise RuntimeError('a foreign module was imported')\n"
DIGIT = "mnist/test/00000"
WORDS = {
    "train": ["--out", "model"],
    "import": ["siamese.keras", "--out", "model"],
    "upgrade": ["new.gallery", "--model", "model"],
    "build": ["new.gallery", DIGIT],
    "add": ["new.gallery", DIGIT],
    "remove": ["new.gallery", DIGIT],
    "backup": ["new.gallery", "copy.gallery"],
    "copy": ["new.gallery", "copy.gallery"],
    "query": ["new.gallery", DIGIT],
    "check": ["new.gallery", DIGIT],
    "calibrate": ["new.gallery", "--fpir", "0.1"],
    "evaluate": ["new.gallery", DIGIT, "--out", "report"],
    "compare": [DIGIT, DIGIT],
    "embed": [DIGIT, "-o", "vectors.npy"],
    "merge": ["rows.csv"],
    "tune": ["new.gallery", "--search", "flat"],
    "info": ["new.gallery"],
    "doctor": ["new.gallery"],
    "serve": ["new.gallery"],
    "demo": ["new.gallery"],
}


def run(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, with `PYTHONPATH=.` before where ours are installed."""
    path = os.pathsep.join([".", str(ROOT)])
    env = os.environ | {"PYTHONPATH": path}
    return subprocess.run(words, cwd=folder, env=env, text=True, capture_output=True)


@pytest.fixture
def likewise(tmp_path):
    """The installed command, in a folder with foreign modules that Python finds first."""
    return partial(run, tmp_path, Path(sysconfig.get_path("scripts")) / "likewise")


@pytest.fixture
def python(tmp_path):
    """Python itself, in the same folder."""
    return partial(run, tmp_path, sys.executable)


def assert_names(done: subprocess.CompletedProcess[str], file: Path) -> None:
    """It failed with one sentence that names the file."""
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: Expected the module `{file.stem}` in {ROOT / file.stem}")
    assert f"but Python finds {file} first: rename that one" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_users_own_cli_metrics_service_and_cores_disturb_nothing(likewise, tmp_path):
    for name in ("cli", "metrics", "service", "cores", "options", "errors", "commands", "server"):
        (tmp_path / f"{name}.py").write_text(FOREIGN)
    built = likewise("build", "new.gallery", DIGIT)
    assert built.returncode == 0, built.stderr
    checked = likewise("check", "new.gallery", DIGIT)
    assert checked.returncode == 0, checked.stderr
    assert '"match"' in checked.stdout


@pytest.mark.parametrize("name", ["embedder", "index"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_names_a_foreign_half_in_one_sentence(likewise, tmp_path, command, name):
    (tmp_path / f"{name}.py").write_text(FOREIGN)
    assert_names(likewise(command, *WORDS[command]), tmp_path / f"{name}.py")


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_need_neither_half(likewise, tmp_path, option):
    (tmp_path / "index.py").write_text(FOREIGN)
    assert likewise(option).returncode == 0


def test_a_foreign_package_is_named_by_its_init_file(likewise, tmp_path):
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "__init__.py").write_text(FOREIGN)
    done = likewise("info", "new.gallery")
    assert f"finds {tmp_path / 'index' / '__init__.py'} first" in done.stderr


def test_a_folder_of_files_named_like_a_half_is_not_a_module_and_disturbs_nothing(
    likewise, tmp_path
):
    (tmp_path / "embedder").mkdir()
    (tmp_path / "embedder" / "notes.txt").touch()
    assert likewise("compare", DIGIT, DIGIT).returncode == 0


def test_python_m_likewise_is_the_command_and_names_a_foreign_half(python, tmp_path):
    assert python("-m", "likewise", "compare", DIGIT, DIGIT).returncode == 0
    (tmp_path / "embedder.py").write_text(FOREIGN)
    done = python("-m", "likewise", "compare", DIGIT, DIGIT)
    assert_names(done, tmp_path / "embedder.py")


def test_a_name_of_the_module_names_a_foreign_half(python, tmp_path):
    (tmp_path / "index.py").write_text(FOREIGN)
    done = python("-c", "import likewise; likewise.Matcher")
    *_, last = done.stderr.splitlines()
    assert last.startswith("likewise.shadowing.ShadowedError: Expected the module `index` in")
    assert f"but Python finds {tmp_path / 'index.py'} first" in last


def test_a_half_that_was_imported_by_hand_is_named_too(python):
    code = "import sys, types; sys.modules['index'] = types.ModuleType('index'); import likewise\n"
    done = python("-c", f"{code}likewise.Matcher")
    assert "finds a module without a file in sys.modules['index'] first" in done.stderr


def test_the_process_of_a_job_names_a_foreign_half(python, tmp_path):
    (tmp_path / "embedder.py").write_text(FOREIGN)
    done = python("-m", "likewise.server.jobs", "job", "new.gallery")
    assert_names(done, tmp_path / "embedder.py")
