"""Run commands through their entry point, in this process or a separate one."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from click.testing import CliRunner, Result

from cli import main
from index.decision import CheckOptions
from index.gallery import Gallery
from likewise.bulk.journal import Journal
from likewise.matcher import Matcher
from tests.eventually import eventually

ROOT = Path(__file__).parents[3]


FAKED = """
import signal
import sys
from tests.fakes import install
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in a shell's background ignores it
install(batches=int(sys.argv.pop(1)))
from cli import main
main(prog_name="likewise")
"""


ALL = str(sys.maxsize)


def run(*arguments: object, input: bytes | str | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=input)


def done(*arguments: object, input: bytes | str | None = None) -> Result:
    result = run(*arguments, input=input)
    assert result.exit_code == 0, result.output
    return result


def rows(*arguments: object, input: bytes | str | None = None) -> list[dict]:
    return [json.loads(line) for line in done(*arguments, input=input).stdout.splitlines()]


def failure(*arguments: object) -> str:
    """The one line that a failing command prints."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def read(path: Path) -> list[dict]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".csv":
        return list(csv.DictReader(path.read_text().splitlines()))
    return [json.loads(line) for line in path.read_text().splitlines()]


def process(batches: object, *arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    """The command with a fake embedder that waits after some batches until stdin ends."""
    command = [sys.executable, "-c", FAKED, str(batches), *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(command, cwd=ROOT, **pipes)


def wait_for_a_row(path: Path) -> None:
    """Wait until a journal holds a row behind its header."""
    eventually(
        lambda: path.read_bytes().count(b"\n"),
        until=lambda lines: lines > 1,
        retry=FileNotFoundError,
    )


def interrupted(gallery: Path, scans: Path, output: Path, rows: int = 7) -> bytes:
    """Leave what a killed check leaves after so many rows; return the whole file."""
    done("check", gallery, scans, "-o", output)
    whole = output.read_bytes()
    output.unlink()
    with Matcher.open(gallery) as matcher:
        from likewise.bulk.job import Job

        job = Job(matcher, [], [str(scans)], CheckOptions(), lambda n: None)
        with Journal(output, job._settings(), []) as journal:
            lines = whole.splitlines(keepends=True)
            journal.write([json.loads(line) for line in lines[:rows]])
    with journal.path.open("ab") as file:
        file.write(lines[rows][:20])
    return whole


def held(path: Path) -> int:
    with Gallery.open(path) as gallery:
        return len(gallery)
