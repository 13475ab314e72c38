"""Another process that changes a gallery for the duration of a test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCRIPT = """
import sqlite3, sys
sqlite3.connect(sys.argv[1], isolation_level=None).execute("BEGIN IMMEDIATE")
print("writing", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process_writes(gallery: Path) -> Iterator[None]:
    """Within the block another process holds SQLite's lock for writing."""
    command = [sys.executable, "-c", _SCRIPT, str(gallery / "references.sqlite")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "writing\n"
        yield
    finally:
        process.communicate()  # its input ends, and so does it
