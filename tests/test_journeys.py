"""How many of the project's files one small picture enters on its way to an answer."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Where it stands, to be lowered and never raised without a reason in docs/decisions/house.md; the
# aim is 20, 20 and 22 (bench/journeys.py).
STANDS = {"likewise check": 72, "POST /v1/check, image/png": 41, "POST /v1/check, multipart": 42}


@pytest.mark.slow
def test_a_picture_enters_no_more_files_than_it_did():
    command = [sys.executable, "-m", "bench.journeys"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = {name: int(count) for name, count in re.findall(r"^(.+?): (\d+) files", printed, re.M)}
    assert files.keys() == STANDS.keys()
    assert {name: count for name, count in files.items() if count > STANDS[name]} == {}
