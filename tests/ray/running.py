"""Run commands whose Ray keeps its files in a folder of the test."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Self

import httpx

ROOT = Path(__file__).parents[2]
STORE = 100 << 20  # bytes of each node's object store


def command(*words: object, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; what Ray writes into the home lies in the folder too."""
    where = _environment(folder, variables)
    return subprocess.run(_line(*words), cwd=folder, env=where, text=True, capture_output=True)


class Serving:
    """`likewise serve` in a process of its own, ended by SIGTERM with the block.

    Attributes:
        url: Where it answers.
        log: What it wrote to stderr.
        status: With which it ended.
    """

    def __init__(self, *words: object, folder: Path) -> None:
        self.process = subprocess.Popen(
            _line("serve", *words, "--port", 0),
            cwd=folder, env=_environment(folder, {}), text=True, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.log: list[str] = []
        self.status: int | None = None
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)
            if found := re.search(r"Serving \S+ on (http://\S+)/", line):
                self.url = found[1]
                break
        else:
            raise RuntimeError("".join(self.log))
        self._reader = Thread(target=self.log.extend, args=[self.process.stderr])
        self._reader.start()

    def client(self) -> httpx.Client:
        """Someone who asks it."""
        return httpx.Client(base_url=self.url, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.status = self.process.wait()
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()


def _line(*words: object) -> list[str]:
    return [sys.executable, "-m", "likewise", *map(str, words)]


def _environment(folder: Path, variables: dict[str, str]) -> dict[str, str]:
    search = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    paths = {"PYTHONPATH": search, "RAY_TMPDIR": str(folder), "HOME": str(folder)}
    return os.environ | paths | variables
