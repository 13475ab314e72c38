"""Run Python with `watched.c` preloaded: its writes are recorded, or fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def built(folder: Path) -> Path:
    """Compile the library."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:  # a skip would go unnoticed
        pytest.fail("Cut power and failing writes need a C compiler: apt-get install gcc")
    library = folder / "watched.so"
    source = Path(__file__).with_name("watched.c")
    subprocess.run(
        [compiler, "-O1", "-shared", "-fPIC", source, "-o", library, "-ldl", "-lpthread"],
        check=True,
    )
    return library


def run(
    library: Path, root: Path, *arguments: str, log: Path | None = None, fail: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Python with the library preloaded.

    Args:
        library: From `built`.
        root: The folder that is watched.
        arguments: Of Python.
        log: Where to record to.
        fail: Number of the first write or sync that fails, and how many do.
    """
    extra = {"LD_PRELOAD": str(library), "DISK_ROOT": str(root)}
    if log is not None:
        extra["DISK_LOG"] = str(log)
    if fail is not None:
        extra["DISK_FAIL"] = fail
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT, env={**os.environ, **extra}, capture_output=True, text=True, check=False,
    )  # fmt: skip
