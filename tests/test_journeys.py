"""How many of the project's files one small picture enters on its way to an answer."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST = {"POST /v1/check, image/png": 20, "POST /v1/check, multipart": 22}


@pytest.mark.slow
def test_a_picture_over_http_enters_few_files():
    command = [sys.executable, "-m", "bench.journeys"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = {name: int(count) for name, count in re.findall(r"^(.+?): (\d+) files", printed, re.M)}
    assert {name: files[name] <= most for name, most in MOST.items()} == dict.fromkeys(MOST, True)
