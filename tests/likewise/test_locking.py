"""Locks on files, and commands on a system without `fcntl`, such as Windows."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from likewise.locking import locked

ROOT = Path(__file__).parents[2]

WITHOUT_FCNTL = """
import sys
sys.modules["fcntl"] = None
from likewise.commands.group import main
"""
HELD_TWICE = """
from pathlib import Path
from likewise.locking import locked
path = Path(f"{sys.argv[-1]}.again")
with locked(path, wait=False) as first, locked(path, wait=False) as second:
    print(first, second)
"""


def without_fcntl(*arguments: str | Path, after: str = "") -> list[str]:
    script = f"{WITHOUT_FCNTL}main(sys.argv[1:], standalone_mode=False)\n{after}"
    return [sys.executable, "-c", script, *map(str, arguments)]


def succeed(*arguments: str | Path, after: str = "") -> str:
    command = without_fcntl(*arguments, after=after)
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_only_one_holds_a_lock_until_it_lets_go(tmp_path):
    with (
        locked(tmp_path / "lock", wait=False) as first,
        locked(tmp_path / "lock", wait=False) as second,
    ):
        assert (first, second) == (True, False)
    with locked(tmp_path / "lock", wait=False) as again:
        assert again


def test_a_process_that_ended_has_no_lock(tmp_path):
    code = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from likewise.locking import locked\n"
        f"with locked(Path({str(tmp_path / 'lock')!r}), wait=False) as held:\n"
        "    assert held\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    with locked(tmp_path / "lock", wait=False) as held:
        assert held


def test_a_lock_in_a_folder_that_is_gone_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError), locked(tmp_path / "gone" / "lock", wait=True):
        pass
    assert not (tmp_path / "gone").exists()


@pytest.fixture
def one(tmp_path) -> Path:
    """A gallery of one digit, built without fcntl."""
    succeed("build", tmp_path / "one.gallery", "mnist/test/00000")
    return tmp_path / "one.gallery"


def test_check_works_without_fcntl(one, tmp_path):
    assert json.loads(succeed("check", one, "mnist/test/00000"))["decision"] == "match"
    output = tmp_path / "rows.csv"
    held = succeed("check", one, "mnist/test/00000", "-o", output, after=HELD_TWICE)
    assert held == "True False\n"
    assert not (tmp_path / "rows.csv.partial.lock").exists()
    assert "mnist/test/00000,match" in output.read_text()


@pytest.mark.skipif(os.name != "posix", reason="ends the server by SIGTERM")
def test_serve_works_without_fcntl(one):
    import httpx

    command = without_fcntl("serve", one, "--port", "0")
    with subprocess.Popen(command, cwd=ROOT, text=True, stderr=subprocess.PIPE) as server:
        try:
            assert server.stderr is not None
            url = next(
                result[0] for line in server.stderr if (result := re.search(r"http\S+", line))
            )
            assert httpx.get(f"{url}readyz", timeout=60).status_code == 200
            job = httpx.get(f"{url}v1/gallery", timeout=60)
            assert job.json()["references"] == 1
        finally:
            server.terminate()
