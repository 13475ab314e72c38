"""Run commands whose Ray keeps its files in a folder of the test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.likewise.server.processes import ServerProcess

ROOT = Path(__file__).parents[2]
STORE = 100 << 20  # bytes of each node's object store


def command(*words: object, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; what Ray writes into the home lies in the folder too."""
    where = _environment(folder, variables)
    return subprocess.run(_line(*words), cwd=folder, env=where, text=True, capture_output=True)


class Serving(ServerProcess):
    """`likewise serve`, ended by SIGTERM with the block.

    Attributes:
        status: With which it ended.
    """

    def __init__(self, gallery: Path | str, *options: object, folder: Path) -> None:
        self.status: int | None = None
        super().__init__(gallery, *map(str, options), environment=_environment(folder, {}))

    def __exit__(self, *raised: Any) -> None:
        self.status = self.stop()
        super().__exit__(*raised)


def _line(*words: object) -> list[str]:
    return [sys.executable, "-m", "likewise", *map(str, words)]


def _environment(folder: Path, variables: dict[str, str]) -> dict[str, str]:
    search = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    paths = {"PYTHONPATH": search, "RAY_TMPDIR": str(folder), "HOME": str(folder)}
    return os.environ | paths | variables
