"""Locks on files, and commands on a system without `fcntl`, as Windows is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from likewise.locking import try_lock

ROOT = Path(__file__).parents[2]

# The Windows of these tests: no fcntl, and a module msvcrt that notes what it locks.
WITHOUT_FCNTL = """
import subprocess, sys, types  # subprocess takes msvcrt for Windows
sys.modules["fcntl"] = None
locked = []
sys.modules["msvcrt"] = types.SimpleNamespace(
    LK_NBLCK=2, locking=lambda handle, mode, size: locked.append((mode, size))
)
from likewise.commands.group import main
"""


def without_fcntl(*arguments: str | Path, after: str = "") -> list[str]:
    script = f"{WITHOUT_FCNTL}main(sys.argv[1:], standalone_mode=False)\n{after}"
    return [sys.executable, "-c", script, *map(str, arguments)]


def succeed(*arguments: str | Path, after: str = "") -> str:
    command = without_fcntl(*arguments, after=after)
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_only_one_open_file_has_the_lock_until_it_is_closed(tmp_path):
    with (tmp_path / "lock").open("ab") as first, (tmp_path / "lock").open("ab") as second:
        assert try_lock(first)
        assert not try_lock(second)
        first.close()
        assert try_lock(second)


def test_a_process_that_ended_has_no_lock(tmp_path):
    code = f"from likewise.locking import try_lock; f = open({str(tmp_path / 'lock')!r}, 'ab')\n"
    subprocess.run([sys.executable, "-c", f"{code}assert try_lock(f)"], cwd=ROOT, check=True)
    with (tmp_path / "lock").open("ab") as file:
        assert try_lock(file)


@pytest.fixture
def one(tmp_path) -> Path:
    """A gallery of one digit, built without fcntl."""
    succeed("build", tmp_path / "one.gallery", "mnist/test/00000")
    return tmp_path / "one.gallery"


def test_check_works_without_fcntl(one, tmp_path):
    assert json.loads(succeed("check", one, "mnist/test/00000"))["decision"] == "match"
    output = tmp_path / "rows.csv"
    noted = succeed("check", one, "mnist/test/00000", "-o", output, after="print(locked)")
    assert noted == "[(2, 1)]\n"
    assert "mnist/test/00000,match" in output.read_text()


@pytest.mark.skipif(os.name != "posix", reason="ends the server by SIGTERM")
def test_serve_works_without_fcntl(one):
    import httpx

    command = without_fcntl("serve", one, "--port", "0")
    with subprocess.Popen(command, cwd=ROOT, text=True, stderr=subprocess.PIPE) as server:
        try:
            assert server.stderr is not None
            url = next(found[0] for line in server.stderr if (found := re.search(r"http\S+", line)))
            assert httpx.get(f"{url}readyz", timeout=60).status_code == 200
            job = httpx.get(f"{url}v1/gallery", timeout=60)
            assert job.json()["references"] == 1
        finally:
            server.terminate()
