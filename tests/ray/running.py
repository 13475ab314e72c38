"""Run commands whose Ray keeps its files in a folder of the test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STORE = 100 << 20  # bytes of each node's object store


def command(*words: object, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; what Ray writes into the home lies in the folder too."""
    line = [sys.executable, "-m", "likewise", *map(str, words)]
    paths = {"PYTHONPATH": str(ROOT), "RAY_TMPDIR": str(folder), "HOME": str(folder)}
    return subprocess.run(
        line, cwd=folder, env=os.environ | paths | variables, text=True, capture_output=True
    )
