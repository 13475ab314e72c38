"""How many of the project's files one small picture enters on its way to an answer."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.journeys import MOST

ROOT = Path(__file__).parents[1]
OVER_HTTP = {name: most for name, most in MOST.items() if name.startswith("POST")}


@pytest.mark.slow
def test_a_picture_over_http_enters_few_files():
    command = [sys.executable, "-m", "bench.journeys"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = {name: int(count) for name, count in re.findall(r"^(.+?): (\d+) files", printed, re.M)}
    assert {name: most for name, most in OVER_HTTP.items() if files[name] > most} == {}
